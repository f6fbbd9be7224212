import { encodeBlock } from '../../wire/encode.js'
import { TidingsError } from '../../wire/errors.js'
import { toData } from '../payload.js'

/** What is sent on a stream. */
export interface StreamEvent<Data = unknown> {
  /** A text is sent as it is, any other value as JSON. At most 16 MiB; of a durable stream, `maxEventBytes` of its hub. */
  readonly data: Data
  /** A kind of event. No CR, LF or NUL; of a durable stream, as `PublishOptions.type`. Default: none. */
  readonly type?: string | undefined
  /**
   * What a client that comes back says in `Last-Event-ID`. No CR, LF or NUL. Of a durable stream, whose ids are positions, it is the
   * event's `eventId`. Default: none.
   */
  readonly id?: string | undefined
}

const maxDataBytes = 16 * 1024 * 1024

/** An event, or only its data. Throws `invalid-event` where something else was sent. */
export function toStreamEvent(event: StreamEvent | string): StreamEvent {
  if (typeof event === 'string') return { data: event }
  if (typeof event !== 'object' || event === null || event.data === undefined) {
    throw new TidingsError(
      'invalid-event',
      'Not an event: it is a text, or an object with data, such as { data, type, id }.',
    )
  }
  // Others call it so, and it would be lost without a word.
  if ('event' in event)
    throw new TidingsError('invalid-event', 'Not an event: of which kind it is, type says, not event.')
  return event
}

/** The bytes of an event. Throws `invalid-event` and `too-large`. */
export function encodeEvent(event: StreamEvent | string): Uint8Array {
  const { data, type, id } = toStreamEvent(event)
  return encode({ id, type, data: toData(data, maxDataBytes) })
}

/** The bytes of a comment. Throws `invalid-event`. */
export function encodeComment(comment: string): Uint8Array {
  return encode({ comment })
}

function encode(block: Parameters<typeof encodeBlock>[0]): Uint8Array {
  try {
    return Buffer.from(encodeBlock(block))
  } catch (error) {
    // Here it is the application that said it.
    if (error instanceof TidingsError) throw new TidingsError('invalid-event', error.message, { cause: error })
    throw error
  }
}
