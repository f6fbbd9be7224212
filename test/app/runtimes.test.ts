import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ApplicationFolder, startProgram } from '../support/application-folder.js'
import { installRuntimes, type RuntimeCommand, type RuntimeName } from '../support/runtimes.js'
import { read } from './client.js'
import { type RunningApplication, remoteApplication, tryAnswer, tryApplication } from './try-application.js'

let folder: ApplicationFolder
let commandOf: (name: RuntimeName) => RuntimeCommand
beforeAll(async () => {
  folder = await ApplicationFolder.make(['hono'])
  for (const name of ['application.mjs', 'trial.mjs']) {
    await folder.write(name, await readFile(new URL(`programs/${name}`, import.meta.url), 'utf8'))
  }
  commandOf = await installRuntimes()
}, 120_000)
afterAll(() => folder.remove())

async function start(runtime: RuntimeName, ...args: readonly string[]): Promise<RunningApplication> {
  const { said } = startProgram([...commandOf(runtime), 'application.mjs', ...args], folder.path)
  const url = await vi.waitFor(
    () => {
      expect(said.output).toContain('http://')
      return said.output.split('\n', 1)[0] ?? ''
    },
    { timeout: 15_000 },
  )
  return remoteApplication(url)
}

describe.each<[RuntimeName, string]>([
  ['Bun', 'plain'],
  ['Bun', 'hono'],
  ['Deno', 'plain'],
  ['Deno', 'hono'],
])('%s, %s', (runtime, kind) => {
  tryApplication(() => start(runtime, kind))
  tryAnswer(() => start(runtime, kind))

  it('compresses for who asks, behind what all of them have', async () => {
    const app = await start(runtime, kind)
    const readers = await Promise.all(
      ['gzip', 'gzip, br', 'identity'].map(accepted =>
        read(`${app.url}/zipped/events`, { 'x-user': 'ann', 'accept-encoding': accepted }),
      ),
    )
    expect(readers.map(({ response }) => response.headers.get('content-encoding'))).toEqual(['gzip', 'gzip', null])
    for (const reader of readers) await reader.until('$cursor')
    for (let number = 1; number <= 10; number++) {
      for (const data of [
        `소식 ${number}, much like the one before`,
        `${number} ${'and much more of it; '.repeat(100)}`,
      ]) {
        const id = await app.publish('news', data)
        for (const reader of readers) {
          expect(await reader.until(`data: ${data}\n`)).toContain(`id: ${id}\ntopic: news\ndata: ${data}\n`)
        }
      }
    }
  })
})

describe('idleTimeout of Bun', () => {
  it('cuts whoever hears nothing for so long, and not whoever hears heartbeats meanwhile', async () => {
    const silent = await start('Bun', 'plain', '8', '60000')
    const beating = await start('Bun', 'plain', '8', '1000')
    const [cut, kept] = await Promise.all([silent, beating].map(app => read(`${app.url}/events`, { 'x-user': 'ann' })))
    // The heartbeats of more than eight seconds.
    await Promise.all([expect(cut?.ended()).rejects.toThrow(), kept?.times('event: $cursor', 12)])
    await vi.waitFor(async () => expect((await silent.state()).subscribers).toBe(0), { timeout: 15_000 })
    expect((await beating.state()).subscribers).toBe(1)
  })
})
