import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, settle } from './command-line.js'

const listed = fileURLToPath(new URL('../runtimes', import.meta.url))
const kept = fileURLToPath(new URL('../../.build/runtimes', import.meta.url))

/** The runtimes beside the one that runs the suites; each a file in the packages of `test/runtimes`, and what stands before a script. */
const programs = {
  'Node.js 22': ['node22/bin/node'],
  'Node.js 24': ['node24/bin/node'],
  'Node.js 26': ['node26/bin/node'],
  Bun: ['@oven/bun-linux-x64/bin/bun', 'run'],
  Deno: ['@deno/linux-x64-glibc/deno', 'run', '--allow-all', '--no-lock', '--node-modules-dir=manual'],
} as const

export type RuntimeName = keyof typeof programs
export const runtimeNames = Object.keys(programs) as readonly RuntimeName[]

/** The program, and what stands before a script. */
export type RuntimeCommand = readonly [string, ...string[]]

/**
 * The commands by which a script is run in each, the program first. What is missing is installed once for the working copy, without scripts; of
 * several who do so at the same time one leaves it there for all.
 */
export async function installRuntimes(): Promise<(name: RuntimeName) => RuntimeCommand> {
  const lock = await readFile(join(listed, 'package-lock.json'))
  const folder = join(kept, createHash('sha256').update(lock).digest('hex').slice(0, 16))
  if (!existsSync(folder)) await installInto(folder)
  return name => {
    const [program, ...args] = programs[name]
    return [join(folder, 'node_modules', program), ...args]
  }
}

async function installInto(folder: string): Promise<void> {
  await mkdir(kept, { recursive: true })
  const fresh = await mkdtemp(join(kept, 'new-'))
  for (const name of ['package.json', 'package-lock.json']) await cp(join(listed, name), join(fresh, name))
  await settle(run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], fresh))
  await rename(fresh, folder).catch(async error => {
    await rm(fresh, { recursive: true })
    if (!existsSync(folder)) throw error
  })
}
