/** What a server can make a client wait, at most. */
const mostAskedMs = 3_600_000

export interface Backoff {
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** From 0 up to 1. */
  readonly random: () => number
}

/**
 * How long to wait after so many failures in a row: what the server asked for (`retry` of the stream, `Retry-After` of an answer), and on top of that by
 * chance anything up to a bound, which doubles with each. So nobody tries again as others do.
 */
export function toWaitMs({ backoffMs, maxBackoffMs, random }: Backoff, failures: number, askedMs: number): number {
  return Math.min(mostAskedMs, askedMs) + random() * Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(failures, 30))
}

/** `Retry-After` in milliseconds; nothing if there is none that can be read (RFC 9110, 10.2.3). */
export function toRetryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const ms = /^[0-9]+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
