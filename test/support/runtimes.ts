import { join } from 'node:path'
import { installListed } from './installed.js'

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

/** The commands by which a script is run in each, the program first. What is missing is installed. */
export async function installRuntimes(): Promise<(name: RuntimeName) => RuntimeCommand> {
  const folder = await installListed('runtimes')
  return name => {
    const [program, ...args] = programs[name]
    return [join(folder, 'node_modules', program), ...args]
  }
}
