import type { ConnectionState } from './lifecycle.js'
import type { ReceivedEvent } from './received-event.js'
import type { Gap, Outcome, ReceiverStatistics, StateChange } from './receiver.js'
import type { Way } from './transport.js'

/** What the hub says itself. `$cursor`: a sign of life, with the newest position that was passed. `$end`: the topic has ended. */
export type HubEventName = '$gap' | '$cursor' | '$end'

/** What a connection has met so far. */
export interface ConnectionStatistics extends ReceiverStatistics {
  /** Events whose payloads their schemas refused. */
  readonly invalid: number
}

/** A connection to a server, which comes back by itself until it is closed. */
export interface Connection<Events extends object = Record<string, unknown>>
  extends AsyncIterable<ReceivedEvent<Events[keyof Events]>> {
  /** With the topics, without a cursor. */
  readonly url: string
  readonly state: ConnectionState
  /** How the server is heard now. */
  readonly transport: Way
  /**
   * All up to here was listened to: handlers have returned, and loops have come back for the next event. Good as `cursor` of another
   * connection. Empty: none.
   */
  readonly cursor: string
  readonly statistics: ConnectionStatistics
  /** Resolves when it is closed, and all that came before was listened to. Does not reject. */
  readonly closed: Promise<Outcome>
  /**
   * Listens to events by their type (`message` if they have none), their topic, or a selector with wildcards; `**` are all. Handlers are
   * called in the order in which they came; one that is begun by another hears from the next event on. What they throw goes to `onError`.
   * What this returns ends it.
   */
  on<Name extends keyof Events & string>(
    name: Name,
    handler: (event: ReceivedEvent<Events[Name]>) => unknown,
  ): () => void
  on(name: '$gap', handler: (event: ReceivedEvent<Gap>) => unknown): () => void
  on(
    name: HubEventName | 'message' | '**',
    handler: (event: ReceivedEvent<Events[keyof Events]>) => unknown,
  ): () => void
  /** Is told when the state changes. What this returns ends that. */
  onState(watcher: (change: StateChange) => void): () => void
  /**
   * A loop over all events, from the moment at which it first asks. It is given no event before it has come back from the last; meanwhile
   * nothing more is read. What says `gap` is given too. It ends with the connection, and throws the failure, if there is one.
   * If it is left and nobody else listens, the connection is closed.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<ReceivedEvent<Events[keyof Events]>>
  /** Lets the connection go, and makes it anew at once from where it was. */
  reconnect(): void
  /** Ends it: nobody is given anything after this, and loops end. Idempotent. */
  close(): void
}
