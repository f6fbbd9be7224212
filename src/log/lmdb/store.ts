import { join } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import { formatVersion, metaKeys, type Store, type Table, tableNames } from './layout.js'

export type Driver = typeof import('lmdb')

/** The names of the files in a log directory that LMDB makes. */
export const fileNames = { data: 'data.mdb', lock: 'lock.mdb' } as const

/** Address space that is mapped at once, on systems where that costs nothing; more is mapped as the log grows. */
const firstMapBytes = process.platform === 'win32' ? 2 ** 20 : 2 ** 30

/** The longest key is that of a topic, see `topicKey`. */
const longestKey = 1_536

/** Loads `lmdb`. Rejects with `driver-missing` if it is not installed. */
export async function loadDriver(load: () => Promise<Driver> = () => import('lmdb')): Promise<Driver> {
  try {
    return await load()
  } catch (cause) {
    throw new TidingsError(
      'driver-missing',
      'The log in a directory needs the package "lmdb", which is not installed or does not run here: npm install lmdb',
      { cause },
    )
  }
}

export interface StoreOptions {
  /** Commits are visible before they are flushed. */
  readonly overlapping: boolean
  readonly readOnly?: boolean
}

type Root = Store['root']

export function openRoot(driver: Driver, directory: string, { overlapping, readOnly = false }: StoreOptions): Root {
  const options = {
    path: directory,
    // Without it, a directory with a dot in its name is taken for a file.
    noSubdir: false,
    // Off, a commit is flushed (fdatasync) before its meta page is written, and visible after that; on, it is the other way round.
    overlappingSync: overlapping,
    mapSize: firstMapBytes,
    maxDbs: tableNames.length + 2,
    encoding: 'binary',
    keyEncoding: 'binary',
    readOnly,
    permissionsMode: 0o600,
  } as const
  const root = driver.open<Buffer, Buffer>(options)
  return root
}

/** The version of the log that stands in the file; nothing: the file is empty. Throws `log-foreign` if it is no log. */
export function readFormat(root: Root, directory: string): number | undefined {
  const names = [...root.getKeys({ start: Buffer.of(0) })].map(key => key.toString().replace(/\0$/, ''))
  if (names.length === 0) return undefined
  const value = names.includes('meta') ? readWord(openTableOf(root, 'meta'), metaKeys.format) : undefined
  const version = /^tidings ([1-9][0-9]{0,8})$/.exec(value ?? '')?.[1]
  if (version) return Number(version)
  throw new TidingsError(
    'log-foreign',
    `${join(directory, fileNames.data)} is an LMDB file, but not a log of Tidings. It was left as it is; choose another directory.`,
  )
}

/** The refusal of a log that a newer program wrote. */
export function newerVersion(directory: string, version: number): TidingsError {
  return new TidingsError(
    'log-newer',
    `The log in ${directory} is of version ${version}, this program knows ${formatVersion}. It was left as it is; use a newer version of Tidings.`,
  )
}

function readWord(table: Table, key: Buffer): string | undefined {
  return table.get(key)?.toString()
}

export function formatText(version: number = formatVersion): Buffer {
  return Buffer.from(`tidings ${version}`)
}

/** One table, which is made if it is not there and the file may be written. */
export function openTableOf(root: Root, name: string): Table {
  return root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
}

/** Opens the tables, and makes those that are not there, all in one transaction with what `prepare` puts. */
export function openTables(root: Root, prepare: (store: Store) => void = () => {}): Store {
  return root.transactionSync(() => {
    const store = openTablesIn(root)
    prepare(store)
    return store
  })
}

/** Opens the tables of a log that is open for reading only, or in a write transaction. */
export function openTablesIn(root: Root): Store {
  return {
    root,
    meta: openTableOf(root, 'meta'),
    events: openTableOf(root, 'events'),
    byTopic: openTableOf(root, 'byTopic'),
    newest: openTableOf(root, 'newest'),
    newestByTopic: openTableOf(root, 'newestByTopic'),
    latest: openTableOf(root, 'latest'),
    topics: openTableOf(root, 'topics'),
    names: openTableOf(root, 'names'),
    once: openTableOf(root, 'once'),
    onceOrder: openTableOf(root, 'onceOrder'),
  }
}

/** Throws unless the file takes the keys of a log: its pages are then too small, so it was not made by this. */
export function checkKeySize(root: Root, directory: string): void {
  if ('maxKeySize' in root && Number(root.maxKeySize) >= longestKey) return
  throw new TidingsError(
    'log-foreign',
    `${directory} holds an LMDB file with pages that are too small for a log of Tidings.`,
  )
}
