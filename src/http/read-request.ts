import type { SubscribeRequest } from '../hub/request.js'
import { TidingsError } from '../wire/errors.js'
import { topicFault } from '../wire/names.js'
import { parseSelector, type Selector } from '../wire/selector.js'
import type { Access } from './access.js'
import { type ContentCoding, negotiateCoding } from './content-coding.js'
import { type Form, negotiate } from './negotiate.js'
import { type Parameters, parseParameters } from './parameters.js'
import type { RequestHead } from './request-head.js'
import type { HttpLimits, HttpSettings } from './settings.js'
import { parseSince } from './since.js'
import { eventStreamEncoding } from './sinks/event-stream.js'
import { gzipped } from './sinks/gzip.js'
import { ndjsonEncoding } from './sinks/ndjson.js'

/** What a GET or HEAD of events asks for: what to hear, from where on, and in which form. */
export interface ReadRequest extends SubscribeRequest {
  readonly form: Form
  /** What the answer comes in; nothing: it comes as it is. */
  readonly coding: ContentCoding | undefined
  /** Of pages only. */
  readonly limit: number
  /** Of pages only; 0: an empty page is answered at once. */
  readonly waitMs: number
}

/** What of a head says what is asked for. */
export type AskedHead = Pick<RequestHead, 'headers' | 'query' | 'caller' | 'lastEventId'>

/** Who says which topics a caller hears. */
export type Readers = Pick<Access, 'defaultSelectors' | 'requireReader'>

/** What of the settings a request is read by. */
export type ReadSettings = Pick<HttpSettings, 'compression'> & {
  readonly limits: Pick<HttpLimits, 'maxSelectors'>
}

export const maxConflateMs = 60_000
const maxWaitSeconds = 60
const maxPageEvents = 1000
const defaultPageEvents = 100

const always = ['since', 'lastEventId', 'conflate', 'envelope']
const ofPages = ['wait', 'limit']

/**
 * Reads and admits the request. `topic` is the path's; nothing on `/events`, where any number of `topic` parameters says it.
 * `conflate` and `envelope` say nothing of a page, which takes them all the same.
 *
 * Throws the 4xx that the contract has for each mistake.
 */
export function readReadRequest(
  head: AskedHead,
  topic: string | undefined,
  access: Readers,
  settings: ReadSettings,
): ReadRequest {
  const form = negotiate(head.headers.accept)
  const isPage = form === 'application/json'
  const parameters = parseParameters(head.query, {
    names: [...(topic === undefined ? ['topic'] : []), ...always, ...(isPage ? ofPages : [])],
    repeated: ['topic'],
    elsewhere: { names: ofPages, hint: 'is for pages; ask for one with "Accept: application/json".' },
  })
  const selectors = readSelectors(head, topic, parameters, access, settings.limits)
  const cursor = head.lastEventId ?? (parameters.one('lastEventId') || undefined)
  const since = parameters.one('since')
  const showsTopic = selectors.length > 1 || selectors[0]?.glob !== undefined
  const coding = settings.compression === 'off' ? undefined : negotiateCoding(head.headers['accept-encoding'])
  const encoding =
    form === 'application/x-ndjson'
      ? ndjsonEncoding
      : eventStreamEncoding({ showsTopic, isEnvelope: parameters.flag('envelope') })
  return {
    form,
    coding,
    selectors,
    cursor,
    since: since === undefined ? undefined : parseSince(since, Date.now()),
    conflateMs: parameters.wholeNumber('conflate', 0, maxConflateMs),
    encoding: coding ? gzipped(encoding) : encoding,
    limit: (isPage ? parameters.wholeNumber('limit', 1, maxPageEvents) : undefined) ?? defaultPageEvents,
    waitMs: ((isPage ? parameters.wholeNumber('wait', 0, maxWaitSeconds) : undefined) ?? 0) * 1000,
  }
}

function readSelectors(
  { caller }: AskedHead,
  topic: string | undefined,
  parameters: Parameters,
  access: Readers,
  limits: Pick<HttpLimits, 'maxSelectors'>,
): readonly Selector[] {
  const texts = topic === undefined ? parameters.all('topic') : [exactTopic(topic)]
  if (texts.length === 0) return access.defaultSelectors(caller)
  if (texts.length > limits.maxSelectors) {
    throw new TidingsError('too-many-topics', `A subscription has at most ${limits.maxSelectors} topics.`)
  }
  const selectors = [...new Set(texts)].map(parseSelector)
  access.requireReader(caller, selectors)
  return selectors
}

/** Throws `invalid-topic` unless `topic` is one; those of the hub may be heard, though not published to. */
export function exactTopic(topic: string): string {
  const fault = topicFault(topic)
  if (fault) throw new TidingsError('invalid-topic', `Not a topic: ${fault}.`)
  if (!topic.includes('*')) return topic
  throw new TidingsError('invalid-topic', 'A topic has no "*"; to hear several, ask for /events?topic=SELECTOR.')
}
