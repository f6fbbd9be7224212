import type { ask } from '../connection/ask.js'
import type { toMatch } from '../connection/match.js'
import type { createReceiver } from '../connection/receiver.js'

/** What every connection has loaded. It is handed in, so that for sharing nothing is loaded twice, and for others nothing is split off. */
export interface Loaded {
  readonly ask: typeof ask
  readonly createReceiver: typeof createReceiver
  readonly toMatch: typeof toMatch
}
