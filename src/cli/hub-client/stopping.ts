import { exitCodes } from '../exit-codes.js'
import { report } from '../report.js'
import { onStopSignals } from '../stop-signals.js'

/** Whether a command is asked to end, and how long it may still take. */
export interface Stopping {
  /** Given at the first signal. */
  readonly asked: AbortSignal
  /** Given when the time that it had after that is over. */
  readonly expired: AbortSignal
  /** What a wait is to be cut short by: that which is still to come. */
  next(): AbortSignal
  /** Hears no more signals. */
  dispose(): void
}

/** Ends in order at the first SIGINT or SIGTERM, within `graceMs`; at once at the second, with exit code 1. */
export function createStopping(graceMs: number): Stopping {
  const asked = new AbortController()
  const expired = new AbortController()
  let grace: NodeJS.Timeout | undefined
  const off = onStopSignals(
    () => {
      grace = setTimeout(() => expired.abort(), graceMs)
      asked.abort()
    },
    signal => {
      report(`${signal}: ending at once.`)
      process.exit(exitCodes.failure)
    },
  )
  return {
    asked: asked.signal,
    expired: expired.signal,
    next: () => (asked.signal.aborted ? expired.signal : asked.signal),
    dispose() {
      clearTimeout(grace)
      off()
    },
  }
}
