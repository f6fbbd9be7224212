import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ApplicationFolder, startProgram } from '../../support/application-folder.js'
import { run, settle } from '../../support/command-line.js'
import { freePort } from '../../support/hub-process.js'
import { installRuntimes } from '../../support/runtimes.js'
import { read } from '../client.js'
import { remoteApplication, tryAnswer, tryApplication } from '../try-application.js'
import { prepareHost } from './host.js'

let folder: ApplicationFolder
let node = ''
beforeAll(async () => {
  // SvelteKit 3 takes no older one.
  const commandOf = await installRuntimes()
  node = commandOf('Node.js 24')[0]
  const host = await prepareHost('sveltekit', 'src/trial.mjs')
  folder = host.folder
  await settle(run(node, [join(host.installed, 'vite/bin/vite.js'), 'build'], folder.path))
}, 240_000)
afterAll(() => folder?.remove())

async function start() {
  const port = await freePort()
  const env = { ...process.env, HOST: '127.0.0.1', PORT: String(port) }
  const program = startProgram([node, 'build'], folder.path, env)
  await vi.waitFor(() => expect(program.said.output).toContain('Listening'), { timeout: 15_000 })
  return { url: `http://127.0.0.1:${port}`, ...program }
}

describe('SvelteKit 3 with adapter-node', () => {
  tryApplication(async () => remoteApplication(`${(await start()).url}/try`))
  tryAnswer(async () => remoteApplication(`${(await start()).url}/try`))

  it('runs the programs of the guide: they are heard, and drain', async () => {
    const { url, child, ended } = await start()
    const reading = await read(`${url}/events?user=ann`)
    await reading.until('data: 20')
    expect((await fetch(`${url}/events?user=*`)).status).toBe(403)
    child.kill('SIGTERM')
    expect(await reading.ended()).toMatch(/retry: \d+\n$/)
    expect(await ended).toBe(0)
  })
})
