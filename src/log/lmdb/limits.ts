import { TidingsError } from '../../wire/errors.js'
import type { Retention } from '../retention.js'
import { checkOptions, logOptionNames, resolveLogOptions, wholeNumber } from '../settings.js'
import type { LmdbSettings } from './lmdb-log.js'
import type { LmdbOptions } from './options.js'

/** The default of `mapBytes`. */
export const defaultMapBytes: number = 2 ** 40

/** The least `mapBytes`: an empty log takes some of it. */
const leastMapBytes = 1024 * 1024

/** Fills in the defaults. Throws `invalid-setting`, with the path of what is wrong. */
export function resolveLmdbOptions(options: LmdbOptions): {
  readonly retention: Retention
  readonly clock: () => number
  readonly limits: LmdbSettings
} {
  checkOptions(options, 'a log in a directory', [...logOptionNames, 'durability', 'mapBytes'])
  const { retention, clock, ...rest } = resolveLogOptions(options)
  const maxBytes = wholeNumber('mapBytes', options.mapBytes ?? defaultMapBytes, leastMapBytes)
  const durability: unknown = options.durability ?? 'commit'
  if (durability !== 'commit' && durability !== 'async') {
    throw new TidingsError('invalid-setting', 'durability is "commit" or "async".')
  }
  const isAsync = durability === 'async' && process.platform !== 'win32'
  return { retention, clock, limits: { ...rest, isAsync, maxBytes } }
}
