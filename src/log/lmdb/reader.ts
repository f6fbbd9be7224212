import { constants } from 'node:fs'
import { access, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Transaction } from 'lmdb'
import { TidingsError } from '../../wire/errors.js'
import { readBootId } from './boot.js'
import { readHead } from './catalog.js'
import { toOpenError } from './fault.js'
import { type FilePages, readFilePages } from './file-pages.js'
import { foreignNames, systemCode, unfinishedRestore } from './folder.js'
import { checkHeader, type FileHeader } from './header.js'
import { formatVersion, type HeadRecord, type Store } from './layout.js'
import { readReaders } from './lock-file.js'
import { isOwned, joinOwnerOf } from './owner.js'
import { checkPages, maxExaminedPages } from './pages.js'
import {
  checkKeySize,
  type Driver,
  fileNames,
  loadDriver,
  newerVersion,
  openRoot,
  openTablesIn,
  readFormat,
} from './store.js'

/** What a look at a log directory finds before its file is opened. */
export interface Look {
  readonly folder: string
  readonly names: readonly string[]
  /** Whether a hub has the log open. */
  readonly isInUse: boolean
  readonly header: FileHeader
}

/** One state of a log, open for reading, in which nothing changes while it is read. */
export interface Reader extends Look {
  readonly version: number
  /** The tables; a log of version 1 lacks `newest`, `newestByTopic` and `latest`. */
  readonly store: Store
  /** The state, as the options of a read. While it is open, LMDB writes to no page that was in use then: the file grows instead. */
  readonly at: { readonly transaction: Transaction }
  readonly pages: FilePages
  readonly head: HeadRecord
  /** Rejects with `log-in-use` if a hub has opened the log meanwhile, so that what was read may be wrong. */
  checkUndisturbed(): Promise<void>
  /** May be called again. */
  close(): Promise<void>
}

/**
 * Looks at a log directory without touching it. Rejects with `log-unavailable` (there is no log, or it may not be read),
 * `log-foreign` and `log-corrupt`.
 */
export async function lookAt(directory: string): Promise<Look> {
  const folder = resolve(directory)
  try {
    const names = await readdir(folder)
    const header = await readHeader(folder)
    if (!header) throw noLog(folder, names)
    return { folder, names, isInUse: await isOwned(folder), header }
  } catch (error) {
    throw toLookError(error, folder)
  }
}

async function readHeader(folder: string): Promise<FileHeader | undefined> {
  return checkHeader(join(folder, fileNames.data), await readBootId())
}

function noLog(folder: string, names: readonly string[]): TidingsError {
  const cut = unfinishedRestore(folder, names)
  if (cut) return cut
  const foreign = foreignNames(names)
  if (foreign.length === 0) return new TidingsError('log-unavailable', `There is no log in ${folder}; it is empty.`)
  return new TidingsError('log-foreign', `${folder} holds no log (there is ${foreign.slice(0, 3).join(', ')}).`)
}

function toLookError(error: unknown, folder: string): unknown {
  const code = systemCode(error)
  if (error instanceof TidingsError || code === undefined) return error
  const say = (why: string) => new TidingsError('log-unavailable', why, { cause: error })
  if (code === 'ENOENT') return say(`There is no directory ${folder}.`)
  if (code === 'ENOTDIR') {
    return new TidingsError('log-foreign', `${folder} is a file, or below one; a log is kept in a directory.`)
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return say(`The log in ${folder} may not be read by this user. Ask as the user that runs the hub, or as root.`)
  }
  return say(`The log in ${folder} cannot be looked at (${code}).`)
}

/** How often a file is looked at that seems damaged: what is read in parts may not fit together while another process writes to it. */
const maxLooks = 3

/**
 * Opens the newest state of the log for reading, also while a hub uses it, and touches nothing in the directory.
 * Rejects as `lookAt`, and with `driver-missing`, `log-newer`, and `log-unavailable` for a log that has to be recovered first.
 */
export async function openReader(directory: string, load?: () => Promise<Driver>): Promise<Reader> {
  const driver = await loadDriver(load)
  const look = await lookAt(directory)
  const { folder, isInUse } = look
  if (look.header.needsRecovery && !isInUse) {
    throw new TidingsError(
      'log-unavailable',
      `The log in ${folder} was being written when the machine stopped, and cannot be read before a hub has opened it.`,
    )
  }
  const place = await readingPlace(look)
  try {
    await place.enter()
    if (!isInUse) await checkWhole(folder)
    const root = openRoot(driver, place.folder, { overlapping: false, readOnly: true })
    try {
      return await readState(root, look, place)
    } catch (error) {
      await root.close()
      throw error
    }
  } catch (error) {
    await place.leave()
    throw error instanceof TidingsError ? error : toLookError(await toOpenError(error, folder), folder)
  }
}

async function readState(root: Store['root'], look: Look, place: Place): Promise<Reader> {
  const { folder, isInUse } = look
  checkKeySize(root, folder)
  const version = readFormat(root, folder)
  if (version === undefined) throw new TidingsError('log-unavailable', `There is no log in ${folder} yet.`)
  if (version > formatVersion) throw newerVersion(folder, version)
  const store = openTablesIn(root)
  // Opening a table ends the transaction that there is. The rest is done in one turn of the event loop, for which there is one.
  root.resetReadTxn()
  const transaction = root.useReadTransaction()
  const head = readHead(store)
  const pages = readFilePages(store)
  let isClosed = false
  return {
    ...look,
    // Of this state or a newer one, whose pages are not written to either.
    header: isInUse ? await checkWhole(folder) : look.header,
    version,
    store,
    at: { transaction },
    pages,
    head,
    async checkUndisturbed() {
      if (!place.isAside || !(await isOwned(folder))) return
      throw new TidingsError('log-in-use', `A hub has opened the log in ${folder} while it was read. Ask again.`)
    },
    async close() {
      if (isClosed) return
      isClosed = true
      transaction.done()
      await root.close()
      await place.leave()
    },
  }
}

async function checkWhole(folder: string): Promise<FileHeader> {
  for (let look = 1; ; look++) {
    try {
      const header = await readHeader(folder)
      if (!header) throw noLog(folder, [])
      checkPages(join(folder, fileNames.data), header, maxExaminedPages)
      return header
    } catch (error) {
      if (look === maxLooks || !(error instanceof TidingsError && error.code === 'log-corrupt')) throw error
    }
  }
}

interface Place {
  readonly folder: string
  readonly isAside: boolean
  enter(): Promise<void>
  leave(): Promise<void>
}

/**
 * Where LMDB opens the file. Readers and the writer know of each other by `lock.mdb`. If there is none, or it may not be
 * written, and no hub is there, then LMDB is shown the file from a directory elsewhere: one that root made here for a look would
 * keep out the hub, which is another user. (Not on Windows, where a link takes rights that few have.)
 */
async function readingPlace({ folder, isInUse }: Look): Promise<Place> {
  if (isInUse) return besideOwner(folder)
  const here = { folder, isAside: false, enter: async () => {}, leave: async () => {} }
  if (process.platform === 'win32' || (await maySay(folder))) return here
  const aside = await mkdtemp(join(tmpdir(), 'tidings-look-'))
  return {
    folder: aside,
    isAside: true,
    enter: () => symlink(join(folder, fileNames.data), join(aside, fileNames.data)),
    leave: () => rm(aside, { recursive: true }),
  }
}

/** In the directory itself, connected to the owner: when that connection ends, it sees to it that what was read here may be written again. */
function besideOwner(folder: string): Place {
  let leave = async () => {}
  return {
    folder,
    isAside: false,
    async enter() {
      const lockFile = join(folder, fileNames.lock)
      await access(lockFile, constants.R_OK | constants.W_OK)
      if ((await readReaders(lockFile)).includes(process.pid)) throw sameNumber(folder)
      const neighbours = await joinOwnerOf(folder)
      neighbours.listen({ heard: () => undefined, alone: () => undefined })
      leave = async () => neighbours.close()
    },
    leave: () => leave(),
  }
}

/** LMDB takes a process for another that has its number, as it may have in another container. */
function sameNumber(folder: string): TidingsError {
  return new TidingsError(
    'log-unavailable',
    `The log in ${folder} is in use by a process that has the number of this one (${process.pid}), in another container. Run this in the container of the hub.`,
  )
}

/** Whether a reader can say in `lock.mdb` that it reads. */
async function maySay(folder: string): Promise<boolean> {
  try {
    await access(join(folder, fileNames.lock), constants.R_OK | constants.W_OK)
    return true
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return false
  }
}
