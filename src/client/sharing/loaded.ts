import type { toMatch } from '../connection/match.js'
import type { readPage, takePage } from '../connection/page.js'
import type { createReceiver } from '../connection/receiver.js'

/** What every connection has loaded. It is handed in, so that for sharing nothing is loaded twice, and for others nothing is split off. */
export interface Loaded {
  readonly readPage: typeof readPage
  readonly takePage: typeof takePage
  readonly createReceiver: typeof createReceiver
  readonly toMatch: typeof toMatch
}
