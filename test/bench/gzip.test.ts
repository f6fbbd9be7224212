import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { run, settle } from '../support/command-line.js'

interface Results {
  readonly results: readonly { size: string; title: string; bytes: number; cpuUs: number; memory: number }[]
}

it('the bench of gzip runs, and what is compressed is heard to the letter in fewer bytes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-bench-gzip-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'results.json')
  const args = ['bench/gzip/run.mjs', '--connections', '20', '--events', '6', '--to', file]
  await settle(run(process.execPath, args, new URL('../..', import.meta.url).pathname))
  const { results }: Results = JSON.parse(await readFile(file, 'utf8'))
  expect(results).toHaveLength(12)
  for (const size of ['88', '200', '1010']) {
    const bytesOf = (title: string) =>
      results.find(result => result.size === size && result.title === title)?.bytes ?? 0
    expect(bytesOf('Tidings, off')).toBeGreaterThan(Number(size) - 20)
    expect(bytesOf('Tidings, gzip')).toBeLessThan(bytesOf('Tidings, off') / 2)
    expect(bytesOf('Tidings, gzip')).toBeLessThan(bytesOf('`res.write`, a `createGzip` each') * 1.4)
  }
}, 60_000)
