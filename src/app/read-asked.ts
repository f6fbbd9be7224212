import { type ReadRequest, readReadRequest } from '../http/read-request.js'
import { parseSince } from '../http/since.js'
import { decodeUtf8 } from '../http/utf8.js'
import { TidingsError } from '../wire/errors.js'
import { parseSelector } from '../wire/selector.js'
import { checkTopicCount, type HandlerOptions, maxTopics } from './handler-options.js'

/** What a request says about reading, wherever it came by. */
export interface Asked {
  readonly accept: string | undefined
  readonly acceptEncoding: string | undefined
  /** As Node.js and `Headers` give it: a byte a character. */
  readonly lastEventId: string | undefined
  /** Without the question mark. */
  readonly query: string
}

/** Those of the interface that a route of an application takes too; all others are the application's. */
const ours = new Set(['since', 'lastEventId', 'conflate', 'envelope', 'limit', 'wait'])

/** Reads what is asked for of `topics`. Throws the 4xx that the interface has for each mistake, and `not-allowed` without a topic. */
export function readAsked(asked: Asked, topics: readonly string[], options: HandlerOptions<never>): ReadRequest {
  if (topics.length === 0) throw new TidingsError('not-allowed', 'There is no topic here that you may read.')
  checkTopicCount(topics)
  const selectors = [...new Set(topics)].map(parseSelector)
  const lastEventId = asked.lastEventId
    ? decodeUtf8(Buffer.from(asked.lastEventId, 'latin1'), 'the header Last-Event-ID')
    : undefined
  const request = readReadRequest(
    {
      headers: {
        ...(asked.accept !== undefined && { accept: asked.accept }),
        ...(asked.acceptEncoding !== undefined && { 'accept-encoding': asked.acceptEncoding }),
      },
      query: asked.query
        .split('&')
        .filter(piece => ours.has(piece.split('=', 1)[0] ?? ''))
        .join('&'),
      lastEventId,
      caller: { kind: 'direct', origin: undefined },
    },
    undefined,
    { defaultSelectors: () => selectors, requireReader: () => undefined },
    { limits: { maxSelectors: maxTopics }, compression: options.compression ?? 'off' },
  )
  const since =
    options.since !== undefined && request.form !== 'application/json'
      ? parseSince(options.since, Date.now())
      : undefined
  return { ...request, since: request.since ?? since, conflateMs: request.conflateMs ?? options.conflateMs }
}
