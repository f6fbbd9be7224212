/** When to try again: longer each time, and never as others do. */
export interface Backoff {
  /**
   * Counts a failure, and says how long to wait now: what the server asked for (`retry` of the stream, `Retry-After` of an answer),
   * and on top of that by chance anything up to a bound, which doubles with each failure in a row.
   */
  next(askedMs: number): number
  /** It has gone well for long enough. */
  reset(): void
}

/** What a server can make a client wait, at most. */
const mostAskedMs = 3_600_000

/** Full jitter: from nothing up to `leastMs`, then twice that, and so on up to `mostMs`. `random` is from 0 up to 1. */
export function createBackoff(leastMs: number, mostMs: number, random: () => number): Backoff {
  let failures = 0
  return {
    next: askedMs =>
      Math.min(mostAskedMs, askedMs) + random() * Math.min(mostMs, leastMs * 2 ** Math.min(failures++, 30)),
    reset() {
      failures = 0
    },
  }
}

/** `Retry-After` in milliseconds; nothing if there is none that can be read (RFC 9110, 10.2.3). */
export function toRetryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const ms = /^[0-9]+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
