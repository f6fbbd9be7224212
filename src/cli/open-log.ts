import { resolve } from 'node:path'
import type { EventLog, LogOptions, RetentionRule } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import type { LogPlace } from './options.js'

const hourMs = 3_600_000
const mib = 1024 * 1024

/** What the hub keeps: figures of machines for an hour, all else for seven days, and no more than there is room for. */
function retention(maxBytes: number): readonly RetentionRule[] {
  return [
    { selector: 'host/**', ageMs: hourMs, bytes: maxBytes / 8 },
    { selector: '**', ageMs: 7 * 24 * hourMs, bytes: maxBytes },
  ]
}

/** How much of everything but `host/**` is kept in a directory, and in memory. */
const keptBytes = { lmdb: 1024 * mib, memory: 64 * mib } as const

/**
 * Opens the log that `--log` names; the driver is loaded only if it is asked for.
 * Rejects as the driver does; `driver-missing` says both ways out.
 */
export async function openLog(place: LogPlace, options: Pick<LogOptions, 'clock'> = {}): Promise<EventLog> {
  if (place.kind === 'memory') {
    const { createMemoryLog } = await import('../log/memory.js')
    return createMemoryLog({ ...options, retention: retention(keptBytes.memory) })
  }
  const { openLmdbLog } = await import('../log/lmdb/open.js')
  try {
    return await openLmdbLog(resolve(place.directory), { ...options, retention: retention(keptBytes.lmdb) })
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
