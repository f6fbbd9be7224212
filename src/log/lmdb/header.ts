import { type FileHandle, open } from 'node:fs/promises'
import { TidingsError } from '../../wire/errors.js'

/*
 * How LMDB begins a file (data version 2, machines of 64 bits): two pages, and a third description in the middle of the first,
 * each with a header and what it says of the state that it describes, at these places behind the header.
 */
export const pageHeaderBytes = 24
const metaBytes = 144
const metaAt = {
  magic: 0,
  version: 4,
  freeTree: 24,
  pageSize: 24,
  flags: 28,
  mainTree: 72,
  lastPage: 120,
  transaction: 128,
  bootId: 136,
} as const
const lmdbMagic = 0xbeefc0de
const lmdbVersion = 2
const metaPageFlag = 0x08
const overlappingFlag = 0x1000

/** One of the states that a file describes. */
export interface FileState {
  readonly transaction: bigint
  /** Written with the durability `async`, and not known to be flushed. */
  readonly isOverlapping: boolean
  /** What the start of the machine was that wrote it, as LMDB spells it. */
  readonly bootId: bigint
  readonly lastPage: bigint
  /** The two trees from which all others are found. */
  readonly trees: readonly Tree[]
}

export interface Tree {
  readonly depth: number
  readonly root: bigint
}

/** A tree as its 48 bytes describe it. */
export function readTree(from: Buffer, at: number): Tree {
  return { depth: from.readUInt16LE(at + 6), root: from.readBigUInt64LE(at + 40) }
}

export interface FileHeader {
  readonly pageSize: number
  readonly size: number
  /** The state that LMDB takes up when it opens the file on this machine now. */
  readonly state: FileState
  /**
   * The file was last written with the durability `async`: its newest state may not be whole after the machine has stopped, and
   * only an open with that durability finds the newest one that is.
   */
  readonly isOverlapping: boolean
  /** There is a newer state than `state`, which may not be whole, and is given up when the file is opened for writing. */
  readonly needsRecovery: boolean
}

/**
 * Looks at an LMDB file before LMDB does, which maps it into memory, where bytes that are damaged or missing end the process.
 * Nothing: there is no file, or an empty one. Rejects with `log-corrupt` and `log-foreign`. `bootId`: of this start of the machine.
 */
export async function checkHeader(file: string, bootId: string | undefined): Promise<FileHeader | undefined> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    if ((await handle.stat()).size === 0) return undefined
    const first = await readAt(handle, 0, file)
    const pageSize = checkFirst(first, file)
    const states = [
      toState(first),
      toState(await readAt(handle, pageSize / 2, file)),
      toState(checkSecond(await readAt(handle, pageSize, file), file)),
    ]
    // After what is described, all of which was in the file before: another process may be making it longer.
    const { size } = await handle.stat()
    const isOverlapping = states.some(state => state.isOverlapping)
    const state = pick(states, isOverlapping, toLmdbBootId(bootId))
    const needsRecovery = states.some(other => other.transaction > state.transaction)
    return { pageSize, size, state, isOverlapping, needsRecovery }
  } finally {
    await handle.close()
  }
}

async function readAt(handle: FileHandle, position: number, file: string): Promise<Buffer> {
  const bytes = Buffer.alloc(pageHeaderBytes + metaBytes)
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, position)
  if (bytesRead < bytes.length) throw damaged(file, `it is cut off after ${position + bytesRead} bytes`)
  return bytes
}

function magicOf(page: Buffer): number {
  return page.readUInt32LE(pageHeaderBytes + metaAt.magic)
}

/** The size of the pages. */
function checkFirst(page: Buffer, file: string): number {
  if (magicOf(page) !== lmdbMagic) throw damaged(file, 'it does not begin as a file of LMDB')
  const version = page.readUInt32LE(pageHeaderBytes + metaAt.version) & 0xffff
  if (version !== lmdbVersion) {
    throw new TidingsError(
      'log-foreign',
      `${file} is an LMDB file of data version ${version}; a log of Tidings has ${lmdbVersion}. It was left as it is; choose another directory.`,
    )
  }
  const pageSize = page.readUInt32LE(pageHeaderBytes + metaAt.pageSize)
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) {
    throw damaged(file, `its pages are of ${pageSize} bytes`)
  }
  if ((page.readUInt16LE(18) & metaPageFlag) === 0) throw damaged(file, 'its first page is none that describes it')
  return pageSize
}

function checkSecond(page: Buffer, file: string): Buffer {
  if (magicOf(page) === lmdbMagic && (page.readUInt16LE(18) & metaPageFlag) !== 0) return page
  throw damaged(file, 'its second page is none that describes it')
}

function toState(page: Buffer): FileState {
  const meta = page.subarray(pageHeaderBytes)
  return {
    transaction: meta.readBigUInt64LE(metaAt.transaction),
    isOverlapping: (meta.readUInt16LE(metaAt.flags) & overlappingFlag) !== 0,
    bootId: meta.readBigInt64LE(metaAt.bootId),
    lastPage: meta.readBigUInt64LE(metaAt.lastPage),
    trees: [metaAt.freeTree, metaAt.mainTree].map(tree => readTree(meta, tree)),
  }
}

/** As LMDB chooses: the newest state, unless it may not be flushed; then the older one. */
function pick(states: readonly FileState[], isOverlapping: boolean, bootId: bigint): FileState {
  const [first, middle, second] = states as [FileState, FileState, FileState]
  if (!isOverlapping) return first.transaction >= second.transaction ? first : second
  return [middle, second].reduce((a, b) => {
    if (b.transaction === 0n) return a
    const [newer, older] = a.transaction >= b.transaction ? [a, b] : [b, a]
    return (newer.bootId !== 0n && newer.bootId === bootId) || !newer.isOverlapping ? newer : older
  }, first)
}

/** LMDB reads the hexadecimal digits of the id up to the first hyphen. */
function toLmdbBootId(bootId: string | undefined): bigint {
  const digits = /^[0-9a-f]+/i.exec(bootId ?? '')?.[0]
  return digits ? BigInt(`0x${digits}`) : 0n
}

export function damaged(file: string, why: string): TidingsError {
  return new TidingsError(
    'log-corrupt',
    `${file} is damaged: ${why}. It was left as it is; restore it from a backup, or choose another directory.`,
  )
}
