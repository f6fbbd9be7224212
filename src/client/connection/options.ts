import { TidingsError } from '../../wire/errors.js'
import { type Given, toHeaders } from '../given.js'
import type { Fetch } from '../request.js'
import type { ShareOptions } from '../sharing/platform.js'
import type { SeatSettings } from '../sharing/seat.js'
import { toUrl } from '../to-url.js'
import { type Clock, realClock } from './clock.js'
import type { CursorStore } from './cursor-store.js'
import { eventStream } from './event-stream-transport.js'
import { longPoll } from './long-poll-transport.js'
import { toMatch } from './match.js'
import type { LifeTarget } from './page-life.js'
import type { ReceivedEvent } from './received-event.js'
import type { StateChange } from './receiver.js'
import type { NamedSchema, PayloadSchemas } from './schemas.js'
import type { Transport, TransportLoader, TransportName, WebSocketClass } from './transport.js'

/** How to connect. All may be left out. */
export interface ConnectOptions {
  /** A topic or selector of a hub, or up to 100 of them. Default: what the URL says. */
  readonly topics?: string | readonly string[] | undefined
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
   * `conflate`, which only a hub understands; else `['event-stream']`.
   */
  readonly transports?: readonly TransportName[] | undefined
  /**
   * Whether the tabs of an origin that ask the same hub have one connection together. Each hears its own topics, from its own cursor. Only
   * for the tabs of one user, and `name` says which: all hear by the token of one. Not with another method than `GET`, a body, or `end`.
   * Default: false.
   */
  readonly share?: boolean | ShareOptions | undefined
  /** The bound of the chance in the first wait, which doubles with each failure. 1 to 3,600,000, as all times. Default: 1,000. */
  readonly backoffMs?: number | undefined
  /** Up to this. Default: 30,000. */
  readonly maxBackoffMs?: number | undefined
  /** A connection that held for so long was a good one: the next wait is a first one. Default: 10,000. */
  readonly stableMs?: number | undefined
  /** Silence after which a connection is dead; 0: never. More than the heartbeat of the server. Default: 45,000 of a hub, else 0. */
  readonly silenceMs?: number | undefined
  /** How long the head of an answer may take, with the headers and the token that are asked for before. Default: 15,000. */
  readonly answerMs?: number | undefined
  /** How long the first block of a hub may take after that. Default: 5,000. */
  readonly firstBlockMs?: number | undefined
  /** The longest event of an event stream, in UTF-16 units; that of pages and of a WebSocket is the hub's own. Default: 16,777,216. */
  readonly maxEventChars?: number | undefined
  /** Whether there is no connection while the page is hidden. Default: false. */
  readonly pauseWhenHidden?: boolean | undefined

  /** Schemas by type, topic or selector: payloads are checked, and those that are refused go to `onError`. */
  readonly schemas?: PayloadSchemas | undefined
  /** Is told when the state changes. */
  readonly onState?: ((change: StateChange) => void) | undefined
  /** Is told the comments of event streams, in their place among the events. */
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
  /** One that is given takes headers and token, as `{ headers }` behind the URL; that of the platform is given neither. */
  readonly WebSocket?: WebSocketClass | undefined
  readonly clock?: Clock | undefined
  /** From 0 up to 1. */
  readonly random?: (() => number) | undefined
}

/** What is made of the options, but for what `connect` sees to itself. */
export interface ConnectSettings extends SeatSettings {
  readonly storage?: CursorStore | undefined
  readonly storageKey?: string | undefined
  readonly schemas: readonly NamedSchema[] | undefined
  readonly onState?: ((change: StateChange) => void) | undefined
  readonly onComment?: ((comment: string) => void) | undefined
  readonly onError: (error: unknown, event?: ReceivedEvent) => void
  readonly signal?: AbortSignal | undefined
}

const longestMs = 3_600_000
/** Each time by default, and from 1 up; the one that has none of its own may be 0. */
const times = {
  backoffMs: 1_000,
  maxBackoffMs: 30_000,
  stableMs: 10_000,
  silenceMs: undefined,
  answerMs: 15_000,
  firstBlockMs: 5_000,
} as const

/** What is taken as it is. */
const passedOn =
  'share body storage storageKey withCredentials end fetch WebSocket onState onComment signal pauseWhenHidden maxEventChars'.split(
    ' ',
  )

/** Throws `invalid-setting` (a URL that no `fetch` of the platform takes too), `invalid-selector` for a name of schemas, and `TypeError` for what is no URL. */
export function resolveConnectOptions(given: string | URL, options: ConnectOptions): ConnectSettings {
  const {
    topics = [],
    since,
    conflate,
    headers,
    token,
    schemas,
    method,
    transports,
    cursor = '',
    clock = realClock,
    random = Math.random,
    onError = report,
    ...plain
  } = options
  const chosen = {} as Record<keyof typeof times, number>
  for (const name in plain) if (!(name in times || passedOn.includes(name))) throw invalid(name, 'is no option')
  for (const [name, initial] of Object.entries(times)) {
    const ms = plain[name as keyof typeof times] ?? (initial as number)
    const least = initial ? 1 : 0
    if (ms !== undefined && !(ms >= least && ms <= longestMs)) throw invalid(name, `is ${least} to ${longestMs} ms`)
    chosen[name as keyof typeof times] = ms
  }
  const url = toUrl(given)
  if (!plain.fetch && !/^(http|ws)/.test(url.href)) throw invalid('url', 'begins with http')
  const { searchParams } = url
  for (const topic of [topics].flat()) searchParams.append('topic', topic)
  for (const [name, value] of Object.entries({ since, conflate })) {
    if (value !== undefined) searchParams.set(name, `${value}`)
  }
  const isHub = (topics[0] ?? since ?? conflate) !== undefined
  const ways = transports ?? ['event-stream', ...(isHub ? (['long-poll'] as const) : [])]
  if (!ways[0] || !ways.every(way => way in loaders)) throw invalid('transports', `are ${Object.keys(loaders)}`)
  return {
    ...plain,
    ...chosen,
    ...{ cursor, clock, random, onError, isHub, transports: plain.share ? (['shared', ...ways] as const) : ways },
    url: url.href,
    method: method ?? (plain.body === undefined ? undefined : 'POST'),
    headers: () => toHeaders(headers, token),
    canRenew: [headers, token].some(given => typeof given === 'function'),
    isSnapshot: searchParams.get('since') === 'latest',
    onlyTopic: onlyTopicOf(url),
    loaders,
    life: globalThis as LifeTarget,
    schemas: schemas && Object.entries(schemas).map(([name, schema]) => [name, schema, toMatch(name)] as const),
  }
}

const loaders: Readonly<Record<TransportName, TransportLoader>> = {
  'event-stream': () => eventStream,
  'long-poll': () => longPoll,
  websocket: () => import('./web-socket-transport.js').then(({ webSocket }) => webSocket, toAbsent),
}

/** In the place of a transport whose script is not to be had, as of a page that is older than a deployment: another way is taken. */
export const toAbsent =
  (cause: unknown): Transport =>
  async () => ({ kind: 'cut', isShut: true, why: 'The script of this way was not loaded.', cause })

/** Of `topic=news` and `/events/news`. A hub says the topics of events itself, unless one is all that it was asked for. */
function onlyTopicOf({ searchParams, pathname }: URL): string {
  try {
    return searchParams.get('topic') ?? decodeURIComponent(/\/events\/(.+)$/.exec(pathname)?.[1] ?? '')
  } catch {
    // An escape that is none: no hub will take it for a topic.
    return ''
  }
}

function invalid(name: string, what: string): TidingsError {
  return new TidingsError('invalid-setting', `${name} ${what}.`)
}

function report(error: unknown): void {
  const { reportError = console.error } = globalThis as { readonly reportError?: (error: unknown) => void }
  reportError(error)
}
