import type { HubServer } from '../../http/server.js'
import type { Hub } from '../../hub/hub.js'
import { exitCodes } from '../exit-codes.js'
import type { Log } from '../logger.js'
import { onStopSignals } from '../stop-signals.js'

/** What the log may take to be closed, beyond what readers have to take what they have coming. */
const closeMs = 1_000
const progressMs = 200

/** What is to be ended. */
export interface Ending {
  readonly hub: Hub
  readonly drainMs: number
  readonly log: Log
  /** What asks for it beside the usual signals. Default: nothing. */
  readonly signals?: readonly NodeJS.Signals[]
}

/** Resolves at the first signal that asks the hub to end; ends the process at the second. */
export function stopSignal({ hub, drainMs, log: { logger }, signals }: Ending): Promise<void> {
  return new Promise(resolve => {
    onStopSignals(
      signal => {
        const { subscriptions } = hub.status
        const seconds = drainMs / 1000
        const whom = count(subscriptions, 'subscription')
        logger.info(
          { signal, subscriptions },
          `${signal}: ending ${whom}, within ${seconds} s. Once more ends at once.`,
        )
        resolve()
      },
      signal => {
        logger.warn({ signal, subscriptions: hub.status.subscriptions }, `${signal}: ending at once.`)
        process.exit(exitCodes.failure)
      },
      signals,
    )
  })
}

/** Lets the readers go, and says how they went; on a terminal also while they go. */
export async function drain(server: HubServer, { hub, drainMs, log }: Ending): Promise<void> {
  const { logger, progress } = log
  // A log that does not answer must not keep the process: whoever waits for it would kill it harder.
  setTimeout(() => {
    logger.error('The log does not let go; ending without it.')
    process.exit(exitCodes.failure)
  }, drainMs + closeMs).unref()
  const began = performance.now()
  const before = hub.status.subscriptions
  const ticker = setInterval(() => {
    const seconds = Math.floor((performance.now() - began) / 1000)
    progress.say(`Ending: ${hub.status.subscriptions} of ${count(before, 'subscription')} left, ${seconds} s`)
  }, progressMs)
  try {
    const { letGo, destroyed } = await server.drain(drainMs)
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
