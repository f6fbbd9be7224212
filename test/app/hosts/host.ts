import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { ApplicationFolder, programsOf, startProgram } from '../../support/application-folder.js'
import { freePort } from '../../support/hub-process.js'
import { installListed } from '../../support/installed.js'
import { read } from '../client.js'
import { remoteApplication, tryAnswer, tryApplication } from '../try-application.js'

/** The folder of an application: what is in `NAME/app` here, and the programs of the guide that are called `NAME/...`. `trial` is
 * where `programs/trial.mjs` goes. */
export async function prepareHost(
  name: string,
  trial: string,
  ...args: readonly string[]
): Promise<{ readonly folder: ApplicationFolder; readonly installed: string }> {
  const installed = await installListed(`app/hosts/${name}`, ...args)
  const folder = await ApplicationFolder.make([], installed)
  await cp(fileURLToPath(new URL(`${name}/app`, import.meta.url)), folder.path, { recursive: true })
  await folder.write(trial, await readFile(new URL('../programs/trial.mjs', import.meta.url), 'utf8'))
  for (const [path, code] of await programsOf('docs/guide/fetch.md')) {
    if (path.startsWith(`${name}/`)) await folder.write(path.slice(name.length + 1), code)
  }
  return { folder, installed: join(installed, 'node_modules') }
}

/** A server with an application in `folder`. */
export interface Host {
  readonly folder: string
  readonly command: (port: number) => readonly [string, ...string[]]
  readonly environment: (port: number) => Readonly<Record<string, string>>
  /** What it says when it listens. */
  readonly ready: string
}

async function start({ folder, command, environment, ready }: Host) {
  const port = await freePort()
  const program = startProgram(command(port), folder, { ...process.env, ...environment(port) })
  await vi.waitFor(() => expect(program.said.output).toContain(ready), { timeout: 15_000 })
  return { url: `http://127.0.0.1:${port}`, ...program }
}

/** Tries the application and the programs of the guide; `isClean`: it ends with 0. */
export function tryHost(host: () => Host, { isClean }: { readonly isClean: boolean }): void {
  const startTrial = async () => remoteApplication(`${(await start(host())).url}/try`)
  tryApplication(startTrial)
  tryAnswer(startTrial)

  it('runs the programs of the guide: they are heard, and drain', async () => {
    const { url, child, ended } = await start(host())
    const reading = await read(`${url}/events?user=ann`)
    await reading.until('data: 20')
    expect((await fetch(`${url}/events?user=*`)).status).toBe(403)
    child.kill('SIGTERM')
    expect(await reading.ended()).toMatch(/retry: \d+\n$/)
    const code = await ended
    if (isClean) expect(code).toBe(0)
  })
}
