import { TidingsError } from './errors.js'

/** What an event stream says beside events. */
export interface AsideBlock {
  /** How long a client waits before it comes back: an integer from 0 to 2^53 - 1. */
  readonly retry?: number | undefined
  /** For whoever looks at the bytes; clients ignore it. */
  readonly comment?: string | undefined
  readonly id?: undefined
  readonly type?: undefined
  readonly topic?: undefined
  readonly data?: undefined
}

/** An event, and what may be said with it. */
export interface EventBlock {
  readonly retry?: number | undefined
  readonly comment?: string | undefined
  /** What a client sends back to resume. Empty: the client forgets the one it had. Default: the client keeps it. */
  readonly id?: string | undefined
  /** Empty: none. Default: none, which is heard as `message`. */
  readonly type?: string | undefined
  /** A field of ours, which `EventSource` ignores. Empty: none. Default: none. */
  readonly topic?: string | undefined
  /** CR, LF and CRLF each end a line; whoever reads it gets LF for all three. */
  readonly data: string
}

const breaksLine = /[\r\n\0]/
const lineEnds = /\r\n?|\n/g

/**
 * The text of a block, its fields in one order: comment, retry, id, event, topic, data.
 *
 * With data it ends with the blank line that makes it an event. Without data it is whole lines, which hold at once, and
 * may stand alone or before a block with data, to which they then belong.
 *
 * Throws `internal` if a value would break out of its field (CR, LF or NUL in `comment`, `id`, `type` or `topic`), on a
 * `retry` that is no such integer, and on a name or id without data. What publishers send is checked where it comes in,
 * so each of these is a fault of ours, and no part of the block is written.
 */
export function encodeBlock(block: EventBlock | AsideBlock): string {
  const { comment, retry, id, type, topic, data } = block
  let text = ''
  if (comment !== undefined) text = `: ${oneLine('comment', comment)}\n`
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0) {
      throw new TidingsError('internal', `A retry is an integer from 0 to 2^53 - 1, not ${retry}.`)
    }
    text += `retry: ${retry}\n`
  }
  if (data === undefined) {
    if (id !== undefined || type || topic) {
      // Such a block is not dispatched, and Firefox forgets its id.
      throw new TidingsError('internal', 'An event stream takes an id, a type and a topic with data only.')
    }
    return text
  }
  if (id !== undefined) text += id === '' ? 'id\n' : `id: ${oneLine('id', id)}\n`
  if (type) text += `event: ${oneLine('type', type)}\n`
  if (topic) text += `topic: ${oneLine('topic', topic)}\n`
  if (data === '') return `${text}data:\n\n`
  // One space always, since a reader takes one away: a value that begins with a space keeps it.
  // The pattern takes a third to a half longer, and what has lines has them without CR nearly always.
  const lines = data.includes('\r') ? data.replace(lineEnds, '\ndata: ') : data.replaceAll('\n', '\ndata: ')
  return `${text}data: ${lines}\n\n`
}

function oneLine(field: string, value: string): string {
  if (breaksLine.test(value)) {
    throw new TidingsError('internal', `An event stream takes no CR, LF or NUL in ${field}: ${JSON.stringify(value)}.`)
  }
  return value
}
