import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ApplicationFolder, programsOf } from '../../support/application-folder.js'
import { installListed } from '../../support/installed.js'

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
