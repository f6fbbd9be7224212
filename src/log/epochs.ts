import { randomInt } from 'node:crypto'
import type { Position } from '../wire/names.js'
import type { EpochEntry } from './log.js'

/** How many histories a log remembers; a cursor of an older one is unknown to it. */
export const maxEpochs = 64

const epochChars = '0123456789abcdefghijklmnopqrstuvwxyz'
const epochLength = 8

/**
 * The name of a history that is not in `epochs`: 8 characters of `0-9a-z`, so that no two logs come upon the same one, a digit among
 * them, which tells a position from the names that publishers give (`checkEventId`).
 */
export function newEpoch(epochs: readonly EpochEntry[] = []): string {
  for (;;) {
    let epoch = ''
    while (epoch.length < epochLength) epoch += epochChars[randomInt(epochChars.length)]
    if (/[0-9]/.test(epoch) && !epochs.some(entry => entry.epoch === epoch)) return epoch
  }
}

/**
 * The table after a new history begins at `first`. The oldest entry goes when there are more than 64.
 *
 * A log that was cut twice may begin a history below where an earlier one began. Nothing of the earlier ones is left from
 * there on, so their `first` comes down to it, and what is `good` stays a question to the next entry alone.
 */
export function withEpoch(epochs: readonly EpochEntry[], first: number): readonly EpochEntry[] {
  const left = epochs.map(entry => (entry.first > first ? { epoch: entry.epoch, first } : entry))
  return [...left, { epoch: newEpoch(epochs), first }].slice(-maxEpochs)
}

/** The name of the present history. */
export function presentEpoch(epochs: readonly EpochEntry[]): string {
  return (epochs[epochs.length - 1] as EpochEntry).epoch
}

/**
 * Whether what a cursor has seen is still the log's past.
 *
 * - `good`: it is. The cursor is below the first offset of the history after its own. (It may be above the head: whether the
 *   log has lost something then, or only this reader lags, the table cannot say.)
 * - `rewound`: its history was cut below it; what it has seen there is lost, and other events may have its offsets.
 * - `unknown`: its history is not, or no longer, in the table.
 */
export function judge(cursor: Position, epochs: readonly EpochEntry[]): 'good' | 'unknown' | 'rewound' {
  const own = epochs.findLastIndex(entry => entry.epoch === cursor.epoch)
  if (own < 0) return 'unknown'
  const next = epochs[own + 1]
  return next && cursor.offset >= next.first ? 'rewound' : 'good'
}

/**
 * The history that holds `offset`: each holds the offsets from its `first` on, up to the one before the next `first`.
 * An offset from before the table is given the oldest entry, in which it is a good cursor.
 */
export function epochAt(offset: number, epochs: readonly EpochEntry[]): string {
  for (let i = epochs.length - 1; i > 0; i--) {
    const entry = epochs[i] as EpochEntry
    if (entry.first <= offset) return entry.epoch
  }
  return (epochs[0] as EpochEntry).epoch
}

/**
 * The highest offset that is still the log's past to a reader who last saw the table `known`, wherever it stands: the one before
 * the histories parted. A reader who is above it goes back to it. 0: they have no history in common.
 */
export function cutAfter(known: readonly EpochEntry[], epochs: readonly EpochEntry[]): number {
  for (let i = known.length - 1; i >= 0; i--) {
    const own = epochs.findIndex(entry => entry.epoch === known[i]?.epoch)
    if (own < 0) continue
    // What was known after the last history in common was lost as a whole, and what came in its place is not known.
    return Math.min(epochs[own + 1]?.first ?? Infinity, known[i + 1]?.first ?? Infinity) - 1
  }
  return 0
}
