import { closeSync, openSync, readSync } from 'node:fs'
import { damaged, type FileHeader, pageHeaderBytes, readTree, type Tree } from './header.js'

/*
 * A page of LMDB: its number (8 bytes), a transaction (8), padding (2), flags (2), the end of the list of nodes (2) and their
 * beginning (2), or the number of pages that an overflow takes (4); then the list, of 2 bytes a node. Places of nodes are counted
 * from behind the header.
 *
 * A node: 8 bytes, then its key, then its data. On a branch the first six bytes are the number of a page; on a leaf the first four
 * are the length of the data, the next two flags; the last two are the length of the key.
 */
const branchFlag = 0x01
const leafFlag = 0x02
const overflowFlag = 0x04
const nodeHeaderBytes = 8
const bigDataFlag = 0x01
const subTreeFlag = 0x02
const overflowReferenceBytes = 24
const treeBytes = 48
const noPage = 0xffff_ffff_ffff_ffffn
const greatestDepth = 32

/** How many pages are looked at when a log is opened: some 100 ms. Branches first, which name all pages that there are. */
const maxPages = 16_384

/** The same when a log is examined: 4 GiB, some 10 s if they come from the disk, and 100 MB of memory. */
export const maxExaminedPages = 1_048_576

/**
 * Looks whether the trees of an LMDB file hang together: that the pages that they name are in the file and are what they should be.
 * Costs a bounded time, so in a large log a damaged leaf goes unseen; a file that is cut off does not, up to some 10 GiB.
 * `most`: how many pages are looked at. Throws `log-corrupt`.
 */
export function checkPages(file: string, header: FileHeader, most: number = maxPages): void {
  const { pageSize, size, state } = header
  const room = pageSize - pageHeaderBytes
  const branches: Child[] = []
  const leaves: Child[] = []
  const seen = new Set<number>()

  function name(page: bigint, pages: bigint = 1n): number {
    if (page < 2n || page + pages - 1n > state.lastPage || (page + pages) * BigInt(pageSize) > BigInt(size)) {
      throw damaged(file, `it names page ${page}, which is not in it; it may be cut off`)
    }
    return Number(page)
  }

  function add(page: bigint, below: number): void {
    const number = name(page)
    const list = below > 0 ? branches : leaves
    if (list.length >= most) return
    if (seen.has(number)) throw damaged(file, `it uses page ${number} twice`)
    seen.add(number)
    list.push({ number, below })
  }

  function addTree({ root, depth }: Tree): void {
    if (root === noPage) return
    if (depth < 1 || depth > greatestDepth) throw damaged(file, `it has a tree of depth ${depth}`)
    add(root, depth - 1)
  }

  function checkNode(page: Buffer, below: number, at: number): void {
    const keyBytes = page.readUInt16LE(at + 6)
    const dataAt = at + nodeHeaderBytes + keyBytes
    if (below > 0) {
      if (dataAt > pageSize) throw damaged(file, 'a key runs out of its page')
      add(BigInt(page.readUIntLE(at, 6)), below - 1)
      return
    }
    const flags = page.readUInt16LE(at + 4)
    const dataBytes = page.readUInt32LE(at)
    const inPage = flags & bigDataFlag ? overflowReferenceBytes : dataBytes
    if (dataAt + inPage > pageSize) throw damaged(file, 'a value runs out of its page')
    if (flags & bigDataFlag) {
      const first = page.readBigUInt64LE(dataAt)
      const pages = page.readBigUInt64LE(dataAt + 16)
      name(first, pages)
      if (pages * BigInt(pageSize) < BigInt(dataBytes + pageHeaderBytes)) throw damaged(file, 'a value is cut off')
    } else if (flags & subTreeFlag) {
      if (dataBytes !== treeBytes) throw damaged(file, 'a table is described wrongly')
      addTree(readTree(page, dataAt))
    }
  }

  function checkPage(page: Buffer, { number, below }: Child): void {
    if (page.readBigUInt64LE(0) !== BigInt(number)) throw damaged(file, `page ${number} is not where it should be`)
    const flags = page.readUInt16LE(18) & (branchFlag | leafFlag | overflowFlag)
    const lower = page.readUInt16LE(20)
    const upper = page.readUInt16LE(22)
    if (flags !== (below > 0 ? branchFlag : leafFlag) || lower > upper || upper > room || lower % 2 !== 0) {
      throw damaged(file, `page ${number} is none of a tree`)
    }
    for (let i = 0; i < lower; i += 2) {
      const at = page.readUInt16LE(pageHeaderBytes + i) + pageHeaderBytes
      if (at < upper + pageHeaderBytes || at + nodeHeaderBytes > pageSize) {
        throw damaged(file, `page ${number} names a place out of it`)
      }
      checkNode(page, below, at)
    }
  }

  for (const tree of state.trees) addTree(tree)
  const descriptor = openSync(file, 'r')
  try {
    const page = Buffer.alloc(pageSize)
    for (let looked = 0; looked < most; looked++) {
      const child = branches.pop() ?? leaves.pop()
      if (!child) return
      if (readSync(descriptor, page, 0, pageSize, child.number * pageSize) < pageSize) {
        throw damaged(file, `it is cut off in page ${child.number}`)
      }
      checkPage(page, child)
    }
  } finally {
    closeSync(descriptor)
  }
}

/** A page that another names. `below`: how many levels of its tree are below it; on the lowest are the leaves. */
interface Child {
  readonly number: number
  readonly below: number
}
