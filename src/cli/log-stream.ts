import { constants, fstatSync, openSync, writeSync } from 'node:fs'

/** Where log lines go. Nothing that becomes of them ends, stalls or slows who writes. */
export interface LogStream {
  /** One line, with its line feed. */
  write(line: string): void
  /** Somebody else may have written there without a line feed: the next line begins with one. */
  interrupted(): void
  /** Writes what waits; gives up after a second. For the end of the process. */
  flush(): void
}

export interface LogStreamOptions {
  /** Writes some of the bytes at once, and says how many. Throws as `fs.writeSync`. */
  readonly write: (bytes: Uint8Array) => number
  /** The line that stands, once lines are taken again, for those that were not. */
  readonly lossLine: (lines: number) => string
}

/** What waits for a reader that does not read just now; lines beyond are lost, and counted. */
export const maxWaitingBytes: number = 1024 * 1024
const retryMs = 50
const flushMs = 1_000

/**
 * Lines onto a descriptor, at once, so that nothing is lost when the process ends, however it ends.
 *
 * On Linux a pipe is opened anew, which changes nothing for others who have the descriptor: its reader, if it stands still, does not
 * stall the process then. A file stays as it was handed in, for libraries write to it too: opened for appending (`2>>`), it may be
 * emptied by a rotation (copytruncate) at any time.
 */
export function openLogStream(descriptor: number, lossLine: LogStreamOptions['lossLine']): LogStream {
  const own = openAnew(descriptor) ?? descriptor
  const stream = createLogStream({ write: bytes => writeSync(own, bytes), lossLine })
  process.on('exit', () => stream.flush())
  return stream
}

function openAnew(descriptor: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  const { O_WRONLY, O_NONBLOCK } = constants
  try {
    if (!fstatSync(descriptor).isFIFO()) return undefined
    return openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK)
  } catch (error) {
    // Another user's pipe, no /proc, nobody who reads: it is written as it was handed in.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

interface Waiting {
  /** What is left of it. */
  bytes: Uint8Array
  isBegun: boolean
  /** How many lines are lost with it. */
  readonly lines: number
}

const lineFeed = Buffer.from('\n')

/** See `openLogStream`. */
export function createLogStream({ write, lossLine }: LogStreamOptions): LogStream {
  let waiting: Waiting[] = []
  let waitingBytes = 0
  let lost = 0
  /** A line was cut short: the next begins on a line of its own. */
  let isTorn = false
  let isRetrying = false

  function push(text: string, lines: number): void {
    const bytes = Buffer.from(text)
    waiting.push({ bytes, isBegun: false, lines })
    waitingBytes += bytes.length
  }

  /** Whether nothing waits any more. */
  function drain(): boolean {
    try {
      for (let next = waiting[0]; next; next = waiting[0]) {
        if (isTorn) write(lineFeed)
        isTorn = false
        const taken = write(next.bytes)
        waitingBytes -= taken
        next.isBegun = true
        next.bytes = next.bytes.subarray(taken)
        if (next.bytes.length === 0) waiting.shift()
      }
    } catch (error) {
      if (isBusy(error)) return false
      // The reader has gone (EPIPE), the disk is full: the hub goes on, and says later how much was not heard.
      isTorn ||= waiting[0]?.isBegun === true
      for (const { lines } of waiting) lost += lines
      waiting = []
      waitingBytes = 0
    }
    return true
  }

  function drainSoon(): void {
    if (isRetrying) return
    isRetrying = true
    setTimeout(() => {
      isRetrying = false
      if (!drain()) drainSoon()
    }, retryMs).unref()
  }

  return {
    write(line) {
      // A character has up to three bytes.
      if (waitingBytes + 3 * line.length > maxWaitingBytes && !drain()) {
        lost++
        return
      }
      if (lost > 0) push(lossLine(lost), lost)
      lost = 0
      push(line, 1)
      if (!drain()) drainSoon()
    },
    interrupted() {
      isTorn = true
    },
    flush() {
      const deadline = performance.now() + flushMs
      while (!drain() && performance.now() < deadline) Atomics.wait(pause, 0, 0, 10)
    },
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
