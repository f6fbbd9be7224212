import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const bench = new URL('../../bench/', import.meta.url)

interface Report {
  withSection(page: string, run: unknown): string
  toPlot(run: unknown): string
}
// The bench is JavaScript, checked by a project of its own; what it gives is named here.
const { withSection, toPlot }: Report = await import(new URL('transports/report.mjs', bench).href)

it('a run in miniature hears every event over every way, and misses none after a cut', {
  timeout: 120_000,
}, async () => {
  const to = await mkdtemp(join(tmpdir(), 'tidings-transports-'))
  try {
    const file = fileURLToPath(new URL('transports/run.mjs', bench))
    const { status, stderr } = spawnSync(process.execPath, [file, '--tiny', '--built', '--to', to], {
      encoding: 'utf8',
    })
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const [name = ''] = (await readdir(to)).filter(each => each.endsWith('.json'))
    const run = JSON.parse(await readFile(join(to, name), 'utf8'))
    const ways: readonly string[] = run.results.map(({ way }: { way: string }) => way)
    expect([...ways, ...Object.keys(run.left)].sort()).toEqual(
      ['long-poll', 'poll-1s', 'poll-5s', 'sse-h2c', 'sse-http1', 'sse-http2', 'websocket'].sort(),
    )
    for (const result of run.results) {
      expect(result).toMatchObject({ wrong: [], missedAfterCut: 0, backMaxMs: expect.any(Number) })
      expect(result.downPerEvent).toBeGreaterThan(100)
    }
  } finally {
    await rm(to, { recursive: true, force: true })
  }
})

it('docs/transports.md and its picture have what the newest run found', async () => {
  const results = fileURLToPath(new URL('results/', bench))
  const newest = (await readdir(results))
    .filter(name => /^transports-.*\.json$/.test(name))
    .sort()
    .at(-1)
  const run: unknown = JSON.parse(await readFile(join(results, newest ?? 'none'), 'utf8'))
  const page = await readFile(new URL('../docs/transports.md', bench), 'utf8')
  expect(withSection(page, run)).toBe(page)
  expect(await readFile(new URL('../docs/pictures/transports.svg', bench), 'utf8')).toBe(toPlot(run))
})
