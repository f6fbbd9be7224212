import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { read } from '../app/client.js'
import { ApplicationFolder, programsOf, startListening } from '../support/application-folder.js'
import { installRuntimes, type RuntimeCommand, type RuntimeName } from '../support/runtimes.js'

const programs = await programsOf('docs/guide/fetch.md')

describe('the programs of docs/guide/fetch.md', () => {
  let folder: ApplicationFolder
  beforeAll(async () => {
    folder = await ApplicationFolder.make(['hono'])
  })
  afterAll(() => folder.remove())

  it('are those that are run here, and in test/app/hosts', () => {
    expect([...programs.keys()]).toEqual([
      'sveltekit/src/lib/server/hub.js',
      'sveltekit/src/routes/events/+server.js',
      'next/lib/hub.js',
      'next/app/events/route.js',
      'bun.mjs',
      'bun-hono.mjs',
      'deno.mjs',
      'workers/worker.js',
    ])
  })

  describe.each<[RuntimeName, string[]]>([
    ['Bun', ['bun.mjs', 'bun-hono.mjs']],
    ['Deno', ['deno.mjs']],
  ])('in %s', (runtime, names) => {
    let command: RuntimeCommand
    beforeAll(async () => {
      const commandOf = await installRuntimes()
      const [program] = commandOf(runtime)
      // As the guide says.
      command = runtime === 'Deno' ? [program, 'run', '--allow-net'] : [program, 'run']
    }, 120_000)

    it.each(names)('%s is heard, is resumed, and drains', async name => {
      const { url, child, said, ended } = await startListening(folder, name, programs.get(name) ?? '', command)
      const first = await vi.waitFor(() => read(`${url}/events?user=ann`), { timeout: 15_000 })
      const id = /id: (\S+)\ndata: 20/.exec(await first.until('data: 20'))?.[1] ?? ''
      first.leave()
      const reading = await read(`${url}/events?user=ann`, { 'last-event-id': id })
      expect(await reading.until('data: 20')).not.toContain('$gap')
      expect((await fetch(`${url}/events?user=*`)).status).toBe(403)
      child.kill('SIGTERM')
      expect(await reading.ended()).toMatch(/retry: \d+\n$/)
      expect([await ended, said.output]).toEqual([0, runtime === 'Deno' ? expect.stringMatching(/^Listening on /) : ''])
    })
  })
})
