import { constants } from 'node:os'
import { TidingsError } from '../../wire/errors.js'

/** Errors of the operating system that say that no more can be written, however often one tries. */
const fullErrors: ReadonlySet<unknown> = new Set(
  [constants.errno.ENOSPC, constants.errno.EDQUOT, constants.errno.EFBIG].flatMap(code => [code, -code]),
)

/**
 * lmdb-js rejects a failed commit with an error whose `commitError` is a promise that rejects with the cause, with the number
 * that the operating system or LMDB gave as its `code`.
 */
export async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
  } catch (cause) {
    return cause
  }
  return error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** What a failed transaction means: `log-full` or `log-unavailable`, or what was thrown in it on purpose; else `internal`. */
export async function toTidingsError(error: unknown, log: string): Promise<TidingsError> {
  if (error instanceof TidingsError) return error
  const cause = await causeOf(error)
  if (fullErrors.has(codeOf(cause))) {
    return new TidingsError('log-full', `The disk of ${log} is full: nothing was appended. Make room on it.`, { cause })
  }
  if (typeof codeOf(cause) !== 'number') return new TidingsError('internal', `Writing to ${log} failed.`, { cause })
  const why = cause instanceof Error ? cause.message : String(cause)
  return new TidingsError('log-unavailable', `${log} cannot be written: ${why}.`, { cause })
}

/** A read that failed. */
export function toReadError(error: unknown, log: string): TidingsError {
  if (error instanceof TidingsError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new TidingsError('log-unavailable', `${log} cannot be read: ${why}.`, { cause: error })
}
