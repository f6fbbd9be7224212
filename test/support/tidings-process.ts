import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface TidingsOptions {
  /** Sets TIDINGS_URL. */
  readonly url?: string
  /** Written to its standard input, which is then closed. Default: left open, for the test to write. */
  readonly input?: string | Uint8Array
  readonly cwd?: string
  /** Whether its standard output is left unread until somebody reads it. Default: false. */
  readonly isUnread?: boolean
}

export interface TidingsEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The built `tidings` in a process of its own. It is killed at the latest when the file's tests are done. */
export interface Tidings {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<TidingsEnd>
  stdout(): string
  stderr(): string
  /** Whole lines of its standard output. */
  lines(): readonly string[]
}

const running = new Set<ChildProcessWithoutNullStreams>()

function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

afterAll(endAll)
process.once('exit', endAll)

export function startTidings(args: readonly string[], options: TidingsOptions = {}): Tidings {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...(options.url !== undefined && { TIDINGS_URL: options.url }) },
  })
  running.add(child)
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    if (name === 'stdout' && options.isUnread) continue
    child[name].setEncoding('utf8')
    child[name].on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  // It may end before it has read all; how it ends is for the test to look at.
  child.stdin.on('error', () => undefined)
  if (options.input !== undefined) child.stdin.end(options.input)
  const ended = new Promise<TidingsEnd>(resolve => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal, ...text })
    })
  })
  return {
    child,
    ended,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    lines: () => text.stdout.split('\n').slice(0, -1),
  }
}

/** Runs it to its end. */
export function runTidings(args: readonly string[], options: TidingsOptions = {}): Promise<TidingsEnd> {
  return startTidings(args, { input: '', ...options }).ended
}
