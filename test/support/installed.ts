import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, settle } from './command-line.js'

/**
 * The folder in which what `listed`, a folder under `test/`, lists in its `package.json` and lock file is installed. What is missing is installed
 * once for the working copy, without scripts; of several who do so at the same time one leaves it there for all.
 */
export async function installListed(listed: string, ...args: readonly string[]): Promise<string> {
  const from = fileURLToPath(new URL(`../${listed}`, import.meta.url))
  const kept = fileURLToPath(new URL(`../../.build/${listed}`, import.meta.url))
  const lock = await readFile(join(from, 'package-lock.json'))
  const folder = join(kept, createHash('sha256').update(lock).digest('hex').slice(0, 16))
  if (existsSync(folder)) return folder
  await mkdir(kept, { recursive: true })
  const fresh = await mkdtemp(join(kept, 'new-'))
  try {
    for (const name of ['package.json', 'package-lock.json']) await cp(join(from, name), join(fresh, name))
    const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', ...args]
    await settle(run('npm', ['ci', ...options], fresh))
    await rename(fresh, folder)
  } catch (error) {
    await rm(fresh, { recursive: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
