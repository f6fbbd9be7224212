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
  return Math.min(mostAskedMs, askedMs) + random() * Math.min(maxBackoffMs, backoffMs * 2 ** failures)
}

/** `Retry-After` in milliseconds: seconds, or a date; 0 if there is none that can be read (RFC 9110, 10.2.3). */
export function toRetryAfterMs(header: string | null, now: number): number {
  return Math.max(0, Number(header) * 1000 || Date.parse(header ?? '') - now) || 0
}
