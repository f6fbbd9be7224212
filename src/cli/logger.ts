import { format as formatWords } from 'node:util'
import { type Logger, pino } from 'pino'
import { TidingsError } from '../wire/errors.js'
import { type LogStream, openLogStream } from './log-stream.js'
import { toText } from './log-text.js'
import { createProgressLine, isTerminal, paint } from './terminal.js'

export type { Logger } from 'pino'

export interface LoggerOptions {
  /** What is below it is not said. Can be changed later (`logger.level`). */
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  /** `auto`: readable lines on a terminal, one object of JSON a line elsewhere. */
  readonly format: 'auto' | 'json' | 'text'
}

/** What a long-running command tells its operator by. */
export interface Log {
  readonly logger: Logger
  /** Moves at the foot of a terminal, below the lines; elsewhere it says nothing. */
  readonly progress: { say(text: string): void; clear(): void }
  /** Whether people look on, who were told in other words what was started. */
  readonly isWatched: boolean
}

/** Lines on the error stream, since the output stream is for what a command was asked. Made once a process. */
export function createLog({ level, format }: LoggerOptions): Log {
  const isWatched = isTerminal(process.stderr)
  const isText = format === 'text' || (format === 'auto' && isWatched)
  const progress = createProgressLine(process.stderr)
  const toLine = isText
    ? (json: string) => toText(json, { isShort: isWatched, paint: (...args) => paint(process.stderr, ...args) })
    : (json: string) => json
  const stream = openLogStream(2, lines =>
    toLine(
      `${JSON.stringify({ level: 'warn', time: now(), msg: 'Lines of the log were lost: nobody took them.', lines })}\n`,
    ),
  )
  const logger = createLogger(level, {
    write(json) {
      progress.clear()
      stream.write(toLine(json))
    },
  })
  hearLibraries(logger, stream)
  return { logger, progress, isWatched }
}

/**
 * Libraries write about their faults on the console as well, as much as they like, and native ones end no line (lmdb, for each commit that a
 * full disk refuses). What it means for the hub is told by the error that they raise.
 */
function hearLibraries(logger: Logger, stream: LogStream): void {
  console.error = (...words: unknown[]) => {
    stream.interrupted()
    logger.debug({ words: formatWords(...words) }, 'A library said something.')
  }
  console.warn = console.error
}

/** One object of JSON a line: `level`, `time`, what else is given, `msg`. */
export function createLogger(level: LoggerOptions['level'], stream: Pick<LogStream, 'write'>): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${now()}"`,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: describeError },
    },
    stream,
  )
}

/** As `report` is handed to the parts: what was lived with. What Tidings refused itself is a warning, a surprise an error. */
export function toReport(logger: Logger): (message: string, error?: unknown) => void {
  return (message, error) => {
    if (error === undefined) logger.warn(message)
    else if (error instanceof TidingsError) logger.warn({ err: error }, message)
    else logger.error({ err: error }, message)
  }
}

interface Described {
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: Described
}

/**
 * Of an error its message and code, and where it was thrown if nobody expected it. Nothing else that hangs on it, which may be
 * what a caller sent.
 */
export function describeError(error: unknown): Described {
  if (!(error instanceof Error)) return { message: String(error) }
  const { message, stack, cause } = error
  const code = 'code' in error ? String(error.code) : undefined
  const isExpected = error instanceof TidingsError && error.code !== 'internal'
  return {
    message,
    ...(code !== undefined && { code }),
    ...(!isExpected && stack !== undefined && { stack }),
    ...(cause instanceof Error && { cause: describeError(cause) }),
  }
}

function now(): string {
  return new Date().toISOString()
}
