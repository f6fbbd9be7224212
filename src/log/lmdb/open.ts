import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import type { EventLog, LogOptions } from '../log.js'
import type { Retention } from '../retention.js'
import { resolveLogOptions, wholeNumber } from '../settings.js'
import { readBootId } from './boot.js'
import { checkHeader, type FileHeader } from './header.js'
import { beginLog, settleRun } from './history.js'
import { formatVersion, metaKeys, type Store } from './layout.js'
import { createLmdbLog } from './lmdb-log.js'
import { migrate } from './migrate.js'
import { isOwnerFile, takeOwnership } from './owner.js'
import { replaceRules, rulesChanged } from './rules.js'
import { createSession } from './session.js'
import { checkKeySize, type Driver, fileNames, loadDriver, openRoot, openTables, readFormat } from './store.js'

export interface LmdbOptions extends LogOptions {
  /**
   * When an append is answered and visible. Default: `commit`.
   *
   * - `commit`: when it is flushed to the disk. An answered event survives the end of the process and the loss of power.
   * - `async`: when it is written, before it is flushed. An answered event survives the end of the process, also by `kill -9`. When
   *   the machine stops, those of about the last second may be lost, never others, and a new epoch begins at the next open.
   *   On Windows this is the same as `commit`.
   */
  readonly durability?: 'commit' | 'async' | undefined
  /** How many bytes the log may take in its file; appends reject with `log-full` beyond. Default: 1 TiB. */
  readonly mapBytes?: number | undefined
}

const defaultMapBytes = 2 ** 40

/** The least `mapBytes`: an empty log takes some of it. */
const leastMapBytes = 1024 * 1024

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
  const settings = resolveLogOptions(options)
  const maxBytes = wholeNumber('mapBytes', options.mapBytes ?? defaultMapBytes, leastMapBytes)
  const durability: unknown = options.durability ?? 'commit'
  if (durability !== 'commit' && durability !== 'async') {
    throw new TidingsError('invalid-setting', 'durability is "commit" or "async".')
  }
  const driver = await loadDriver(load)
  const folder = resolve(directory)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await checkFolder(folder)
  const ownership = await takeOwnership(folder)
  const isAsync = durability === 'async' && process.platform !== 'win32'
  let store: Store | undefined
  try {
    const header = await checkHeader(join(folder, fileNames.data))
    const run = { isAsync, bootId: await readBootId() }
    if (header?.overlapping && !isAsync) await recover(driver, folder, run)
    store = await openStore(driver, folder, header, settings.retention, run)
    const { retention, clock, ...rest } = settings
    const session = createSession({ name: `lmdb:${directory}`, store, retention, clock })
    return createLmdbLog(session, ownership, { ...rest, isAsync, maxBytes })
  } catch (error) {
    await store?.root.close()
    await ownership.release()
    throw error
  }
}

/** Rejects with `log-foreign` unless all that is in the directory belongs to a log, or there is nothing. */
async function checkFolder(folder: string): Promise<void> {
  const names = await readdir(folder)
  const foreign = names.filter(
    name => name !== fileNames.data && name !== fileNames.lock && !isOwnerFile(name) && name !== 'lost+found',
  )
  if (foreign.length === 0 || names.includes(fileNames.data)) return
  throw new TidingsError(
    'log-foreign',
    `${folder} is not empty and holds no log (there is ${foreign.slice(0, 3).join(', ')}). Choose another directory, or a new one.`,
  )
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
      throw new TidingsError(
        'log-newer',
        `The log in ${folder} is of version ${version}, this program knows ${formatVersion}. It was left as it is; use a newer version of Tidings.`,
      )
    }
    const store = openTables(root, each => {
      if (version === undefined) beginLog(each)
    })
    if (version !== undefined) await migrate(store, version)
    if (rulesChanged(store, retention)) root.transactionSync(() => replaceRules(store, retention))
    if (run.isAsync || store.meta.doesExist(metaKeys.run)) root.transactionSync(() => settleRun(store, run))
    if (run.isAsync) await root.flushed
    return store
  } catch (error) {
    await root.close()
    if (!header) for (const name of Object.values(fileNames)) await rm(join(folder, name), { force: true })
    throw error
  }
}
