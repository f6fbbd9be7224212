import { TidingsError } from '../../wire/errors.js'
import type { Fetch } from '../request.js'
import { type Clock, realClock } from './clock.js'
import type { CursorStore } from './cursor-store.js'
import { eventStream } from './event-stream-transport.js'
import { longPoll } from './long-poll-transport.js'
import type { LifeTarget } from './page-life.js'
import type { ReceivedEvent } from './received-event.js'
import type { StateChange } from './receiver.js'
import type { ReceiverSettings } from './receiver-settings.js'
import type { PayloadSchemas } from './schemas.js'
import type { Transport, TransportName } from './transport.js'

type Given<T> = T | (() => T | Promise<T>)

/** How to connect. All may be left out. */
export interface ConnectOptions {
  /** Topics and selectors of a hub, at most 100. Default: what the URL says. */
  readonly topics?: readonly string[] | undefined
  /** Where a hub begins: `now` (its default), `earliest`, `latest`, a duration back such as `10m`, a time, a position. */
  readonly since?: string | undefined
  /** Only the newest of each topic and key: at most one in so many milliseconds. 0 to 60,000. */
  readonly conflate?: number | undefined
  /** Where to go on: the id of an event, or the cursor of a page. A stored one comes first. */
  readonly cursor?: string | undefined
  /** Where the cursor is kept for the next page, such as `localStorage`. Default: nowhere. */
  readonly storage?: CursorStore | undefined
  /** The name that it is kept under. Default: `tidings:` and the URL with its topics. */
  readonly storageKey?: string | undefined

  /** Headers of each request, or who gives them, asked at each attempt. */
  readonly headers?: Given<Readonly<Record<string, string>>> | undefined
  /** Sent as `Authorization: Bearer`; or who gives it, asked at each attempt. */
  readonly token?: Given<string | undefined> | undefined
  /** Whether cookies go to other origins too. Default: false. */
  readonly withCredentials?: boolean | undefined
  /** Default: `GET`, or `POST` with a body. */
  readonly method?: string | undefined
  /** Sent with each attempt. */
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined
  /**
   * The last event of the stream: its data, such as `[DONE]`, which nobody hears then, or its type, which is heard. A stream that ends without it
   * has failed, and is not asked for again.
   */
  readonly end?: string | { readonly type: string } | undefined

  /**
   * Ways to hear the server, in the order in which they are tried. Default: `['event-stream', 'long-poll']` with `topics`, `since` or
   * `conflate`, which only a hub understands; else `['event-stream']`. A WebSocket sends no headers and no token.
   */
  readonly transports?: readonly TransportName[] | undefined
  /** The bound of the chance in the first wait, which doubles with each failure. 1 to 3,600,000. Default: 1,000. */
  readonly backoffMs?: number | undefined
  /** Up to this. Default: 30,000. */
  readonly maxBackoffMs?: number | undefined
  /** A connection that held for so long was a good one: the next wait is a first one. Default: 10,000. */
  readonly stableMs?: number | undefined
  /** Silence after which a connection is dead; 0: never. More than the heartbeat of the server. Default: 45,000 of a hub, else 0. */
  readonly silenceMs?: number | undefined
  /** How long the head of an answer may take. Default: 15,000. */
  readonly answerMs?: number | undefined
  /** How long the first block of a hub may take after that. Default: 5,000. */
  readonly firstBlockMs?: number | undefined
  /** The longest event, in UTF-16 units. Default: 16,777,216. */
  readonly maxEventChars?: number | undefined
  /** Whether there is no connection while the page is hidden. Default: false. */
  readonly pauseWhenHidden?: boolean | undefined

  /** Schemas by type, topic or selector: payloads are checked, and those that are refused go to `onError`. */
  readonly schemas?: PayloadSchemas | undefined
  /** Is told when the state changes. */
  readonly onState?: ((change: StateChange) => void) | undefined
  /** Is told the comments of event streams, as they come: before the events that wait to be listened to. */
  readonly onComment?: ((comment: string) => void) | undefined
  /**
   * Is told what went wrong: a payload that its schema refuses (with its event), what a handler or the storage threw, the failure that
   * ended the connection. Default: `reportError`, or the console.
   */
  readonly onError?: ((error: unknown, event?: ReceivedEvent) => void) | undefined
  /** Closes the connection. */
  readonly signal?: AbortSignal | undefined

  /** Default: those of the platform. */
  readonly fetch?: Fetch | undefined
  readonly WebSocket?: typeof WebSocket | undefined
  readonly clock?: Clock | undefined
  /** From 0 up to 1. */
  readonly random?: (() => number) | undefined
}

/** What is made of the options, but for what `connect` sees to itself. */
export interface ConnectSettings extends ReceiverSettings {
  readonly storage: CursorStore | undefined
  readonly storageKey: string
  readonly schemas: PayloadSchemas | undefined
  readonly onState: ((change: StateChange) => void) | undefined
  readonly onError: (error: unknown, event?: ReceivedEvent) => void
  readonly signal: AbortSignal | undefined
}

const longestMs = 3_600_000

/** Throws `invalid-setting`. */
export function resolveConnectOptions(given: string | URL, options: ConnectOptions): ConnectSettings {
  const { topics, since, conflate, cursor = '', storage, storageKey } = options
  const {
    headers,
    token,
    withCredentials = false,
    method,
    body,
    end,
    transports,
    schemas,
    onState,
    onComment,
    onError,
    signal,
  } = options
  const { backoffMs, maxBackoffMs, stableMs, silenceMs, answerMs, firstBlockMs, maxEventChars } = options
  const { pauseWhenHidden = false, fetch, WebSocket, clock = realClock, random = Math.random } = options
  for (const name of Object.keys(options)) if (!names.has(name)) throw invalid(name, 'is no option')
  const url = toUrl(given)
  for (const topic of topics ?? []) url.searchParams.append('topic', topic)
  if (since !== undefined) url.searchParams.set('since', since)
  if (conflate !== undefined) url.searchParams.set('conflate', String(conflate))
  const isHub = (topics ?? since ?? conflate) !== undefined
  const ways = transports ?? (isHub && body === undefined ? ['event-stream', 'long-poll'] : ['event-stream'])
  if (ways.length === 0 || ways.some(way => !(way in loaders))) {
    throw invalid('transports', 'names event-stream, long-poll and websocket, at least one of them')
  }
  return {
    url: url.href,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    ...{ body, withCredentials, cursor, end, isHub, transports: ways },
    headers: async () => {
      const [all, bearer] = await Promise.all([ask(headers), ask(token)])
      return { ...all, ...(bearer !== undefined && { Authorization: `Bearer ${bearer}` }) }
    },
    canRenew: typeof headers === 'function' || typeof token === 'function',
    isSnapshot: url.searchParams.get('since') === 'latest',
    onlyTopic: onlyTopicOf(url),
    load: name => loaders[name](),
    backoffMs: number('backoffMs', backoffMs, 1_000, 1),
    maxBackoffMs: number('maxBackoffMs', maxBackoffMs, 30_000, 1),
    stableMs: number('stableMs', stableMs, 10_000),
    silenceMs: silenceMs === undefined ? undefined : number('silenceMs', silenceMs, 0),
    answerMs: number('answerMs', answerMs, 15_000, 1),
    firstBlockMs: number('firstBlockMs', firstBlockMs, 5_000, 1),
    maxEventChars: maxEventChars ?? 16 * 1024 * 1024,
    ...{ pauseWhenHidden, clock, random, storage, schemas, onState, onComment, signal },
    life: globalThis as LifeTarget,
    storageKey: storageKey ?? `tidings:${url.href}`,
    onError: onError ?? report,
    fetch,
    WebSocket: WebSocket ?? globalThis.WebSocket,
  }
}

const loaders: Readonly<Record<TransportName, () => Transport | Promise<Transport>>> = {
  'event-stream': () => eventStream,
  'long-poll': () => longPoll,
  websocket: async () => (await import('./web-socket-transport.js')).webSocket,
}

const names = new Set(
  (
    'topics since conflate cursor storage storageKey headers token withCredentials method body end transports backoffMs maxBackoffMs stableMs ' +
    'silenceMs answerMs firstBlockMs maxEventChars pauseWhenHidden schemas onState onComment onError signal fetch WebSocket clock random'
  ).split(' '),
)

function toUrl(given: string | URL): URL {
  const { document, location } = globalThis as {
    readonly document?: { readonly baseURI?: string }
    readonly location?: { readonly href: string }
  }
  try {
    return new URL(given, document?.baseURI ?? location?.href)
  } catch (cause) {
    throw new TidingsError('invalid-setting', `${JSON.stringify(given)} is no URL, or no whole one.`, { cause })
  }
}

/** Of `topic=news` and `/events/news`. */
function onlyTopicOf(url: URL): string {
  const topics = url.searchParams.getAll('topic')
  const [topic = ''] = topics
  if (topics.length > 0) return topics.length === 1 && !topic.includes('*') ? topic : ''
  const [, path = ''] = /\/events\/(.+)$/.exec(url.pathname) ?? []
  try {
    return decodeURIComponent(path)
  } catch (error) {
    if (error instanceof URIError) return ''
    throw error
  }
}

async function ask<T>(given: Given<T> | undefined): Promise<T | undefined> {
  return typeof given === 'function' ? (given as () => T | Promise<T>)() : given
}

function number(name: string, value: number | undefined, initial: number, least = 0): number {
  if (value === undefined) return initial
  if (value >= least && value <= longestMs) return value
  throw invalid(name, `is milliseconds, from ${least} to ${longestMs}`)
}

function invalid(name: string, what: string): TidingsError {
  return new TidingsError('invalid-setting', `connect: ${name} ${what}.`)
}

function report(error: unknown): void {
  const { reportError } = globalThis as { readonly reportError?: (error: unknown) => void }
  if (reportError) reportError(error)
  else console.error('tidings:', error)
}
