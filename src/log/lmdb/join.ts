import { resolve } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import type { EventLog } from '../log.js'
import { toOpenError } from './fault.js'
import { formatVersion, metaKeys } from './layout.js'
import { resolveLmdbOptions } from './limits.js'
import { createLmdbLog } from './lmdb-log.js'
import type { LmdbOptions } from './options.js'
import { joinOwnerOf } from './owner.js'
import { createSession } from './session.js'
import { loadDriver, openRoot, openTablesIn, readFormat } from './store.js'
import { createTransact } from './transact.js'

/**
 * Opens the log in `directory` beside the process that has it (`openLmdbLog`), to read and to append. What one appends, the others
 * follow at once. Retention is applied by the owner, by its rules, so `options.retention` and `trim` are refused. The durability is
 * `commit`; one that is kept with `async` is refused (`invalid-setting`), for a process that opens such a file beside one that writes
 * has made an answered event give its place to another [lmdb-js 3.5.6]. When the owner ends, this goes on, but nothing is removed from the log any more: end it too.
 *
 * Rejects with `log-unavailable` if no process has the log, otherwise as `openLmdbLog`.
 */
export async function joinLmdbLog(
  directory: string,
  options: Omit<LmdbOptions, 'retention' | 'trimIntervalMs' | 'durability'> = {},
): Promise<EventLog> {
  const { clock, limits } = resolveLmdbOptions(options)
  const driver = await loadDriver()
  const folder = resolve(directory)
  const neighbours = await joinOwnerOf(folder)
  try {
    const root = openRoot(driver, folder, { overlapping: false })
    try {
      if (readFormat(root, folder) !== formatVersion) {
        throw new TidingsError('log-unavailable', `The log in ${folder} is not ready to be joined.`)
      }
      const store = openTablesIn(root)
      if (store.meta.doesExist(metaKeys.run)) {
        throw new TidingsError(
          'invalid-setting',
          `The log in ${folder} is kept with the durability "async", which one process has to itself; "commit" can be shared.`,
        )
      }
      const session = createSession({
        name: `lmdb:${directory}`,
        directory: folder,
        store,
        clock,
        transact: createTransact(store, { whenVisible: false }),
      })
      return createLmdbLog(session, { kind: 'member', neighbours }, limits)
    } catch (error) {
      await root.close()
      throw error
    }
  } catch (error) {
    neighbours.close()
    throw await toOpenError(error, folder)
  }
}
