import { TidingsError } from '../wire/errors.js'

/** Exit codes of every command. */
export const exitCodes = {
  done: 0,
  /** Something failed that the command could not help: it says what. */
  failure: 1,
  /** The command was called wrongly: it says how to call it. */
  usage: 2,
} as const

/**
 * Tells the operator something, on the error stream: the output stream is for what a command was asked. An error is told by
 * its message if Tidings refused it, with its stack if it is a surprise.
 */
export function report(message: string, error?: unknown): void {
  process.stderr.write(`${message}${error === undefined ? '' : ` ${describe(error)}`}\n`)
}

function describe(error: unknown): string {
  if (!(error instanceof TidingsError)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
  return error.cause instanceof Error ? `${error.message}\n  because: ${error.cause.message}` : error.message
}

export function exitCodeOf(error: unknown): number {
  return error instanceof TidingsError && error.code === 'invalid-setting' ? exitCodes.usage : exitCodes.failure
}
