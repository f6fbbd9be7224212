import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const entry = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))

const running = new Set<ChildProcess>()

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** `tidings check` in a process of its own. */
export interface CheckProcess {
  readonly pid: number
  readonly ended: Promise<CheckEnd>
  signal(name: NodeJS.Signals): void
}

export interface CheckEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Starts `tidings check` as it was built, by `wrap`, a program that takes another and its arguments. */
export function startCheck(args: readonly string[], wrap: readonly string[] = []): CheckProcess {
  if (!existsSync(entry)) throw new Error('The program is not built: npm run build')
  const [command = '', ...rest] = [...wrap, process.execPath, entry, 'check', ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  const ended = new Promise<CheckEnd>(resolve => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal, ...said })
    })
  })
  return { pid: child.pid as number, ended, signal: name => void child.kill(name) }
}

/** What `tidings check` has to say, at its end. */
export function check(...args: readonly string[]): Promise<CheckEnd> {
  return startCheck(args).ended
}

/** Whether LMDB has noted the process among those that read the log: its number stands in `lock.mdb`. */
export async function isReading(directory: string, pid: number): Promise<boolean> {
  const noted = Buffer.alloc(4)
  noted.writeInt32LE(pid)
  return (await readFile(join(directory, 'lock.mdb'))).includes(noted)
}
