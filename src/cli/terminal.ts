import type { WriteStream } from 'node:tty'

/** Whether people look at what is written there: then it may move and be coloured. */
export function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb'
}

/** Whether colours may be written there: only on a terminal, and not if NO_COLOR says otherwise (no-color.org). */
export function takesColour(stream: NodeJS.WriteStream): boolean {
  return isTerminal(stream) && !process.env['NO_COLOR']
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const

/** The text in a colour, if the stream takes colours; as it is otherwise. */
export function paint(stream: NodeJS.WriteStream, colour: keyof typeof codes, text: string): string {
  const [on, off] = codes[colour]
  return takesColour(stream) ? `\x1b[${on}m${text}\x1b[${off}m` : text
}

/** A line at the foot of a terminal that says how far long work has come. Elsewhere nothing is written. */
export interface ProgressLine {
  /** Writes over what was said before, at most ten times a second; what comes sooner is left out. */
  say(text: string): void
  /** Takes the line away, so that something else can be written; the next `say` writes it again. */
  clear(): void
}

const intervalMs = 100

/** On the error stream, for the output stream may be somebody's input. */
export function createProgressLine(stream: WriteStream | NodeJS.WriteStream = process.stderr): ProgressLine {
  if (!isTerminal(stream)) return { say: () => undefined, clear: () => undefined }
  let saidAt = Number.NEGATIVE_INFINITY
  let isShown = false
  return {
    say(text) {
      const now = performance.now()
      if (now - saidAt < intervalMs) return
      saidAt = now
      isShown = true
      // A terminal that does not know its width says 0, such as one that `script` or a container makes.
      stream.write(`\r\x1b[K${text.slice(0, Math.max(20, (stream.columns || 80) - 1))}`)
    },
    clear() {
      if (isShown) stream.write('\r\x1b[K')
      isShown = false
      saidAt = Number.NEGATIVE_INFINITY
    },
  }
}
