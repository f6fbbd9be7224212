import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ApplicationFolder, startProgram } from '../../support/application-folder.js'
import { run, settle } from '../../support/command-line.js'
import { freePort } from '../../support/hub-process.js'
import { read } from '../client.js'
import { remoteApplication, tryAnswer, tryApplication } from '../try-application.js'
import { prepareHost } from './host.js'

let folder: ApplicationFolder
let next = ''
beforeAll(async () => {
  // The optional packages are compilers for other machines, and one for pictures.
  const host = await prepareHost('next', 'lib/trial.mjs', '--omit=optional')
  folder = host.folder
  next = join(host.installed, 'next/dist/bin/next')
  await settle(run('env', ['NEXT_TELEMETRY_DISABLED=1', process.execPath, next, 'build'], folder.path))
}, 240_000)
afterAll(() => folder?.remove())

async function start() {
  const port = await freePort()
  const env = { ...process.env, NODE_ENV: 'production' as const, NEXT_TELEMETRY_DISABLED: '1' }
  const command = [process.execPath, next, 'start', '--hostname', '127.0.0.1', '--port', String(port)] as const
  const program = startProgram(command, folder.path, env)
  await vi.waitFor(() => expect(program.said.output).toContain('Ready'), { timeout: 15_000 })
  return { url: `http://127.0.0.1:${port}`, ...program }
}

describe('Next.js 16', () => {
  tryApplication(async () => remoteApplication(`${(await start()).url}/try`))
  tryAnswer(async () => remoteApplication(`${(await start()).url}/try`))

  it('runs the programs of the guide: they are heard, and drain', async () => {
    const { url, child, ended } = await start()
    const reading = await read(`${url}/events?user=ann`)
    await reading.until('data: 20')
    expect((await fetch(`${url}/events?user=*`)).status).toBe(403)
    child.kill('SIGTERM')
    expect(await reading.ended()).toMatch(/retry: \d+\n$/)
    // Next.js says itself how it ends.
    await ended
  })
})
