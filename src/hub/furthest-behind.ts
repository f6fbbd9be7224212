import type { EventLog } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import type { Behind } from './hub.js'
import type { HubSubscription } from './subscription.js'

/** See `Hub.furthestBehind`. [20,000 that are behind: 1 to 4 ms, Node 20.20] */
export async function furthestBehind(
  subscriptions: Iterable<HubSubscription>,
  tail: number,
  log: EventLog,
  clock: () => number,
): Promise<Behind> {
  let cursor = tail
  for (const subscription of subscriptions) {
    if (subscription.state === 'catching-up') cursor = Math.min(cursor, subscription.cursor)
  }
  return cursor === tail ? { events: 0, ms: 0 } : { events: tail - cursor, ms: await ageAfter(cursor, log, clock) }
}

async function ageAfter(cursor: number, log: EventLog, clock: () => number): Promise<number> {
  try {
    const [next] = (await log.read(cursor, { maxEvents: 1, maxBytes: 1 })).events
    return next ? Math.max(0, clock() - next.time) : 0
  } catch (error) {
    if (error instanceof TidingsError && error.code === 'log-unavailable') return 0
    throw error
  }
}
