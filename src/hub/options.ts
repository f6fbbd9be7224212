import { TidingsError } from '../wire/errors.js'
import { type HubObserver, nobody } from './observer.js'

export interface HubOptions {
  /** Silence after which a stream is sent its cursor, at most; jittered down to three quarters. 100 to 3,600,000. Default: 15,000. */
  readonly heartbeatMs?: number
  /** A sink that takes no byte for so long is destroyed; its client resumes. 0: never. Default: 60,000. */
  readonly stallMs?: number
  /** What clients are told to wait before they come again; jittered by 20 %. 500 to 300,000. Default: 3,000. */
  readonly retryMs?: number
  /** Bound on the recent events that are kept with their frames. Default and most: 64 MiB. */
  readonly maxRecentBytes?: number
  /** How many recent events are kept. Default: 16,384. */
  readonly maxRecentEvents?: number
  /** Bound on what slow sinks hold back, all together; beyond it the longest held are cut off. Default and most: 64 MiB. */
  readonly maxHeldBytes?: number
  /** Is told what went wrong and was lived with. Default: says nothing. */
  readonly report?: (message: string, error?: unknown) => void
  /** Is told what the hub does. Default: nobody is. */
  readonly observer?: HubObserver
  /**
   * How many subscriptions of the other hubs on this log hear each of these topics, for `TopicStatus`. Where they cannot be asked,
   * fewer are counted. Default: there are no other hubs.
   */
  readonly subscribersElsewhere?: (topics: readonly string[]) => Promise<readonly number[]>
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number
  /** From 0 to below 1, for jitter. Default: `Math.random`. */
  readonly random?: () => number
}

const mib = 1024 * 1024

/** The default, the least and the most of each number. */
export const hubBounds: {
  readonly [Name in
    | 'heartbeatMs'
    | 'stallMs'
    | 'retryMs'
    | 'maxRecentBytes'
    | 'maxRecentEvents'
    | 'maxHeldBytes']: readonly [fallback: number, least: number, most: number]
} = {
  heartbeatMs: [15_000, 100, 3_600_000],
  stallMs: [60_000, 0, 3_600_000],
  retryMs: [3_000, 500, 300_000],
  maxRecentBytes: [64 * mib, 0, 64 * mib],
  maxRecentEvents: [16_384, 0, 1_000_000],
  maxHeldBytes: [64 * mib, mib, 64 * mib],
}

const functions = {
  report: (): void => undefined,
  subscribersElsewhere: async (topics: readonly string[]): Promise<readonly number[]> => topics.map(() => 0),
  clock: Date.now,
  random: Math.random,
} as const

function isKey<T extends object>(table: T, name: string): name is Extract<keyof T, string> {
  return Object.hasOwn(table, name)
}

/** The options, complete and frozen. Throws `invalid-setting` with the name of what is wrong. */
export function resolveHubOptions(options: HubOptions): Required<HubOptions> {
  const resolved: Required<HubOptions> = {
    heartbeatMs: hubBounds.heartbeatMs[0],
    stallMs: hubBounds.stallMs[0],
    retryMs: hubBounds.retryMs[0],
    maxRecentBytes: hubBounds.maxRecentBytes[0],
    maxRecentEvents: hubBounds.maxRecentEvents[0],
    maxHeldBytes: hubBounds.maxHeldBytes[0],
    observer: nobody,
    ...functions,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  }
  for (const [name, value] of Object.entries(resolved)) {
    if (isKey(hubBounds, name)) {
      const [, least, most] = hubBounds[name]
      if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
        throw new TidingsError(
          'invalid-setting',
          `${name} is a whole number from ${least} to ${most}, not ${String(value)}.`,
        )
      }
    } else if (name === 'observer') {
      if (typeof value !== 'object' || value === null)
        throw new TidingsError('invalid-setting', 'observer is an object.')
    } else if (!isKey(functions, name)) {
      throw new TidingsError('invalid-setting', `There is no setting ${name} of a hub.`)
    } else if (typeof value !== 'function') {
      throw new TidingsError('invalid-setting', `${name} is a function, not ${String(value)}.`)
    }
  }
  return Object.freeze(resolved)
}
