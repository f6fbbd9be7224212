import { resolve } from 'node:path'
import type { EventLog, LogOptions } from '../../log/log.js'
import { TidingsError } from '../../wire/errors.js'
import type { Settings } from '../settings/settings.js'

/** What the settings say of the log. */
export type LogSettings = Pick<
  Settings,
  'log' | 'retention' | 'durability' | 'mapBytes' | 'maxBytes' | 'idempotencyMs' | 'maxOnce' | 'trimIntervalMs'
>

/** Opens the log in a directory beside the process that has it. Rejects as the driver does. */
export async function joinLog(settings: LogSettings): Promise<EventLog> {
  const { log, mapBytes, idempotencyMs, maxOnce } = settings
  if (log.kind !== 'lmdb') throw new TidingsError('invalid-setting', 'Only a log in a directory can be joined.')
  const { joinLmdbLog } = await import('../../log/lmdb/join.js')
  return joinLmdbLog(resolve(log.directory), { mapBytes, idempotencyMs, maxOnce })
}

/**
 * Opens the log that the settings name; the driver is loaded only if it is asked for.
 * Rejects as the driver does; `driver-missing` says both ways out.
 */
export async function openLog(settings: LogSettings, options: Pick<LogOptions, 'clock'> = {}): Promise<EventLog> {
  const { log, durability, mapBytes, maxBytes, retention, idempotencyMs, maxOnce, trimIntervalMs } = settings
  const common = { ...options, retention, idempotencyMs, maxOnce, trimIntervalMs }
  if (log.kind === 'memory') {
    const { createMemoryLog } = await import('../../log/memory.js')
    return createMemoryLog({ ...common, maxBytes })
  }
  const { openLmdbLog } = await import('../../log/lmdb/open.js')
  try {
    return await openLmdbLog(resolve(log.directory), { ...common, durability, mapBytes })
  } catch (cause) {
    if (!(cause instanceof TidingsError && cause.code === 'driver-missing')) throw cause
    throw new TidingsError(
      'driver-missing',
      `The log lmdb:${log.directory} needs the package lmdb, which is not installed or does not run here. ` +
        'Install it (npm install lmdb), or keep the log in memory, where it ends with the hub (--log memory:).',
      { cause },
    )
  }
}
