import { decode } from '#decode'
import { TidingsError } from './errors.js'

/** An event as it came over an event stream. */
export interface ParsedEvent {
  /** `message` if the block named none. */
  readonly type: string
  /** Lines joined by LF. */
  readonly data: string
  /** The last id of the stream so far, of this block or an earlier one. Empty: none. */
  readonly id: string
  /** The field of ours that `EventSource` ignores. Empty: the block named none. */
  readonly topic: string
}

export interface ParserOptions {
  readonly onEvent: (event: ParsedEvent) => void
  /** At most 2^53 - 1; longer times are told as that. */
  readonly onRetry?: ((ms: number) => void) | undefined
  /** Without the colon, and without one space after it. */
  readonly onComment?: ((text: string) => void) | undefined
  /** The id that events carry until the stream gives one: the last one of the stream before it. Default: empty. */
  readonly lastEventId?: string | undefined
  /**
   * The longest block in UTF-16 units: its `data` lines, and the line at hand. A block of no more bytes than this is
   * never too long; the buffer of a line that has not ended is below five bytes a unit. Default: 16,777,216.
   */
  readonly maxChars?: number | undefined
}

/** Reads one event stream. Another stream, also the next one of the same client, takes another parser. */
export interface Parser {
  /**
   * Takes the next bytes, cut anywhere, and calls the handlers for what is complete with them; keeps no reference to them.
   * An error thrown by a handler comes out here, as does `too-large` for a block beyond `maxChars`; whatever comes out,
   * the parser is of no use after it, and says so (`internal`), as it does if it is called from inside a handler.
   */
  push(bytes: Uint8Array): void
  /**
   * The stream has ended, or is not wanted any more: an unfinished block is dropped, and no handler is called again, also
   * not for what is left of the bytes at hand. Pushing more does nothing. Idempotent.
   */
  close(): void
  /** What a client sends to resume: the id as of the last blank line. */
  readonly lastEventId: string
}

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const BOM = 0xfeff
const A = 0x61
const D = 0x64
const E = 0x65
const I = 0x69
const N = 0x6e
const T = 0x74
const V = 0x76

const defaultMaxChars = 16 * 1024 * 1024
/** A line buffer that grew beyond this is given back when its line is read. To make one anew takes as long as to read what is in it. */
const keptBufferBytes = 256 * 1024

/**
 * The first lines of a block, up to so many characters, are concatenated as they come, which is quicker by a tenth to a fifth (nine lines
 * of 26 characters, Node.js 20) than joining them at its end; the others are joined, since a concatenation holds some 64 bytes.
 */
const concatenatedChars = 4096

const digits = /^[0-9]+$/

/** Up to so many bytes of a push, to copy all of them to what is held costs less than a view of some. */
const copiedBytes = 1024

/** Up to so many bytes, a loop copies them sooner than a call. */
const loopedBytes = 24

/** Bytes of a push that are looked at one by one, from its end, for a line end: below what a search costs to begin. */
const nearEndBytes = 64

/**
 * The interpretation of an event stream to the letter of the WHATWG HTML standard, section 9.2.6, as it comes.
 *
 * Every byte is searched, copied and decoded a bounded number of times, however the stream is cut. All lines that are
 * complete with a push are decoded in one call; strings given to handlers may be slices of that text, and hold it.
 */
export function createParser(options: ParserOptions): Parser {
  const { onEvent, onRetry, onComment, maxChars = defaultMaxChars } = options

  // "When a stream is parsed, a data buffer, an event type buffer, and a last event ID buffer must be associated with it."
  let data: string | undefined
  let moreData: string[] = []
  let type = ''
  let topic = ''
  let id = options.lastEventId ?? ''
  let lastEventId = id
  /** How long the next line may be. */
  let room = maxChars
  const roomToJoin = maxChars - concatenatedChars

  let atStart = true
  /** The last push ended with CR, and its line is read: an LF that comes first now ended the same line. */
  let afterCr = false
  let pushing = false
  let closed = false
  /** The bytes of the line that has not ended. */
  let held = new Uint8Array(0)
  let heldBytes = 0

  function push(bytes: Uint8Array): void {
    const { length } = bytes
    if (closed || length === 0) return
    if (pushing) {
      throw new TidingsError('internal', 'An event-stream parser was used after it failed, or from inside its handler.')
    }
    pushing = true
    let from = afterCr && bytes[0] === LF ? 1 : 0
    const last = bytes[length - 1]
    afterCr = last === CR
    const to = afterCr || last === LF ? length : afterLastLine(bytes)
    if (from < to) {
      if (heldBytes > 0) {
        const end = length <= copiedBytes ? to : bytes.indexOf(LF, from) + 1 || to
        hold(bytes, from, end)
        takeLines(held, 0, heldBytes)
        heldBytes = 0
        if (held.length > keptBufferBytes) held = new Uint8Array(0)
        from = end
      }
      if (from < to) takeLines(bytes, from, to)
      from = to
    }
    if (from < length && !closed) {
      hold(bytes, from, length)
      // A character is at most three bytes a unit, so this line can only end too long. (3: a BOM counts for nothing.)
      if (heldBytes > room * 3 + 3) throw tooLong()
    }
    pushing = false
  }

  /** Adds to what is held. */
  function hold(bytes: Uint8Array, from: number, to: number): void {
    const total = heldBytes + to - from
    if (total > held.length) {
      const wider = new Uint8Array(Math.max(256, total + (total >> 1)))
      wider.set(held.subarray(0, heldBytes))
      held = wider
    }
    if (to - from > loopedBytes) held.set(bytes.subarray(from, to), heldBytes)
    else for (let i = from, at = heldBytes; i < to; ) held[at++] = bytes[i++] as number
    heldBytes = total
  }

  /**
   * The bytes from `from` to `to` end where a line ends. What most lines are is written out here: with a function for each, the compiler leaves
   * calls, and it takes a tenth (events of 100 bytes) to a third (20 lines each) longer.
   */
  function takeLines(bytes: Uint8Array, from: number, to: number): void {
    if (closed) return
    const text = decode(bytes, from, to)
    let at = atStart && text.charCodeAt(0) === BOM ? 1 : 0
    atStart = false
    // The next of each, searched again only when it is passed, so that what is searched twice is bounded.
    let lf = -1
    let cr = -1
    let nul = -1
    const isAscii = text.length === to - from
    while (at < text.length) {
      if (lf < at) lf = indexOrEnd(text, '\n', at)
      let end = lf
      let next = lf + 1
      if (cr < lf) {
        if (cr < at) cr = indexOrEnd(text, '\r', at)
        if (cr < lf) {
          end = cr
          if (cr + 1 < lf) next = cr + 1
        }
      }
      let ended = false
      /** The data of the block that has ended. */
      let whole: string | undefined
      // A name cannot match beyond its line, since it holds no line end; nor can the colon and the space be beyond it.
      const first = text.charCodeAt(at)
      if (end - at > room) throw tooLong()
      if (end === at) {
        ended = true
        if (data !== undefined) {
          whole = moreData.length === 0 ? data : `${data}\n${moreData.join('\n')}`
          data = undefined
          if (moreData.length > 0) moreData = []
          room = maxChars
        }
      } else if (
        first === D &&
        text.charCodeAt(at + 1) === A &&
        text.charCodeAt(at + 2) === T &&
        text.charCodeAt(at + 3) === A &&
        text.charCodeAt(at + 4) === COLON
      ) {
        const value = text.substring(text.charCodeAt(at + 5) === SPACE ? at + 6 : at + 5, end)
        if (data === undefined && next < text.length && text.charCodeAt(next) === LF) {
          // A block with one line of data: most are, and need not be gathered. (One look beyond the text, and V8 reads all of it slowly.)
          whole = value
          ended = true
          next++
        } else {
          if (data === undefined) data = value
          else if (room > roomToJoin) data += `\n${value}`
          else moreData.push(value)
          room -= end - at
        }
      } else if (
        first === E &&
        text.charCodeAt(at + 1) === V &&
        text.charCodeAt(at + 2) === E &&
        text.charCodeAt(at + 3) === N &&
        text.charCodeAt(at + 4) === T &&
        text.charCodeAt(at + 5) === COLON
      ) {
        type = text.substring(text.charCodeAt(at + 6) === SPACE ? at + 7 : at + 6, end)
      } else if (first === I && text.charCodeAt(at + 1) === D && text.charCodeAt(at + 2) === COLON) {
        const value = text.substring(text.charCodeAt(at + 3) === SPACE ? at + 4 : at + 3, end)
        // "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
        // Of a text of ASCII all is searched, once; in another one, half of each character of ASCII is a zero, at which V8 stops.
        if (nul < at) nul = isAscii ? indexOrEnd(text, '\0', at) : value.includes('\0') ? at : end
        if (nul >= end) id = value
      } else if (first !== COLON || onComment) {
        takeField(text.substring(at, end))
        if (closed) return
      }
      at = next
      if (ended) {
        const given = type || 'message'
        const about = topic
        lastEventId = id
        type = ''
        topic = ''
        if (whole !== undefined) {
          onEvent({ type: given, data: whole, id, topic: about })
          if (closed) return
        }
      }
    }
  }

  /** A comment, a rarer field, or a name without a colon: data, type and id are empty then. */
  function takeField(line: string): void {
    const colon = indexOrEnd(line, ':', 0)
    const value = line.substring(line.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1)
    switch (line.substring(0, colon)) {
      case '':
        onComment?.(value)
        return
      case 'topic':
        topic = value
        return
      case 'retry':
        if (digits.test(value)) onRetry?.(Math.min(Number(value), Number.MAX_SAFE_INTEGER))
        return
      case 'data':
        if (data === undefined) data = ''
        else if (room > roomToJoin) data += '\n'
        else moreData.push('')
        room -= line.length
        return
      case 'event':
        type = ''
        return
      case 'id':
        id = ''
    }
  }

  function tooLong(): TidingsError {
    return new TidingsError('too-large', `A block of the event stream is longer than ${maxChars} characters.`)
  }

  return {
    push,
    close() {
      closed = true
      data = undefined
      moreData = []
      held = new Uint8Array(0)
      heldBytes = 0
    },
    get lastEventId() {
      return lastEventId
    },
  }
}

function indexOrEnd(text: string, found: string, from: number): number {
  const index = text.indexOf(found, from)
  return index < 0 ? text.length : index
}

/** Where what follows the last line end of `bytes` begins, if it is not at their end; 0 if they end no line. */
function afterLastLine(bytes: Uint8Array): number {
  const near = Math.max(0, bytes.length - nearEndBytes)
  for (let i = bytes.length - 2; i >= near; i--) if (bytes[i] === LF || bytes[i] === CR) return i + 1
  if (near === 0) return 0
  const afterLf = bytes.lastIndexOf(LF, near) + 1
  // A CR matters only after the last LF; in most streams that is a short stretch.
  const cr = bytes.indexOf(CR, afterLf)
  return cr < 0 ? afterLf : bytes.lastIndexOf(CR, near) + 1
}
