import { parseSince } from '../http/since.js'
import { ndjsonEncoding } from '../http/sinks/ndjson.js'
import type { Beginning, EventObject, Hub } from '../hub/hub.js'
import type { Gap, SubscribeRequest } from '../hub/request.js'
import { checkOptions } from '../log/settings.js'
import { TidingsError } from '../wire/errors.js'
import { hubTypes } from '../wire/names.js'
import { parseSelector } from '../wire/selector.js'
import { type HubEvent, toHubEvent } from './hub-event.js'
import { HeldLines } from './sinks/held-lines.js'

/** What a subscription in process may say beside its topics. */
export interface SubscribeOptions {
  /** Where to begin: `now` (default), `earliest`, `latest`, a position, a duration back (`10m`), or an RFC 3339 time. */
  readonly since?: string | undefined
  /** The last id that was seen; wins over `since`, which then says where to go on if it is no good. */
  readonly cursor?: string | undefined
  /** 0 to 60,000: only the newest of each topic and key, at most one in so long; 0: only while the reader is slow. Default: all. */
  readonly conflateMs?: number | undefined
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined
  /** Is told that events may be missing. Default: the hub's `report` is. */
  readonly onGap?: ((gap: Gap) => void) | undefined
}

const optionNames = ['since', 'cursor', 'conflateMs', 'signal', 'onGap'] satisfies (keyof SubscribeOptions)[]

/** Throws `invalid-selector`, `invalid-parameter` or `too-many-topics` if that cannot be asked for. */
export function toSubscribeRequest(topics: readonly string[], options: SubscribeOptions): SubscribeRequest {
  checkOptions(options, 'a subscription', optionNames, 'invalid-parameter')
  const { since, cursor, conflateMs, signal, onGap } = options
  if (!Array.isArray(topics)) {
    throw new TidingsError('invalid-selector', 'What is heard is a topic or selector, or a list of them.')
  }
  if (topics.length === 0 || topics.length > 100) {
    throw new TidingsError('too-many-topics', 'A subscription has 1 to 100 topics.')
  }
  if (conflateMs !== undefined && !(Number.isInteger(conflateMs) && conflateMs >= 0 && conflateMs <= 60_000)) {
    throw new TidingsError('invalid-parameter', 'conflateMs is a whole number from 0 to 60000.')
  }
  if (cursor !== undefined && typeof cursor !== 'string') {
    throw new TidingsError('invalid-parameter', 'cursor is the id of an event; leave it out where there is none.')
  }
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw new TidingsError('invalid-parameter', 'signal is that of an AbortController.')
  }
  if (onGap !== undefined && typeof onGap !== 'function') {
    throw new TidingsError('invalid-parameter', 'onGap is a function.')
  }
  return {
    selectors: [...new Set(topics)].map(parseSelector),
    cursor,
    since: since === undefined ? undefined : parseSince(since, Date.now()),
    conflateMs,
    encoding: ndjsonEncoding,
  }
}

type Line = EventObject & { readonly type?: string }

/** Hears what `request` selects, from `first` on; whoever is cut off for being slow goes on by cursor. */
export async function* hear<Payload>(
  engine: Promise<Hub>,
  request: SubscribeRequest,
  first: Promise<Beginning>,
  { signal, onGap }: SubscribeOptions,
): AsyncGenerator<HubEvent<Payload>, void, undefined> {
  const hub = await engine
  let beginning = await first
  let { cursor } = request
  while (beginning.kind === 'open' && !signal?.aborted) {
    const sink = new HeldLines()
    const stop = (): void => sink.destroy()
    signal?.addEventListener('abort', stop, { once: true })
    const subscription = hub.attach(beginning, sink)
    try {
      for (let bytes = await sink.take(); bytes; bytes = await sink.take()) {
        for (const text of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
          .toString()
          .trimEnd()
          .split('\n')) {
          const line = JSON.parse(text) as Line
          cursor = line.id ?? cursor
          if (line.type === hubTypes.gap) onGap?.(JSON.parse(line.data))
          else if (!line.type?.startsWith('$')) yield toHubEvent<Payload>(line)
          if (sink.isCut) break
        }
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      subscription.close()
      sink.destroy()
    }
    if (!sink.isCut || signal?.aborted) return
    try {
      beginning = await hub.begin({ ...request, cursor })
    } catch (error) {
      if (error instanceof TidingsError && error.code === 'draining') return
      throw error
    }
  }
}
