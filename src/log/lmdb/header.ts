import { open } from 'node:fs/promises'
import { TidingsError } from '../../wire/errors.js'

/*
 * The head of an LMDB file, as LMDB 0.9.90 (data version 2) writes it on machines of 64 bits: two pages, each with a header of
 * 24 bytes and this after it, at these places.
 */
const pageHeaderBytes = 24
const metaAt = {
  magic: 0,
  version: 4,
  freePageSize: 24,
  freeFlags: 28,
  lastPage: 120,
  transaction: 128,
} as const
const metaBytes = 144
const lmdbMagic = 0xbeefc0de
const lmdbVersion = 2
const metaPageFlag = 0x08
const overlappingFlag = 0x1000

/** What the file says of itself. */
export interface FileHeader {
  readonly pageSize: number
  readonly size: number
  /**
   * The file was last written with the durability `async`: its newest state may not be whole after the machine has stopped, and
   * only an open with that durability finds the newest one that is.
   */
  readonly overlapping: boolean
}

/**
 * Looks at an LMDB file before LMDB does, which maps it into memory, where bytes that are damaged or missing end the process.
 * Nothing: there is no file, or an empty one. Rejects with `log-corrupt` and `log-foreign`.
 */
export async function checkHeader(file: string): Promise<FileHeader | undefined> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(file, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { size } = await handle.stat()
    if (size === 0) return undefined
    const read = async (position: number): Promise<Buffer> => {
      const bytes = Buffer.alloc(pageHeaderBytes + metaBytes)
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, position)
      if (bytesRead < bytes.length) throw damaged(file, `it is cut off after ${size} bytes`)
      return bytes
    }
    const first = await read(0)
    const meta = first.subarray(pageHeaderBytes)
    if (meta.readUInt32LE(metaAt.magic) !== lmdbMagic) {
      throw new TidingsError(
        'log-foreign',
        `${file} is not a file of LMDB, or its beginning is destroyed. It was left as it is; choose another directory, or restore it from a backup.`,
      )
    }
    const version = meta.readUInt32LE(metaAt.version) & 0xffff
    if (version !== lmdbVersion) {
      throw new TidingsError(
        'log-foreign',
        `${file} is an LMDB file of data version ${version}, not ${lmdbVersion}: not a log of Tidings.`,
      )
    }
    const pageSize = meta.readUInt32LE(metaAt.freePageSize)
    if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) {
      throw damaged(file, `it has pages of ${pageSize} bytes`)
    }
    const metas = [meta, (await read(pageSize)).subarray(pageHeaderBytes)]
    if ((first.readUInt16LE(18) & metaPageFlag) === 0 || metas[1]?.readUInt32LE(metaAt.magic) !== lmdbMagic) {
      throw damaged(file, 'its first two pages do not describe it')
    }
    return {
      pageSize,
      size,
      overlapping: metas.some(each => (each.readUInt16LE(metaAt.freeFlags) & overlappingFlag) !== 0),
    }
  } finally {
    await handle.close()
  }
}

export function damaged(file: string, why: string): TidingsError {
  return new TidingsError(
    'log-corrupt',
    `${file} is damaged: ${why}. It was left as it is; restore it from a backup, or choose another directory.`,
  )
}
