import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll } from 'vitest'

/** A program in a process group of its own, as a terminal has it: what Ctrl+C sends goes to all of it. */
export interface Run {
  readonly ended: Promise<number | null>
  /** What it has written so far, both streams. */
  output(): string
  /** Resolves when the output has `pattern`; rejects with it if the program ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  signalAll(signal: NodeJS.Signals): void
  signalFirst(signal: NodeJS.Signals): void
}

const running = new Set<ChildProcess>()

afterAll(() => {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL')
})

/** Runs a program as somebody would who knows nothing of the npm that runs these tests. It ends with the tests of the file. */
export function run(command: string, args: readonly string[], cwd: string): Run {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|CI$|NODE_ENV$)/.test(name)))
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let output = ''
  let look = (): void => {}
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
      look()
    })
  }
  const ended = new Promise<number | null>(resolve => {
    child.once('close', code => {
      running.delete(child)
      resolve(code)
    })
  })
  const signal = (pid: number | undefined, name: NodeJS.Signals): void => {
    if (pid !== undefined) process.kill(pid, name)
  }
  return {
    ended,
    output: () => output,
    until: pattern =>
      new Promise((resolve, reject) => {
        look = () => {
          const match = pattern.exec(output)
          if (match) resolve(match)
        }
        look()
        void ended.then(code => reject(new Error(`${command} ended with ${code} before ${pattern}\n${output}`)))
      }),
    signalAll: name => signal(child.pid && -child.pid, name),
    signalFirst: name => signal(child.pid, name),
  }
}

/** Waits for the end of a program that should succeed; resolves to what it has written, fails with it otherwise. */
export async function settle({ ended, output }: Run): Promise<string> {
  const code = await ended
  if (code !== 0) throw new Error(`ended with ${code}\n${output()}`)
  return output()
}
