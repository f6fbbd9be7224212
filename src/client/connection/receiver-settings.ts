import type { LifeTarget } from './page-life.js'
import type { AttemptSettings, TransportLoader, TransportName, Way } from './transport.js'

/** What a receiver is to hear, and how: options, complete. */
export interface ReceiverSettings extends AttemptSettings {
  /** Those of the next attempt, the token among them. */
  readonly headers: () => Promise<Record<string, string>>
  /** Whether another attempt may have another token. */
  readonly canRenew: boolean
  /** Where to begin. Empty: where the URL says. */
  readonly cursor: string
  /** Whether what answers is known to be a hub of Tidings. A `$cursor` makes it known. */
  readonly isHub: boolean
  /** The topic of all events that do not say theirs; empty: unknown. */
  readonly onlyTopic: string
  /** The last event, by its data or its type. */
  readonly end?: string | { readonly type: string } | undefined
  /** Ways to hear it, in the order in which they are tried. */
  readonly transports: readonly Way[]
  /** Is waited for before each attempt. What it comes to is where that begins, if it is anything. */
  readonly prepare?: (() => Promise<string | undefined>) | undefined
  /** By their names. */
  readonly loaders: Readonly<Record<TransportName, TransportLoader>> & { readonly shared?: TransportLoader }
  readonly backoffMs: number
  readonly maxBackoffMs: number
  readonly stableMs: number
  readonly pauseWhenHidden?: boolean | undefined
  /** Who tells of the page and its network. */
  readonly life: LifeTarget | undefined
  readonly random: () => number
}
