// `tidings/lmdb`: the log in a directory. Needs the package `lmdb`, which is looked for when a log is opened.
import { openLmdbLog as open } from '../log/lmdb/open.js'
import type { LmdbOptions } from '../log/lmdb/options.js'
import type { EventLog } from '../log/log.js'

export type { LmdbOptions } from '../log/lmdb/options.js'

/**
 * Opens the log in `directory`, which is made if it is not there. One process at a time has it.
 *
 * Rejects with `driver-missing` (the package `lmdb` is not installed), `log-in-use`, `log-foreign` (something else is in the
 * directory), `log-newer`, `log-corrupt`, `log-unavailable` (the directory cannot be read or written) and `invalid-setting`.
 * Nothing that is in the directory is changed then. A log of an older version is brought up to date.
 */
export function openLmdbLog(directory: string, options: LmdbOptions = {}): Promise<EventLog> {
  return open(directory, options)
}
