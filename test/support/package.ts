import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, settle } from './command-line.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Packs the package as it would be published; resolves to the tarball. */
export async function packInto(directory: string): Promise<string> {
  const said = await settle(run('npm', ['pack', '--pack-destination', directory], root))
  const name = /^tidings-\S+\.tgz$/m.exec(said)?.[0]
  if (name === undefined) throw new Error(`npm pack named no tarball:\n${said}`)
  return join(directory, name)
}

/** Installs a tarball in a folder that is made for it, with nothing else; no script of any package is run. */
export async function installInto(folder: string, tarball: string, ...args: readonly string[]): Promise<void> {
  await mkdir(folder)
  // npm would look for a folder of packages further up otherwise.
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...args]
  await settle(run('npm', ['install', ...options, tarball], folder))
}

/** What was installed: how many packages, how many bytes, and which of them would have run a script. */
export async function measureInstalled(folder: string): Promise<{
  readonly packages: number
  readonly bytes: number
  readonly withScripts: readonly string[]
}> {
  const note: unknown = JSON.parse(await readFile(join(folder, 'node_modules', '.package-lock.json'), 'utf8'))
  if (typeof note !== 'object' || note === null || !('packages' in note)) throw new Error('npm left no note')
  const packages = Object.entries(note.packages as Record<string, { readonly hasInstallScript?: boolean }>)
  let bytes = 0
  for (const name of await readdir(join(folder, 'node_modules'), { recursive: true })) {
    const found = await stat(join(folder, 'node_modules', name))
    if (found.isFile()) bytes += found.size
  }
  const withScripts = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)
  return { packages: packages.length, bytes, withScripts: withScripts.map(path => path.replace('node_modules/', '')) }
}
