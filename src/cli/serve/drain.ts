import type { Drained } from '../../hub/hub.js'
import { exitCodes } from '../exit-codes.js'
import type { Log } from '../logger.js'
import { onStopSignals } from '../stop-signals.js'

/** What the log may take to be closed, beyond what readers have to take what they have coming. */
const closeMs = 1_000
const progressMs = 200

/** What is to be ended. */
export interface Ending {
  /** How many readers there are now. */
  subscriptions(): number
  /** Lets them go; what is left at the deadline is destroyed. */
  drain(deadlineMs: number): Promise<Drained>
  readonly drainMs: number
  readonly log: Log
  /** What asks for it beside the usual signals. Default: nothing. */
  readonly signals?: readonly NodeJS.Signals[]
  /** What has to be ended with the process, at once. Default: nothing. */
  readonly stopNow?: () => void
}

/** Resolves at the first signal that asks the hub to end; ends the process at the second. */
export function stopSignal({ subscriptions: read, stopNow, drainMs, log: { logger }, signals }: Ending): Promise<void> {
  return new Promise(resolve => {
    onStopSignals(
      signal => {
        const subscriptions = read()
        const seconds = drainMs / 1000
        const whom = count(subscriptions, 'subscription')
        logger.info(
          { signal, subscriptions },
          `${signal}: ending ${whom}, within ${seconds} s. Once more ends at once.`,
        )
        resolve()
      },
      signal => {
        logger.warn({ signal, subscriptions: read() }, `${signal}: ending at once.`)
        stopNow?.()
        process.exit(exitCodes.failure)
      },
      signals,
    )
  })
}

/** Lets the readers go, and says how they went; on a terminal also while they go. */
export async function drain({ subscriptions, drain: letAllGo, drainMs, log }: Ending): Promise<void> {
  const { logger, progress } = log
  // A log that does not answer must not keep the process: whoever waits for it would kill it harder.
  setTimeout(() => {
    logger.error('The log does not let go; ending without it.')
    process.exit(exitCodes.failure)
  }, drainMs + closeMs).unref()
  const began = performance.now()
  const before = subscriptions()
  const ticker = setInterval(() => {
    const seconds = Math.floor((performance.now() - began) / 1000)
    progress.say(`Ending: ${subscriptions()} of ${count(before, 'subscription')} left, ${seconds} s`)
  }, progressMs)
  try {
    const { letGo, destroyed } = await letAllGo(drainMs)
    progress.clear()
    const ms = Math.round(performance.now() - began)
    const cutOff = destroyed === 0 ? '' : `, ${destroyed} cut off at the deadline`
    logger.info(
      { letGo, destroyed, ms },
      `Ended ${count(letGo + destroyed, 'subscription')}: ${letGo} let go${cutOff}.`,
    )
  } finally {
    clearInterval(ticker)
    progress.clear()
  }
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`
}
