import type { WireEvent } from '../connection/transport.js'

/** One leadership: the higher number is the later one; of equal ones, the greater id counts. */
export interface Term {
  readonly number: number
  /** Of the member that leads. */
  readonly id: string
}

/** All events of the group's topics behind `from`, up to `through`. */
export interface Flow {
  readonly from: string
  readonly through: string
  readonly events: readonly WireEvent[]
  /** The hub gave a sign of life. */
  readonly isBeat: boolean
}

/** How the leader's stream stands: not heard yet, heard, or gone. */
export type Standing = 'starting' | 'open' | 'cut'

/** How the leader stands. */
export interface Lead {
  readonly kind: 'lead'
  readonly term: Term
  /** Of the topics. */
  readonly version: number
  readonly topics: readonly string[]
  /** What follows this position is told in flows. */
  readonly at: string
  readonly standing: Standing
  /** Why it is cut. */
  readonly why: string
  /** Every member is to say that it is there. */
  readonly isRoll: boolean
}

/** What members of a group say to all others. */
export type Message =
  | Lead
  | ({ readonly kind: 'flow'; readonly term: Term; readonly version: number } & Flow)
  /** There are as many topics as there may be, without those of `to`. */
  | { readonly kind: 'full'; readonly term: Term; readonly to: string }
  /** Wants to hear these, and is there. The leader is to say how it stands, if that is asked. */
  | {
      readonly kind: 'join'
      readonly id: string
      /** The newest that it knows. */
      readonly term: Term
      readonly topics: readonly string[]
      readonly isAsking: boolean
    }
  | { readonly kind: 'leave'; readonly id: string }

export function isNewer(term: Term, other: Term): boolean {
  return term.number === other.number ? term.id > other.id : term.number > other.number
}
