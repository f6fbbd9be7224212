import type { TidingsError } from '../../wire/errors.js'
import type { Fetch } from '../request.js'
import type { Clock } from './clock.js'

/** A way to hear a server. All ways give the same events with the same cursors. */
export type TransportName = 'event-stream' | 'long-poll' | 'websocket'

/** An event as it came, of a publisher or of the hub. */
export interface WireEvent {
  /** `message` if it has none. */
  readonly type: string
  /** Empty: not told. */
  readonly topic: string
  /** Empty: none. */
  readonly id: string
  readonly data: string
}

/** What all attempts of a connection have in common. */
export interface AttemptSettings {
  /** With the parameters of the hub, without a cursor. */
  readonly url: string
  readonly method: string
  readonly body: string | Uint8Array<ArrayBuffer> | undefined
  readonly withCredentials: boolean
  /** Whether without a cursor the newest of each topic and key come first. */
  readonly isSnapshot: boolean
  /** Nothing: 45 s of a hub, else any silence will do. 0: any. */
  readonly silenceMs: number | undefined
  readonly answerMs: number
  readonly firstBlockMs: number
  readonly maxEventChars: number
  readonly onComment?: ((comment: string) => void) | undefined
  /** Nothing: the global one. */
  readonly fetch: Fetch | undefined
  readonly WebSocket: typeof WebSocket | undefined
  readonly clock: Clock
}

/** One attempt to hear the server, and what it makes known while it lasts. After `signal` has aborted, nothing is listened to. */
export interface Attempt {
  readonly settings: AttemptSettings
  /** Whether it is known that a hub of Tidings is to answer, whose first block comes at once. */
  readonly isHub: boolean
  /** Empty: none. */
  readonly cursor: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** The server has answered as it should. */
  opened(): void
  /** Something came, if only a comment. */
  heard(): void
  /** Does not throw. */
  take(event: WireEvent): void
  retry(ms: number): void
  /** What was taken waits to be listened to: resolves when there is room for more. Nothing: there is room. */
  room(): Promise<void> | undefined
  /** How many events wait. */
  readonly waiting: number
}

/** What became of an attempt. */
export type Ending =
  /** It failed or was cut off, and may go well another time, not before `askedMs`. */
  | { readonly kind: 'cut'; readonly error: TidingsError; readonly askedMs?: number | undefined }
  /** The server is there, but is not heard on this way. */
  | { readonly kind: 'held'; readonly error: TidingsError }
  /** It is to be made again at once. */
  | { readonly kind: 'again' }
  /** The token is none, or is none any more. */
  | { readonly kind: 'unauthorized'; readonly error: TidingsError }
  /** It will not go well another time. */
  | { readonly kind: 'refused'; readonly error: TidingsError }
  /** There is nothing more to hear. */
  | { readonly kind: 'ended' }

/** Makes one attempt. What it rejects with is taken for a cut connection. */
export type Transport = (attempt: Attempt) => Promise<Ending>
