import type { Head } from '../../log/log.js'
import type { Logger } from '../logger.js'

/** A step of the clock below this is its being kept right, which nobody need hear of. */
const leastStepMs = 1_000
const intervalMs = 1_000

export interface Clocks {
  /** Milliseconds since 1970, as the log takes its time from. Default: `Date.now`. */
  readonly now: () => number
  /** Milliseconds that only go on. Default: `performance.now`. */
  readonly elapsed: () => number
}

const own: Clocks = { now: () => Date.now(), elapsed: () => performance.now() }

/** Notices within a second that the clock of the machine was set, and tells. The function that it returns stops looking. */
export function watchClock(logger: Logger, { now, elapsed }: Clocks = own): () => void {
  let difference = now() - elapsed()
  const timer = setInterval(() => {
    const before = difference
    difference = now() - elapsed()
    const stepMs = Math.round(difference - before)
    if (stepMs <= -leastStepMs) {
      const message = 'The clock was set back: events have the time of the newest one until it has passed that.'
      logger.warn({ byMs: -stepMs }, message)
    } else if (stepMs >= leastStepMs) {
      // A machine that slept has not counted the time either.
      logger.warn({ byMs: stepMs }, 'The clock went ahead: it was set, or the machine slept.')
    }
  }, intervalMs).unref()
  return () => clearInterval(timer)
}

/** At the start: tells if the newest event is of a time to come, so that the clock must have been set back since. */
export function tellIfAhead(logger: Logger, { time }: Head, { now }: Pick<Clocks, 'now'> = own): void {
  const byMs = Math.round(time - now())
  if (byMs < leastStepMs) return
  logger.warn({ byMs }, 'The newest event is ahead of the clock: events have its time until the clock has passed it.')
}
