import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const program = fileURLToPath(new URL('./writer.mjs', import.meta.url))
const running = new Set<ChildProcess>()

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

export interface WriterOptions {
  readonly directory: string
  readonly durability: 'commit' | 'async'
  readonly count: number
  readonly dataBytes: number
  readonly follow?: boolean
  /** A program and its arguments in front of Node.js. */
  readonly wrap?: readonly string[]
}

export interface Writer {
  /** What it has said so far. */
  readonly lines: readonly string[]
  /** Resolves when it has said `count` lines, or has ended. */
  said(count: number): Promise<void>
  kill(): void
  readonly ended: Promise<void>
}

/** Starts `writer.mjs` with the built log. */
export function startWriter(options: WriterOptions): Writer {
  const { directory, durability, count, dataBytes, follow, wrap = [] } = options
  const args = [program, directory, durability, String(count), String(dataBytes), ...(follow ? ['follow'] : [])]
  const [command, ...rest] = [...wrap, process.execPath, ...args]
  const child = spawn(command as string, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const each of waiting) each()
  }
  let closed = false
  const ended = once(child, 'close').then(() => {
    closed = true
    running.delete(child)
    wake()
  })
  createInterface({ input: child.stdout }).on('line', line => {
    lines.push(line)
    wake()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk)
  })
  return {
    lines,
    ended,
    kill: () => child.kill('SIGKILL'),
    said: wanted =>
      new Promise(resolve => {
        const look = () => {
          if (lines.length < wanted && !closed) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

/** What the writer has had an answer for: by offset, its number. */
export function answered(lines: readonly string[]): ReadonlyMap<number, number> {
  return new Map(
    lines
      .map(line => line.split(' '))
      .filter(([word]) => word === 'answered')
      .map(([, offset, number]) => [Number(offset), Number(number)]),
  )
}
