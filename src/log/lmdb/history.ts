import { withEpoch } from '../epochs.js'
import type { EpochEntry } from '../log.js'
import { readHead } from './catalog.js'
import { encodeHead, metaKeys, type Store } from './layout.js'
import { parseEpochs } from './session.js'
import { formatText } from './store.js'

/** What stands in an empty log. In a write transaction. */
export function beginLog(store: Store): void {
  store.meta.put(metaKeys.format, formatText())
  store.meta.put(metaKeys.head, encodeHead({ offset: 0, time: 0, nextTopicId: 1, catalog: 0, tokens: 0 }))
  store.meta.put(metaKeys.epochs, encodeEpochs(withEpoch([], 1)))
}

function encodeEpochs(epochs: readonly EpochEntry[]): Buffer {
  return Buffer.from(JSON.stringify(epochs))
}

/** Begins a new epoch after the head. In a write transaction. */
export function beginEpochAfterHead(store: Pick<Store, 'meta'>): void {
  const value = store.meta.get(metaKeys.epochs)
  const epochs = value ? parseEpochs(value) : []
  store.meta.put(metaKeys.epochs, encodeEpochs(withEpoch(epochs, readHead(store).offset + 1)))
}

/**
 * Whether the run that left this mark (`metaKeys.run`; nothing: it ended cleanly, or flushed all that it wrote) may have lost
 * commits that were seen: the machine has been started anew since, or nobody knows.
 */
export function mayHaveLost(left: string | undefined, bootId: string | undefined): boolean {
  return left !== undefined && (left === '' || left !== bootId)
}

/**
 * Settles what the last run has left, and marks the beginning of this one if its durability is `async` (`bootId` given, empty if
 * not known). A run whose mark is still there did not end cleanly: if the machine has been started anew since, commits may be
 * lost that were seen already, so a new epoch begins. In a write transaction.
 */
export function settleRun(store: Store, run: { readonly isAsync: boolean; readonly bootId: string | undefined }): void {
  const left = store.meta.get(metaKeys.run)?.toString()
  if (mayHaveLost(left, run.bootId)) beginEpochAfterHead(store)
  if (run.isAsync) {
    if (left === undefined || left !== run.bootId) store.meta.put(metaKeys.run, Buffer.from(run.bootId ?? ''))
  } else if (left !== undefined) {
    store.meta.remove(metaKeys.run)
  }
}

/** Whether `settleFile` has something to settle. */
export function isOtherFile(store: Store, identity: string): boolean {
  return store.meta.get(metaKeys.file)?.toString() !== identity
}

/**
 * Notices a copy that was put in the place of the file, or elsewhere. What the other one held more, and has shown, is not in here,
 * and no copy can know whether there was any: a new epoch begins, in which the offsets that it may have given are not given again as
 * the same positions. In a write transaction.
 */
export function settleFile(store: Store, identity: string): void {
  if (store.meta.doesExist(metaKeys.file)) beginEpochAfterHead(store)
  store.meta.put(metaKeys.file, Buffer.from(identity))
}

/**
 * Makes a copy a log of its own, to be opened as it is: in a new epoch, since nobody knows what the original went on to hold, and
 * as the file that was written last, so that no other epoch begins. In a write transaction.
 */
export function settleRestored(store: Pick<Store, 'meta'>, identity: string): void {
  beginEpochAfterHead(store)
  store.meta.remove(metaKeys.run)
  store.meta.put(metaKeys.file, Buffer.from(identity))
}
