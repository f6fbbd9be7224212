import type { Selector } from '../wire/selector.js'
import type { Encoding } from './sink.js'

/** Where a subscription without a cursor begins. */
export type Since =
  | { readonly kind: 'now' }
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** Not checked yet: the hub says `$gap` if it is no good. */
  | { readonly kind: 'position'; readonly position: string }
  /** Events of this time (milliseconds since 1970) or later. */
  | { readonly kind: 'time'; readonly time: number }

/** What a caller wants to hear, and from where on. */
export interface SubscribeRequest {
  /** At least one. */
  readonly selectors: readonly Selector[]
  /** The last event id that the caller has seen, as it came; it need not be a position. Wins over `since`. */
  readonly cursor?: string | undefined
  /** Default: `now`. Also where to go on after a gap, if the cursor is no good; then default: the oldest event left. */
  readonly since?: Since | undefined
  /** 0 to 60,000. Nothing: every event. 0: only when the reader is slow. */
  readonly conflateMs?: number | undefined
  readonly encoding: Encoding
}

/** Why and where matching events may be missing: the data of `$gap`. */
export interface Gap {
  readonly reason: 'trimmed' | 'unknown' | 'rewound'
  readonly requested: string
  readonly resumedAt: string
}
