import { connectionsWithinDescriptors } from '../http/descriptor-limit.js'
import type { HubOptions as EngineOptions } from '../hub/options.js'
import { resolveHubOptions } from '../hub/options.js'
import type { EventLog, RetentionRule } from '../log/log.js'
import { createMemoryLog } from '../log/memory.js'
import { compileRetention } from '../log/retention.js'
import { checkOptions, wholeNumber } from '../log/settings.js'
import { TidingsError } from '../wire/errors.js'
import { toReport } from './report.js'
import type { Schemas } from './schema.js'

/** How a hub in an application is set up. */
export interface HubOptions extends Omit<EngineOptions, 'report'> {
  /**
   * Where events are kept: a log that is open, and stays yours to close; or what opens one, which `close` then closes.
   * Default: in the memory of this process.
   */
  readonly log?: EventLog | (() => EventLog | Promise<EventLog>) | undefined
  /** What the log in memory keeps; first match wins. Only without `log`. Default: the newest 64 MiB, at most 500,000 events. */
  readonly retention?: readonly RetentionRule[] | undefined
  /** Checks what is published in process, by topic or selector; the first that selects a topic counts. Default: nothing is checked. */
  readonly schemas?: Schemas | undefined
  /** Bytes of the data of one event. 1 to 16 MiB. Default: 256 KiB. */
  readonly maxEventBytes?: number | undefined
  /** Streams at once; who comes then is told to come back later. 0 to 1,000,000. Default: nine tenths of the open files allowed. */
  readonly maxStreams?: number | undefined
  /** Is told what went wrong and was lived with. Default: `console.error`. */
  readonly report?: ((message: string, error?: unknown) => void) | undefined
}

/** The options, complete. */
export interface Settings {
  readonly openLog: () => EventLog | Promise<EventLog>
  /** `close` closes the log. */
  readonly ownsLog: boolean
  readonly schemas: Schemas | undefined
  readonly maxEventBytes: number
  readonly maxStreams: number
  readonly report: (message: string, error?: unknown) => void
  readonly engine: EngineOptions
}

/** Throws `invalid-setting` unless `log` is one. */
export function checkLog(log: EventLog): EventLog {
  if (typeof log?.append === 'function') return log
  throw new TidingsError(
    'invalid-setting',
    "log is a log that is open, or a function that opens one, such as () => openLmdbLog('.tidings').",
  )
}

const optionNames = [
  'log',
  'retention',
  'schemas',
  'maxEventBytes',
  'maxStreams',
  ...Object.keys(resolveHubOptions({})),
]

/** Throws `invalid-setting` with the name of what is wrong. */
export function resolveOptions(options: HubOptions): Settings {
  checkOptions(options, 'a hub', optionNames)
  const { log, retention, schemas, maxEventBytes, maxStreams, report, ...engine } = options
  if (log !== undefined && retention !== undefined) {
    throw new TidingsError('invalid-setting', 'retention is for the log in memory; give it to the log that you open.')
  }
  if (log !== undefined && typeof log !== 'function') checkLog(log)
  if (retention !== undefined) compileRetention(retention)
  const told = toReport(report)
  resolveHubOptions({ ...engine, report: told })
  return {
    openLog: typeof log === 'function' ? log : () => log ?? createMemoryLog(retention ? { retention } : {}),
    ownsLog: typeof log !== 'object',
    schemas,
    maxEventBytes: wholeNumber('maxEventBytes', maxEventBytes ?? 256 * 1024, 1, 16 * 1024 * 1024),
    maxStreams: wholeNumber('maxStreams', maxStreams ?? Math.floor(connectionsWithinDescriptors() * 0.9), 0, 1_000_000),
    report: told,
    engine: { ...engine, report: told },
  }
}
