import { access, constants, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import type { EventLog } from '../log.js'
import type { Retention } from '../retention.js'
import { readBootId } from './boot.js'
import { toOpenError } from './fault.js'
import { isForbidden, prepareFolder, systemCode } from './folder.js'
import { checkHeader, type FileHeader } from './header.js'
import { beginLog, isOtherFile, settleFile, settleRun } from './history.js'
import { readIdentity } from './identity.js'
import { formatVersion, metaKeys, type Store } from './layout.js'
import { resolveLmdbOptions } from './limits.js'
import { createLmdbLog } from './lmdb-log.js'
import { migrate } from './migrate.js'
import type { LmdbOptions } from './options.js'
import { type Ownership, takeOwnership } from './owner.js'
import { checkPages } from './pages.js'
import { replaceRules, rulesChanged } from './rules.js'
import { createSession } from './session.js'
import {
  checkKeySize,
  type Driver,
  fileNames,
  loadDriver,
  newerVersion,
  openRoot,
  openTables,
  openTablesIn,
  readFormat,
} from './store.js'
import { createTransact } from './transact.js'

/**
 * Opens the log in `directory`, which is made if it is not there. One process at a time has it.
 *
 * Rejects with `driver-missing` (the package `lmdb` is not installed), `log-in-use`, `log-foreign` (something else is in the
 * directory), `log-newer`, `log-corrupt`, `log-unavailable` (the directory cannot be read or written) and `invalid-setting`.
 * Nothing that is in the directory is changed then. A log of an older version is brought up to date.
 */
export async function openLmdbLog(
  directory: string,
  options: LmdbOptions = {},
  load?: () => Promise<Driver>,
): Promise<EventLog> {
  if (typeof directory !== 'string' || directory === '') {
    throw new TidingsError('invalid-setting', "The directory of a log is a path, such as '.tidings'.")
  }
  const { retention, clock, limits } = resolveLmdbOptions(options)
  const driver = await loadDriver(load)
  const folder = resolve(directory)
  await prepareFolder(folder)
  let ownership: Ownership
  try {
    ownership = await takeOwnership(folder)
  } catch (error) {
    if (!isForbidden(error)) throw await toOpenError(error, folder)
    const store = await openForReading(driver, folder, error)
    const session = createSession({
      name: `lmdb:${directory}`,
      directory: folder,
      store,
      clock,
      transact: createTransact(store, { whenVisible: false }),
    })
    return createLmdbLog(session, { kind: 'reader' }, limits)
  }
  try {
    const run = { isAsync: limits.isAsync, bootId: await readBootId() }
    const file = join(folder, fileNames.data)
    const header = await checkHeader(file, run.bootId)
    if (header) checkPages(file, header)
    if (header?.isOverlapping && !run.isAsync) await recover(driver, folder, run)
    const store = await openStore(driver, folder, header, retention, run)
    const transact = createTransact(store, { whenVisible: run.isAsync })
    const session = createSession({ name: `lmdb:${directory}`, directory: folder, store, clock, transact })
    return createLmdbLog(session, { kind: 'owner', ownership }, limits)
  } catch (error) {
    const fault = await toOpenError(error, folder)
    await ownership.release({ isOurs: fault.code !== 'log-foreign' })
    throw fault
  }
}

type Run = Parameters<typeof settleRun>[1]

/** Lets LMDB find the newest whole state of a file that was written with `async`, and flushes it. */
async function recover(driver: Driver, folder: string, run: Run): Promise<void> {
  const root = openRoot(driver, folder, { overlapping: true })
  try {
    const version = readFormat(root, folder)
    if (version === undefined || version > formatVersion) return
    openTables(root, store => settleRun(store, run))
    await root.flushed
  } finally {
    await root.close()
  }
}

/** A log in a directory that may not be written, for reading only. Rejects with `log-unavailable` if that cannot be either. */
async function openForReading(driver: Driver, folder: string, cause: unknown): Promise<Store> {
  const unavailable = (why: string, cause: unknown) =>
    new TidingsError(
      'log-unavailable',
      `The directory ${folder} may not be written, ${why}. Let this user write in it.`,
      { cause },
    )
  const file = join(folder, fileNames.data)
  const header = await checkHeader(file, await readBootId())
  if (!header) throw unavailable('and holds no log that could be read', cause)
  if (header.needsRecovery) throw unavailable('which its log needs after the machine has stopped', cause)
  checkPages(file, header)
  let root: Store['root']
  try {
    await checkReadable(join(folder, fileNames.lock))
    root = openRoot(driver, folder, { overlapping: false, readOnly: true })
  } catch (error) {
    throw unavailable('and its files cannot be read without', error)
  }
  try {
    if (readFormat(root, folder) === formatVersion) return openTablesIn(root)
    throw unavailable('and its log is of another version', cause)
  } catch (error) {
    await root.close()
    throw error
  }
}

/**
 * A reader is safe from the pages being written over only if it can write in the lock file that it reads. LMDB would go without,
 * which is as well only where nobody can write.
 */
async function checkReadable(lockFile: string): Promise<void> {
  try {
    await access(lockFile, constants.W_OK)
  } catch (error) {
    if (systemCode(error) !== 'EROFS') throw error
  }
}

async function openStore(
  driver: Driver,
  folder: string,
  header: FileHeader | undefined,
  retention: Retention,
  run: Run,
): Promise<Store> {
  const root = openRoot(driver, folder, { overlapping: run.isAsync })
  try {
    checkKeySize(root, folder)
    const version = readFormat(root, folder)
    if (version !== undefined && version > formatVersion) {
      throw newerVersion(folder, version)
    }
    const store = openTables(root, each => {
      if (version === undefined) beginLog(each)
    })
    if (version !== undefined) await migrate(store, version)
    if (rulesChanged(store, retention)) root.transactionSync(() => replaceRules(store, retention))
    if (run.isAsync || store.meta.doesExist(metaKeys.run)) root.transactionSync(() => settleRun(store, run))
    const identity = await readIdentity(folder)
    if (isOtherFile(store, identity)) root.transactionSync(() => settleFile(store, identity))
    if (run.isAsync) await root.flushed
    return store
  } catch (error) {
    await root.close()
    if (!header) for (const name of Object.values(fileNames)) await rm(join(folder, name), { force: true })
    throw error
  }
}
