import { type ErrorCode, TidingsError } from '../wire/errors.js'
import type { LogOptions, RetentionRule } from './log.js'
import { compileRetention, type Retention } from './retention.js'

/** What every driver takes, complete and checked. */
export interface LogSettings {
  readonly retention: Retention
  readonly idempotencyMs: number
  readonly maxOnce: number
  readonly trimIntervalMs: number
  readonly clock: () => number
}

/** The greatest delay that a timer takes. */
const maxTimerMs = 2 ** 31 - 1

/** The default, the least and the most of each number that every driver takes. */
export const logBounds: {
  readonly [Name in 'idempotencyMs' | 'maxOnce' | 'trimIntervalMs']: readonly [
    fallback: number,
    least: number,
    most: number,
  ]
} = {
  idempotencyMs: [120_000, 0, Number.MAX_SAFE_INTEGER],
  maxOnce: [100_000, 0, Number.MAX_SAFE_INTEGER],
  trimIntervalMs: [1_000, 1, maxTimerMs],
}

/** The names of what every driver takes. */
export const logOptionNames: readonly string[] = [
  'retention',
  'idempotencyMs',
  'maxOnce',
  'trimIntervalMs',
  'clock',
] satisfies (keyof LogOptions)[]

/**
 * Fills in the defaults. `defaultRetention`: the rules of a driver that cannot keep everything; default: none.
 * Throws `invalid-setting`, with the path of what is wrong.
 */
export function resolveLogOptions(options: LogOptions, defaultRetention: readonly RetentionRule[] = []): LogSettings {
  const clock = optionalFunction('clock', options.clock) ?? Date.now
  const bounded = (name: keyof typeof logBounds): number => {
    const [fallback, least, most] = logBounds[name]
    return wholeNumber(name, options[name] ?? fallback, least, most)
  }
  return Object.freeze({
    retention: compileRetention(options.retention ?? defaultRetention),
    idempotencyMs: bounded('idempotencyMs'),
    maxOnce: bounded('maxOnce'),
    trimIntervalMs: bounded('trimIntervalMs'),
    clock: () => Math.floor(clock()),
  })
}

/** Throws `code` unless `options` is an object with no other names than `known`; `owner` is what it sets up, such as "a log". */
export function checkOptions(
  options: unknown,
  owner: string,
  known: readonly string[],
  code: ErrorCode = 'invalid-setting',
): void {
  const word = code === 'invalid-setting' ? 'setting' : 'option'
  // Of what goes well, as each event that is published, no text is made.
  const refuse = (what: string): TidingsError => new TidingsError(code, `${what}; it has ${known.join(', ')}.`)
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw refuse(`The ${word}s of ${owner} are given as an object`)
  }
  const unknown = Object.keys(options).find(name => !known.includes(name))
  if (unknown !== undefined) throw refuse(`There is no ${word} ${unknown} of ${owner}`)
}

/** `value`, if it is a function or nothing; throws `invalid-setting` otherwise. */
export function optionalFunction<Given>(path: string, value: Given): Given {
  if (value === undefined || typeof value === 'function') return value
  throw new TidingsError('invalid-setting', `${path} is a function, not ${String(value)}.`)
}

/** `value`, if it is a whole number from `least` to `most`; throws `invalid-setting` otherwise. */
export function wholeNumber(
  path: string,
  value: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new TidingsError('invalid-setting', `${path} is a whole number from ${least} to ${most}.`)
}
