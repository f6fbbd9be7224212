import { readFile, stat, statfs } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import { fileNames } from './store.js'

/** Errors of the operating system that say that no more can be written, however often one tries. */
const fullErrors: ReadonlySet<unknown> = new Set(
  [constants.errno.ENOSPC, constants.errno.EDQUOT, constants.errno.EFBIG].flatMap(code => [code, -code]),
)

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/**
 * What a failed transaction means: `log-full` or `log-unavailable`, or what was thrown in it on purpose; else `internal`.
 * `directory` is where the log is.
 */
export async function toTidingsError(cause: unknown, log: string, directory: string): Promise<TidingsError> {
  if (cause instanceof TidingsError) return cause
  const code = codeOf(cause)
  if (fullErrors.has(code) || (code === constants.errno.EIO && (await isFull(directory)))) {
    return new TidingsError('log-full', `The disk is full: nothing was written to ${log}. Make room on it.`, { cause })
  }
  if (typeof code !== 'number') return new TidingsError('internal', `Writing to ${log} failed.`, { cause })
  const why = cause instanceof Error ? cause.message : String(cause)
  return new TidingsError('log-unavailable', `${log} cannot be written: ${why}.`, { cause })
}

/** What a commit may have wanted to write at once. */
const nearlyFullBytes = 1024 * 1024

/** LMDB says EIO when a write was cut short, which is what a disk does that is nearly full, or a limit on the size of files. */
async function isFull(directory: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < nearlyFullBytes) return true
  if (process.platform !== 'linux') return false
  const limit = /^Max file size +([0-9]+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1]
  return limit !== undefined && (await stat(join(directory, fileNames.data))).size + nearlyFullBytes > Number(limit)
}

/** What LMDB says of a file that is not sound: MDB_CORRUPTED, MDB_INVALID, MDB_PAGE_NOTFOUND. */
const corruptErrors: ReadonlySet<unknown> = new Set([-30_796, -30_793, -30_797])

/** Why a log could not be opened. */
export async function toOpenError(cause: unknown, directory: string): Promise<TidingsError> {
  const why = cause instanceof Error ? cause.message : String(cause)
  if (corruptErrors.has(codeOf(cause))) {
    const message = `The log in ${directory} is damaged: ${why}. It was left as it is; restore it from a backup.`
    return new TidingsError('log-corrupt', message, { cause })
  }
  if (typeof codeOf(cause) !== 'string' || cause instanceof TidingsError) {
    return await toTidingsError(cause, `The log in ${directory}`, directory)
  }
  return new TidingsError('log-unavailable', `The log in ${directory} cannot be opened: ${why}.`, { cause })
}

/** A read that failed. */
export function toReadError(error: unknown, log: string): TidingsError {
  if (error instanceof TidingsError) return error
  const why = error instanceof Error ? error.message : String(error)
  return new TidingsError('log-unavailable', `${log} cannot be read: ${why}.`, { cause: error })
}
