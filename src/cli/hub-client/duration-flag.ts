import { type Flag, flagFault } from '../flags.js'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A flag that is a duration, as `since` of the HTTP interface writes it, or `never`, which is infinite. In milliseconds. */
export function durationFlag(
  flag: string,
  options: {
    readonly initialMs: number
    readonly shown: string
    readonly leastMs: number
    /** What a longer one is refused with. Default: a year. */
    readonly mostMs?: number
    readonly takesNever?: boolean
    readonly help: string
  },
): Flag<number> {
  const { initialMs, shown, leastMs, mostMs = 366 * 86_400_000, takesNever = false, help } = options
  return {
    value: 'DURATION',
    initial: initialMs,
    shown,
    help,
    parse: text => {
      if (takesNever && text === 'never') return Number.POSITIVE_INFINITY
      const [, count, unit = ''] = /^([0-9]{1,12})(ms|s|m|h|d)$/.exec(text) ?? []
      const ms = Number(count) * (unitMs[unit] ?? Number.NaN)
      if (ms >= leastMs && ms <= mostMs) return ms
      const form = takesNever ? 'such as 500ms, 90s, 10m, 24h, or never' : 'such as 500ms, 90s, 10m'
      const range = Number.isNaN(ms) ? '' : ` It is too ${ms < leastMs ? 'short' : 'long'}.`
      throw flagFault(flag, text, `is no duration that is taken here; write one ${form}.${range}`)
    },
  }
}

/** A duration for people: `400 ms`, `3.2 s`, `95 s`, `12 min`. */
export function showDuration(ms: number): string {
  if (ms < 950) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`
  if (ms < 180_000) return `${Math.round(ms / 1000)} s`
  return ms < 3 * 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
