import type { ErrorCode } from '../../wire/errors.js'
import type { Fetch } from '../request.js'
import type { Clock } from './clock.js'

/** A way to hear a server. All ways give the same events with the same cursors. */
export type TransportName = 'event-stream' | 'long-poll' | 'websocket'

/** Or together with other tabs. */
export type Way = TransportName | 'shared'

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

/**
 * What makes a WebSocket: the class of the platform, or one that takes `{ headers }` as its second argument, as those of Node.js, Bun and the
 * package `ws` do.
 */
export type WebSocketClass = new (url: string, ...more: never[]) => SocketLike

/** What is used of a WebSocket. */
export interface SocketLike {
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  close(): void
}

/** What all attempts of a connection have in common. */
export interface AttemptSettings {
  /** With the parameters of the hub, without a cursor. */
  readonly url: string
  /** Default: `GET`. */
  readonly method?: string | undefined
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined
  readonly withCredentials?: boolean | undefined
  /** Whether without a cursor the newest of each topic and key come first. */
  readonly isSnapshot: boolean
  /** Nothing: 45 s of a hub, else any silence will do. 0: any. */
  readonly silenceMs?: number | undefined
  readonly answerMs: number
  readonly firstBlockMs: number
  readonly maxEventChars?: number | undefined
  /** Nothing: the global one. */
  readonly fetch?: Fetch | undefined
  /** Nothing: the global one, which is given no headers. */
  readonly WebSocket?: WebSocketClass | undefined
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
  /** If it is not opened in this time, the server is not heard on this way. */
  expect(ms: number, what: string): void
  /** The server has answered as it should. */
  opened(): void
  /** Something came, if only a comment. */
  heard(): void
  /** Does not throw. */
  take(event: WireEvent): void
  /** What to come back with, without an event. */
  seen(cursor: string): void
  comment(text: string): void
  retry(ms: number): void
  /** What was taken waits to be listened to: resolves when there is room for more. Nothing: there is room. */
  room(): Promise<void> | undefined
}

interface Reason {
  readonly why: string
  /** Default: `connection-lost` if it was cut, else the kind. */
  readonly code?: ErrorCode | undefined
  readonly cause?: unknown
  /** The server is not heard on this way, here or at all: the next way is taken, if there is one. */
  readonly isShut?: true
  /** It is not to be made again before. */
  readonly askedMs?: number | undefined
}

/** What became of an attempt, and why. No errors, so that a transport that is loaded later imports nothing. */
export type Ending =
  /** It failed or was cut off, and may go well another time. */
  | ({ readonly kind: 'cut' } & Reason)
  /** It will not go well another time. */
  | ({ readonly kind: 'refused' } & Reason)
  /** The token is none, or is none any more. `wasGood`: it was one, so another attempt is made also where it may have the same. */
  | ({ readonly kind: 'unauthorized'; readonly wasGood?: true } & Reason)
  /** It is to be made again at once, from the first way on. */
  | { readonly kind: 'again' }
  /** There is nothing more to hear. */
  | { readonly kind: 'ended' }

/** Makes one attempt. What it rejects with is taken for a cut connection. */
export type Transport = (attempt: Attempt) => Promise<Ending>

/** Gives a transport, which may be loaded only now. */
export type TransportLoader = () => Transport | Promise<Transport>
