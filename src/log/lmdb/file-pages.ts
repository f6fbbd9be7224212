import { type Store, tableNames } from './layout.js'

/** What LMDB says of a tree, or of the whole file (`getStats`, which lmdb-js declares as `{}`). */
interface PageCounts {
  readonly pageSize: number
  readonly entryCount: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

interface FileCounts extends PageCounts {
  readonly root: PageCounts
  readonly free: PageCounts
  readonly lastPageNumber: number
  readonly mapSize: number
}

/** What the file of a log is made of. */
export interface FilePages {
  /** Bytes of the pages that hold something. */
  readonly usedBytes: number
  /** Bytes of the pages that are free to be written again. */
  readonly freeBytes: number
  /** Address space that is mapped. */
  readonly mappedBytes: number
  /** Entries by the name of their table; 0 where there is no such table. */
  readonly entries: { readonly [Name in (typeof tableNames)[number]]: number }
}

/** The first two pages of a file describe it. */
const describingPages = 2

function pagesOf(counts: PageCounts): number {
  return counts.treeBranchPageCount + counts.treeLeafPageCount + counts.overflowPages
}

/** Bytes of the pages of the tables. From the present transaction; some 200 µs. */
export function tableBytes(store: Store): number {
  let bytes = 0
  for (const table of tableNames) {
    const counts = store[table].getStats() as PageCounts
    bytes += pagesOf(counts) * counts.pageSize
  }
  return bytes
}

/** From the present transaction. A log of an older version has not all tables. */
export function readFilePages(store: Store): FilePages {
  const file = store.meta.getStats() as FileCounts
  const counts = tableNames.map(name => [name, (store[name] as Store['meta'] | undefined)?.getStats()] as const) as [
    (typeof tableNames)[number],
    PageCounts | undefined,
  ][]
  let pages = describingPages + pagesOf(file.root) + pagesOf(file.free)
  for (const [, each] of counts) if (each) pages += pagesOf(each)
  return {
    usedBytes: pages * file.pageSize,
    // The last page may be that of a newer commit than the transaction is of.
    freeBytes: Math.max(0, file.lastPageNumber + 1 - pages) * file.pageSize,
    mappedBytes: file.mapSize,
    entries: Object.fromEntries(counts.map(([name, each]) => [name, each?.entryCount ?? 0])) as FilePages['entries'],
  }
}
