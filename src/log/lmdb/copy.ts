import { chmod, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TidingsError } from '../../wire/errors.js'
import type { EpochEntry } from '../log.js'
import { compareBooks } from './agreement.js'
import { toTidingsError } from './fault.js'
import { metaKeys } from './layout.js'
import { openReader, type Reader } from './reader.js'
import { parseEpochs } from './session.js'
import { fileNames } from './store.js'

export type CopyPhase = 'copying' | 'comparing'

export interface CopyOptions {
  /** `copying` in bytes, `comparing` in entries. */
  readonly onProgress?: ((phase: CopyPhase, done: number, of: number) => void) | undefined
  /**
   * Told, before anything is written, in which directory the copy is put together. It is deleted if the copy fails; whoever is
   * interrupted may delete it too.
   */
  readonly onBegin?: ((unfinished: string) => void) | undefined
}

/** One state of a log, copied and compared. */
export interface Copied {
  readonly events: number
  readonly headOffset: number
  /** The time of its newest event; 0: there is none. */
  readonly newestTime: number
  readonly epochs: readonly EpochEntry[]
  /** Of the copy, which has no free pages. */
  readonly bytes: number
}

const watchMs = 100

/**
 * Copies the newest state of the log into `folder`, an empty directory, page by page as LMDB does it (2 MiB of memory), compares
 * the copy with itself, and flushes it to the disk. The reader is closed as soon as all is copied: the
 * comparison takes longer than that, and meanwhile a hub could use no page of the copied state again.
 *
 * Rejects with `log-corrupt` if the copy does not agree, `log-in-use` (`checkUndisturbed`), `log-full`, or `log-unavailable`.
 */
export async function copyLog(reader: Reader, folder: string, options: CopyOptions): Promise<Copied> {
  const { onProgress } = options
  const file = join(folder, fileNames.data)
  const watch = setInterval(() => {
    stat(file).then(
      ({ size }) => onProgress?.('copying', size, Math.max(size, reader.pages.usedBytes)),
      // There is none yet.
      () => undefined,
    )
  }, watchMs)
  try {
    await reader.store.root.backup(folder, true)
  } catch (error) {
    throw await toTidingsError(toSystemError(error), folder, folder)
  } finally {
    clearInterval(watch)
  }
  await reader.checkUndisturbed()
  await reader.close()
  await chmod(file, 0o600)
  const copied = await compareCopy(reader, folder, options)
  await flush(file)
  await flush(folder)
  return copied
}

/** LMDB says in words what the operating system said by number, and lmdb-js passes on the words. */
function toSystemError(error: unknown): unknown {
  if (!(error instanceof Error) || !/no space|quota|too large/i.test(error.message)) return error
  return Object.assign(new Error(error.message, { cause: error }), { code: -28 })
}

async function compareCopy(reader: Reader, folder: string, { onProgress }: CopyOptions): Promise<Copied> {
  const copy = await openReader(folder)
  try {
    const { head, pages, store, at } = copy
    const { problems, found } = await compareBooks(copy, (done, of) => onProgress?.('comparing', done, of))
    if (head.offset < reader.head.offset || found > 0) {
      throw new TidingsError(
        'log-corrupt',
        `The log in ${reader.folder} is damaged: ${problems[0] ?? 'the copy lacks its last events'}. No copy was kept.`,
      )
    }
    const epochs = store.meta.get(metaKeys.epochs, at)
    return {
      events: pages.entries.events,
      headOffset: head.offset,
      newestTime: head.time,
      epochs: epochs ? parseEpochs(epochs) : [],
      bytes: copy.header.size,
    }
  } finally {
    await copy.close()
  }
}

/** What was written to the file, or entered in the directory, is on the disk when this resolves. */
export async function flush(path: string): Promise<void> {
  // On Windows a directory cannot be opened, nor has it to be flushed; a file is flushed only if it may be written.
  const handle = await open(path, (await stat(path)).isDirectory() ? 'r' : 'r+').catch((error: unknown) => {
    if (process.platform === 'win32') return undefined
    throw error
  })
  try {
    await handle?.sync()
  } finally {
    await handle?.close()
  }
}
