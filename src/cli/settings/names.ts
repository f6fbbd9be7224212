import { nearest } from '../../http/nearest.js'
import { toFlagName } from '../flags.js'

/** `limits.maxStreams` as a flag: `--limits-max-streams`. */
export function flagOf(path: string): string {
  return `--${toFlagName(path)}`
}

/** `limits.maxStreams` as a variable of the environment: `TIDINGS_LIMITS_MAX_STREAMS`. */
export function variableOf(path: string): string {
  return `TIDINGS_${toFlagName(path).replaceAll('-', '_').toUpperCase()}`
}

/**
 * The one of `known` that was probably meant: one that is spelt nearly so, or one whose last word this is, as `maxStreams` is
 * that of `limits.maxStreams`. `separator` parts the words.
 */
export function nearestName(name: string, known: readonly string[], separator: string): string | undefined {
  const near = nearest(name, known)
  if (near !== undefined) return near
  const ends = known.map(each => [each.slice(each.indexOf(separator) + 1), each] as const)
  const meant = nearest(
    name,
    ends.map(([end]) => end),
  )
  return ends.find(([end]) => end === meant)?.[1]
}
