import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const startTimeoutMs = 15_000

export interface HubProcessOptions {
  /** As `--log` takes it. Default: `memory:`. */
  readonly log?: string
  /** Default: any that is free; the hub says which. */
  readonly port?: number
  /** What else `tidings serve` is told, such as `--demo`. */
  readonly args?: readonly string[]
  /** Options of Node.js, such as `--max-old-space-size=64`. */
  readonly nodeArgs?: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** A program and its arguments in front of Node.js, such as `prlimit`. */
  readonly wrap?: readonly string[]
  /** Where the hub's error stream goes: a descriptor. Default: a pipe, which `output` and `log` read. */
  readonly errors?: number
  /** Another program that takes and says the same. Default: the built `tidings`. */
  readonly program?: string
}

/** The built hub in a process of its own. */
export interface HubProcess {
  /** Without a slash at the end: `http://127.0.0.1:41234`. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when the process has ended. */
  readonly ended: Promise<HubEnd>
  /** What it has written so far, both streams. */
  output(): string
  /** The lines of its log so far. */
  log(): readonly LogLine[]
  /** Closes the pipes that the hub writes on, as a reader does who goes away. */
  stopReading(): void
  /** `SIGKILL`, as a power cut for the process; resolves when it is gone. */
  kill(): Promise<HubEnd>
  /** `SIGTERM`: the hub drains; resolves when it is gone. */
  terminate(): Promise<HubEnd>
}

/** One line of the hub's log; beside these, what else is told of what happened. */
export interface LogLine {
  readonly level: string
  readonly time: string
  readonly msg: string
  readonly [field: string]: unknown
}

export interface HubEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const running = new Set<ChildProcess>()

function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

// Whatever a test forgets, and however its file ends: no hub outlives it.
afterAll(endAll)
process.once('exit', endAll)

/**
 * Starts `tidings serve` as it was built, and resolves when it answers. Rejects with its output if it ends before,
 * or does not answer within 15 seconds. Every hub is killed when the file's tests are done.
 */
export async function startHubProcess(options: HubProcessOptions = {}): Promise<HubProcess> {
  if (!existsSync(entry)) throw new Error('The hub is not built: npm run build')
  const [program = '', ...args] = [
    ...(options.wrap ?? []),
    process.execPath,
    ...(options.nodeArgs ?? []),
    options.program ?? entry,
    'serve',
    '--port',
    String(options.port ?? 0),
    '--log',
    options.log ?? 'memory:',
    ...(options.args ?? []),
  ]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', options.errors ?? 'pipe'],
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  })
  running.add(child)
  let output = ''
  let errors = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (text: string) => {
      output += text
      if (stream === child.stderr) errors += text
    })
  }
  const ended = new Promise<HubEnd>(resolve => {
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  })
  const url = await address(child, ended, () => output)
  const pid = child.pid
  if (pid === undefined) throw new Error(`The hub has no process id.\n${output}`)
  const send = (signal: NodeJS.Signals): Promise<HubEnd> => {
    child.kill(signal)
    return ended
  }
  return {
    url,
    port: Number(new URL(url).port),
    pid,
    ended,
    output: () => output,
    log: () => toLogLines(errors),
    stopReading() {
      for (const stream of [child.stdout, child.stderr]) stream?.destroy()
    },
    kill: () => send('SIGKILL'),
    terminate: () => send('SIGTERM'),
  }
}

/** The lines of a hub's error stream that are lines of its log, as they are where nobody looks on. */
export function toLogLines(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as LogLine)
}

/** A port that was free a moment ago: for a hub that is to be started again where it was. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Where the hub says that it listens; it says so once it answers. */
function address(child: ChildProcess, ended: Promise<HubEnd>, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`The hub did not answer within ${startTimeoutMs} ms.\n${output()}`))
    }, startTimeoutMs)
    const look = (): void => {
      const url = /^Listening on (https?:\/\/\S+)$/m.exec(output())?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      child.stdout?.off('data', look)
      resolve(url)
    }
    child.stdout?.on('data', look)
    child.once('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    ended.then(
      ({ code, signal }) => {
        clearTimeout(timer)
        reject(new Error(`The hub ended at its start (${signal ?? code}).\n${output()}`))
      },
      (error: unknown) => reject(error),
    )
  })
}
