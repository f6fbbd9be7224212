import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type ApplicationFolder, startProgram } from '../../support/application-folder.js'
import { read } from '../client.js'
import { remoteApplication, tryAnswer, tryApplication } from '../try-application.js'
import { prepareHost } from './host.js'

let folder: ApplicationFolder
let workerd = ''
beforeAll(async () => {
  const host = await prepareHost('workers', 'trial.mjs')
  folder = host.folder
  workerd = join(host.installed, '@cloudflare/workerd-linux-64/bin/workerd')
}, 240_000)
afterAll(() => folder?.remove())

/** Bundles a worker, as the tools of Workers do, and runs it. */
async function start(worker: string): Promise<string> {
  const bundle = await rolldown({
    input: join(folder.path, worker),
    external: [/^node:/, /^cloudflare:/, 'ws'],
    onLog: () => undefined,
  })
  await bundle.write({ file: join(folder.path, 'bundle.js'), format: 'esm', codeSplitting: false })
  await bundle.close()
  const { said } = startProgram([workerd, 'serve', '--control-fd=1', 'config.capnp'], folder.path)
  return vi.waitFor(
    () => {
      const port = /"port":(\d+)/.exec(said.output)?.[1]
      expect(port, said.output).toBeDefined()
      return `http://127.0.0.1:${port}`
    },
    { timeout: 15_000 },
  )
}

describe('Workers, in workerd', () => {
  tryApplication(async () => remoteApplication(await start('trial-worker.js')))
  tryAnswer(async () => remoteApplication(await start('trial-worker.js')))

  it('run the program of the guide: it is heard, and resumed', async () => {
    const url = await start('worker.js')
    const first = await read(`${url}/news`)
    await first.until('$cursor')
    const say = async (data: string) => (await fetch(`${url}/news`, { method: 'POST', body: data })).json()
    const { id } = (await say('one')) as { id: string }
    await first.until('data: one')
    first.leave()
    await say('two')
    const second = await read(`${url}/news`, { 'last-event-id': id })
    expect(await second.until('data: two')).not.toContain('data: one')
    expect((await fetch(`${url}/*`)).status).toBe(403)
  })
})
