import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { blocksOf, readDocument } from '../support/document.js'
import { startFaultyProxy } from '../support/faulty-proxy.js'
import { startHubProcess } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'

/** What each program is run with, and where Debian has it. */
const runs = {
  'publish.mjs': { program: 'node', args: [], package: 'nodejs' },
  'publish.py': { program: 'python3', args: [], package: 'python3' },
  'publish.php': { program: 'php', args: [], package: 'php-cli' },
  'publish.go': { program: 'go', args: ['run'], package: 'golang-go' },
  'publish.sh': { program: 'sh', args: [], package: 'dash' },
} as const

const curl = requireProgram('curl', 'apt-get install curl')
const programs = new Map(
  blocksOf(await readDocument('docs/guide/publishing.md')).flatMap(({ says, code }) => {
    const name = /^program (\S+)$/.exec(says)?.[1]
    return name === undefined ? [] : [[name, code]]
  }),
)

interface PageOfEvents {
  readonly events: readonly { readonly id: string; readonly topic: string; readonly data: string }[]
}

// At once, since they mostly wait.
describe.concurrent('the programs of docs/guide/publishing.md', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-publishing-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('are those that are run here', ({ expect }) => {
    expect([...programs.keys()]).toEqual(Object.keys(runs))
  })

  describe.each(Object.entries(runs))('%s', (name, { program, args, package: debian }) => {
    const found = requireProgram(program, `apt-get install ${debian}`)
    const isMissing = !found || (name === 'publish.sh' && !curl)

    const run = async (port: number, edit = (code: string): string => code) => {
      const file = join(await mkdtemp(join(directory, 'run-')), name)
      await writeFile(file, edit((programs.get(name) ?? '').replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)))
      const child = spawn(found ?? '', [...args, file], { stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
        })
      }
      const status = await new Promise<number | null>(resolve => child.once('close', resolve))
      return { status, output }
    }

    it.skipIf(isMissing)(
      'keeps each event once, though its connection is cut and it is told to come later',
      async ({ expect }) => {
        const hub = await startHubProcess()
        const proxy = await startFaultyProxy(hub.url)
        const { status, output } = await run(proxy.port)
        expect({ status, output }).toMatchObject({ status: 0 })
        const answer = await fetch(`${hub.url}/events`, { headers: { accept: 'application/json' } })
        const { events } = (await answer.json()) as PageOfEvents
        expect(events.map(({ topic, data }) => [topic, data])).toEqual([
          ['news', expect.stringMatching(/^Hello from /)],
          ['stocks/AAPL', '{"price":187.2}'],
          ['stocks/MSFT', '{"price":402.6}'],
          ['news', 'Two trades'],
        ])
        for (const { id } of events) expect(output).toContain(id)
        const keys = [...new Set(proxy.attempts.map(({ key }) => key))]
        expect(proxy.attempts.map(({ path, key }) => [path, keys.indexOf(key)])).toEqual([
          ...new Array(3).fill(['/events/news', 0]),
          ...new Array(3).fill(['/events', 1]),
        ])
      },
      60_000,
    )

    it.skipIf(isMissing)(
      'does not repeat what is refused, and shows why',
      async ({ expect }) => {
        const hub = await startHubProcess()
        const proxy = await startFaultyProxy(hub.url, [])
        const toHubsOwn = (code: string): string => code.replace(/(["' ])\/events\/news(["' ])/, '$1/events/%24news$2')
        const { status, output } = await run(proxy.port, toHubsOwn)
        expect(status).not.toBe(0)
        expect(output).toContain('reserved-topic')
        expect(proxy.attempts.map(({ path }) => path)).toEqual(['/events/%24news'])
      },
      60_000,
    )
  })
})
