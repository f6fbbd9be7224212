import { resolve } from 'node:path'
import type { EventLog, LogOptions, RetentionRule } from '../../log/log.js'
import { TidingsError } from '../../wire/errors.js'
import type { LogPlace } from './options.js'

const hourMs = 3_600_000
const mib = 1024 * 1024

/** What the hub keeps: figures of machines for an hour, all else for seven days, and no more than there is room for. */
function retention({ bytes, count }: { readonly bytes: number; readonly count?: number }): readonly RetentionRule[] {
  return [
    { selector: 'host/**', ageMs: hourMs, bytes: bytes / 8 },
    { selector: '**', ageMs: 7 * 24 * hourMs, bytes, count },
  ]
}

/** How much of everything but `host/**` is kept in a directory, and in memory, where each event costs more than its bytes. */
const kept = { lmdb: { bytes: 1024 * mib }, memory: { bytes: 64 * mib, count: 500_000 } } as const

/**
 * How many bytes of recent events the hub keeps with their frames. Of a log in memory it keeps little more than the frames; of one in
 * a directory all, beside the pages that are mapped, which also serve readers that are behind. Measured with 20 MB in events of
 * 16 kB and 100 readers that stood still: resident memory grew by 70 MiB in memory, by 83 in a directory, by 100 there with as much.
 */
export const recentBytes: { readonly lmdb: number; readonly memory: number } = { lmdb: 24 * mib, memory: 64 * mib }

/**
 * Opens the log that `--log` names; the driver is loaded only if it is asked for.
 * Rejects as the driver does; `driver-missing` says both ways out.
 */
export async function openLog(place: LogPlace, options: Pick<LogOptions, 'clock'> = {}): Promise<EventLog> {
  if (place.kind === 'memory') {
    const { createMemoryLog } = await import('../../log/memory.js')
    return createMemoryLog({ ...options, retention: retention(kept.memory) })
  }
  const { openLmdbLog } = await import('../../log/lmdb/open.js')
  try {
    return await openLmdbLog(resolve(place.directory), { ...options, retention: retention(kept.lmdb) })
  } catch (cause) {
    if (!(cause instanceof TidingsError && cause.code === 'driver-missing')) throw cause
    throw new TidingsError(
      'driver-missing',
      `The log lmdb:${place.directory} needs the package lmdb, which is not installed or does not run here. ` +
        'Install it (npm install lmdb), or keep the log in memory, where it ends with the hub (--log memory:).',
      { cause },
    )
  }
}
