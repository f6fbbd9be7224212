import type { Hub } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import { type Answer, jsonAnswer } from './answer.js'
import type { Body } from './body.js'
import { checkNames, type NewEvent, readEventObjects } from './event-object.js'
import { checkIdempotencyKey, digestOf, onceOnly } from './idempotency.js'
import { mediaTypeOf } from './media-type.js'
import { parseParameters } from './parameters.js'
import { publishLines } from './publish-ndjson.js'
import { overloaded, type Publisher, requestCost } from './publisher.js'
import type { RequestHead } from './request-head.js'
import { decodeUtf8, withoutMark } from './utf8.js'

const textTypes = /^text\/|^application\/(?:json|x-www-form-urlencoded)$/

/** `POST /events/{topic}`: the body, as it is, is the data of one event. */
export async function publishText(
  publisher: Publisher,
  head: RequestHead,
  topic: string,
  body: () => Body,
): Promise<Answer> {
  const mediaType = mediaTypeOf(head.headers)
  // curl -d sends text as a form; what it holds is not looked into.
  if (mediaType !== undefined && !textTypes.test(mediaType)) {
    throw new TidingsError(
      'unsupported-media-type',
      'The body is the data of the event: send text/plain (or another text/*), application/json, or no Content-Type.',
    )
  }
  const parameters = parseParameters(head.query, { names: ['type', 'key', 'eventId', 'end'] })
  const idempotencyKey = checkIdempotencyKey(head.headers['idempotency-key'])
  const type = parameters.one('type')
  const key = parameters.one('key')
  const eventId = parameters.one('eventId')
  const end = parameters.flag('end')
  const { limits } = publisher
  // Before the body is read: what is wrong without it need not be sent.
  checkNames({ topic, type, key, eventId })
  return withWholeBody(publisher, head, body, limits.maxEventBytes, async bytes => {
    // What decodes is well-formed, and its size is that of the body.
    const event = { topic, data: decodeUtf8(bytes, 'the body'), type, key, eventId, end }
    const ids = await publisher.hub.publish([
      idempotencyKey === undefined
        ? event
        : onceOnly(
            event,
            idempotencyKey,
            0,
            digestOf('text', JSON.stringify({ topic, type, key, eventId, end }), bytes),
          ),
    ])
    return jsonAnswer({ id: ids[0] })
  })
}

/** `POST /events`: event objects, as JSON or a line each. */
export async function publishObjects(publisher: Publisher, head: RequestHead, body: () => Body): Promise<Answer> {
  const type = mediaTypeOf(head.headers)
  const isLines = type === 'application/x-ndjson'
  if (type !== 'application/json' && !isLines) {
    throw new TidingsError(
      'unsupported-media-type',
      'Send Content-Type: application/json (an event or an array of them) or application/x-ndjson (an event a line); or POST the data alone to /events/{topic}.',
    )
  }
  parseParameters(head.query, { names: [] })
  const key = checkIdempotencyKey(head.headers['idempotency-key'])
  if (isLines) return publishLines(publisher, body(), key)
  const { limits } = publisher
  return withWholeBody(publisher, head, body, limits.maxBodyBytes, async bytes => {
    const { events, isArray } = readEventObjects(withoutMark(decodeUtf8(bytes, 'the body')), limits)
    const ids = await append(publisher.hub, events, key, () => digestOf('json', bytes))
    return jsonAnswer(isArray ? { ids } : { id: ids[0] })
  })
}

async function append(
  hub: Hub,
  events: readonly NewEvent[],
  key: string | undefined,
  toDigest: () => string,
): Promise<readonly string[]> {
  if (events.length === 0) return []
  if (key === undefined) return hub.publish(events)
  const digest = toDigest()
  return hub.publish(events.map((event, i) => onceOnly(event, key, i, digest)))
}

/**
 * Reads a body whole, and keeps its size counted until `use` is done. Throws `too-large` above `maxBytes`, at once where the
 * length is announced, and `overloaded` when too much is being published at the same time.
 */
async function withWholeBody(
  { limits, inFlight }: Publisher,
  head: RequestHead,
  open: () => Body,
  maxBytes: number,
  use: (bytes: Uint8Array) => Promise<Answer>,
): Promise<Answer> {
  if (Number(head.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  // More than its bytes: what is held for a request counts too, so that very many empty ones are bounded as well.
  if (!inFlight.take(requestCost)) throw overloaded()
  let size = 0
  const take = (length: number): TidingsError | undefined => {
    if (size + length > maxBytes) return tooLarge(maxBytes)
    if (!inFlight.take(length)) return overloaded()
    size += length
    return undefined
  }
  try {
    const body = open()
    let bytes = await body.inHand()
    const refusal = bytes && take(bytes.length)
    if (refusal) throw refusal
    bytes ??= await body.whole(limits.bodyTimeoutMs, take)
    return await use(bytes)
  } finally {
    inFlight.give(requestCost + size)
  }
}

function tooLarge(maxBytes: number): TidingsError {
  return new TidingsError('too-large', `The body has at most ${maxBytes} bytes here.`)
}
