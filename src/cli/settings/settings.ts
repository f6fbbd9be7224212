import type { HttpLimits, HttpSettings } from '../../http/settings.js'
import type { RetentionRule } from '../../log/log.js'
import type { LogPlace } from './log-place.js'
import type { Workers } from './workers.js'

/** What is told to those who look after the hub, from all to nothing. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
/** How it is told. */
export const logFormats = ['auto', 'json', 'text'] as const
/** When an append to a log in a directory is answered. */
export const durabilities = ['commit', 'async'] as const

/** All that `tidings serve` can be told, complete. What each means, its default and its bounds: `table.ts`. */
export interface Settings extends HttpSettings {
  /** Paths of files, which are read when the hub starts and at SIGHUP. Either both or none. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  /** With a certificate that is made here, instead of one in files. */
  readonly tlsDev: boolean
  readonly log: LogPlace
  readonly demo: boolean
  readonly retention: readonly RetentionRule[]
  readonly durability: (typeof durabilities)[number]
  readonly mapBytes: number
  readonly maxBytes: number
  readonly idempotencyMs: number
  readonly maxOnce: number
  readonly trimIntervalMs: number
  readonly heartbeatMs: number
  readonly stallMs: number
  readonly retryMs: number
  readonly maxRecentBytes: number
  readonly maxRecentEvents: number
  readonly maxHeldBytes: number
  readonly drainMs: number
  readonly workers: Workers
  readonly logLevel: (typeof logLevels)[number]
  readonly logFormat: (typeof logFormats)[number]
  /** Also where it came by `metricsTokenFile`. */
  readonly metricsToken: string | undefined
  readonly metricsTokenFile: string | undefined
}

/** The settings by their paths, such as `limits.maxStreams`. */
export type Values = Omit<Settings, 'limits'> & {
  readonly [Name in keyof HttpLimits as `limits.${Name}`]: HttpLimits[Name]
}

/** The name of a setting everywhere. */
export type SettingPath = keyof Values
