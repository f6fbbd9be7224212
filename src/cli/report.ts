import { TidingsError } from '../wire/errors.js'

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
