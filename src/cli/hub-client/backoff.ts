import { setTimeout as rest } from 'node:timers/promises'

/** How long to wait before trying again: longer each time, and never as others do. */
export interface Backoff {
  /**
   * Counts a failure, and says how long to wait now: from `leastMs`, doubled with each failure in a row up to `mostMs`, between
   * half and all of it by chance. What the hub asked for is waited at least.
   */
  next(askedMs?: number): number
  /** It went well. */
  reset(): void
}

/** `random` is from 0 up to 1. */
export function createBackoff(leastMs: number, mostMs: number, random: () => number = Math.random): Backoff {
  let failures = 0
  return {
    next(askedMs = 0) {
      const ms = Math.min(mostMs, leastMs * 2 ** Math.min(failures++, 30))
      // A herd that was told the same time is spread over a tenth of it.
      return Math.max(ms * (0.5 + random() / 2), askedMs * (1 + random() / 10))
    },
    reset() {
      failures = 0
    },
  }
}

/** Resolves after `ms`, or as soon as the signal is given. */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  try {
    // The longest that a timer takes.
    await rest(Math.min(ms, 2 ** 31 - 1), undefined, { signal })
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error
  }
}
