import type { RetentionRule } from '../../log/log.js'
import type { LogPlace } from './log-place.js'

const hourMs = 3_600_000
const mib = 1024 * 1024

/** How much of everything but `host/**` is kept in a directory, and in memory, where each event costs more than its bytes. */
const kept = { lmdb: { bytes: 1024 * mib }, memory: { bytes: 64 * mib, count: 500_000 } } as const

/** What the log keeps: figures of machines for an hour, all else for seven days, and no more than there is room for. */
export function defaultRetention({ kind }: LogPlace): readonly RetentionRule[] {
  const { bytes, ...rest } = kept[kind]
  return [
    { selector: 'host/**', ageMs: hourMs, bytes: bytes / 8 },
    { selector: '**', ageMs: 7 * 24 * hourMs, bytes, ...rest },
  ]
}

const recentBytes = { lmdb: 24 * mib, memory: 64 * mib } as const

/**
 * How many bytes of recent events the hub keeps with their frames. Of a log in memory it keeps little more than the frames; of one in
 * a directory all, beside the pages that are mapped, which also serve readers that are behind. Measured with 20 MB in events of
 * 16 kB and 100 readers that stood still: resident memory grew by 70 MiB in memory, by 83 in a directory, by 100 there with as much.
 */
export function defaultRecentBytes({ kind }: LogPlace): number {
  return recentBytes[kind]
}
