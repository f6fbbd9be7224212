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
 * The first lines of a block are concatenated as they come, which is quicker by a tenth to a fifth (nine lines of 26
 * characters, Node.js 20) than joining them at its end; the others are joined, since a concatenation holds some 64 bytes.
 */
const concatenatedLines = 64

const digits = /^[0-9]+$/

/**
 * Neither holds anything back from one call to the next: they are given whole lines, and CR and LF are no part of another
 * character, nor swallowed by a broken one. The first BOM of the stream is taken away by the parser, the others are text.
 *
 * Two, because Node.js decodes in two ways, and takes the other one from the first call with `stream` on. The first does ASCII
 * at 0.1 to 0.3 ns a byte and Korean at 5; the second ASCII at 1.2 and Korean at 2.5. (Node.js 20. To browsers they are the same.)
 */
const asciiDecoder = new TextDecoder('utf-8', { ignoreBOM: true })
const wideDecoder = new TextDecoder('utf-8', { ignoreBOM: true })
const streaming: TextDecodeOptions = { stream: true }

/** So many pushes of nothing but ASCII, one after another, and the next is taken for ASCII too. */
const asciiAgain = 4

/** From so many bytes on it costs less to look for other than ASCII at some places than to have taken the wrong decoder. */
const sampledBytes = 1024

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
  let dataLines = 0
  let moreData: string[] = []
  let type = ''
  let topic = ''
  let id = options.lastEventId ?? ''
  let lastEventId = id
  let dataChars = 0

  let atStart = true
  /** The last push ended with CR, and its line is read: an LF that comes first now ended the same line. */
  let afterCr = false
  let pushing = false
  let closed = false
  /** The bytes of the line that has not ended. */
  let held = new Uint8Array(0)
  let heldBytes = 0
  /** How many pushes of nothing but ASCII make the other decoder due; 0: it is in use. */
  let untilAscii = 0

  function push(given: Uint8Array): void {
    if (closed || given.length === 0) return
    if (pushing) {
      throw new TidingsError('internal', 'An event-stream parser was used after it failed, or from inside its handler.')
    }
    pushing = true
    const bytes = afterCr && given[0] === LF ? given.subarray(1) : given
    const { length } = bytes
    const to = afterLastLine(bytes)
    afterCr = to > 0 && to === length && bytes[to - 1] === CR
    if (heldBytes === 0 && to === length) takeLines(bytes)
    else if (length <= copiedBytes) {
      hold(bytes)
      if (to > 0) takeHeld(heldBytes - length + to)
    } else {
      let from = 0
      if (heldBytes > 0 && to > 0) {
        from = bytes.indexOf(LF) + 1 || to
        hold(bytes.subarray(0, from))
        takeHeld(heldBytes)
      }
      takeLines(bytes.subarray(from, to))
      if (to < length && !closed) hold(bytes.subarray(to))
    }
    // A character is at most three bytes a unit, so this line can only end too long. (3: a BOM counts for nothing.)
    if (heldBytes > (maxChars - dataChars) * 3 + 3) throw tooLong()
    pushing = false
  }

  /** Adds to what is held. */
  function hold(bytes: Uint8Array): void {
    const { length } = bytes
    const total = heldBytes + length
    if (total > held.length) {
      const wider = new Uint8Array(Math.max(256, total + (total >> 1)))
      wider.set(held.subarray(0, heldBytes))
      held = wider
    }
    if (length <= loopedBytes) for (let i = 0; i < length; i++) held[heldBytes + i] = bytes[i] as number
    else held.set(bytes, heldBytes)
    heldBytes = total
  }

  /** Takes the lines that end with the first `to` bytes of what is held, and holds the rest. */
  function takeHeld(to: number): void {
    takeLines(held.subarray(0, to))
    if (closed) return
    held.copyWithin(0, to, heldBytes)
    heldBytes -= to
    if (heldBytes === 0 && held.length > keptBufferBytes) held = new Uint8Array(0)
  }

  function decode(lines: Uint8Array): string {
    if (untilAscii === 0 && lines.length >= sampledBytes && looksWide(lines)) untilAscii = asciiAgain
    const text = untilAscii === 0 ? asciiDecoder.decode(lines) : wideDecoder.decode(lines, streaming)
    if (text.length < lines.length) untilAscii = asciiAgain
    else if (untilAscii > 0) untilAscii--
    return text
  }

  /**
   * `lines` end where a line ends. What most lines are is written out here: with a function for each, the compiler leaves calls, and it takes a
   * tenth (events of 100 bytes) to a third (20 lines each) longer.
   */
  function takeLines(lines: Uint8Array): void {
    if (lines.length === 0 || closed) return
    const text = decode(lines)
    let at = atStart && text.charCodeAt(0) === BOM ? 1 : 0
    atStart = false
    // The next of each, searched again only when it is passed, so that what is searched twice is bounded.
    let lf = -1
    let cr = -1
    while (at < text.length && !closed) {
      if (lf < at) lf = indexOrEnd(text, '\n', at)
      if (cr < at) cr = indexOrEnd(text, '\r', at)
      const end = Math.min(lf, cr)
      const next = lf === end + 1 ? end + 2 : end + 1
      if (end === at) {
        dispatch()
        at = next
        continue
      }
      if (end - at > maxChars - dataChars) throw tooLong()
      // A name cannot match beyond its line, since it holds no line end; nor can the colon and the space be beyond it.
      const first = text.charCodeAt(at)
      if (
        first === D &&
        text.charCodeAt(at + 1) === A &&
        text.charCodeAt(at + 2) === T &&
        text.charCodeAt(at + 3) === A &&
        text.charCodeAt(at + 4) === COLON
      ) {
        const value = text.substring(text.charCodeAt(at + 5) === SPACE ? at + 6 : at + 5, end)
        if (data === undefined && text.charCodeAt(next) === LF) {
          // A block with one line of data: most are, and need not be gathered.
          const event = { type: type === '' ? 'message' : type, data: value, id, topic }
          lastEventId = id
          type = ''
          topic = ''
          onEvent(event)
          at = next + 1
          continue
        }
        if (data === undefined) data = value
        else if (dataLines < concatenatedLines) data += `\n${value}`
        else moreData.push(value)
        dataLines++
        dataChars += end - at
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
        if (!value.includes('\0')) id = value
      } else if (first !== COLON || onComment) {
        takeField(text.substring(at, end))
      }
      at = next
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
        else if (dataLines < concatenatedLines) data += '\n'
        else moreData.push('')
        dataLines++
        dataChars += line.length
        return
      case 'event':
        type = ''
        return
      case 'id':
        id = ''
    }
  }

  /** A blank line. */
  function dispatch(): void {
    if (data === undefined) {
      lastEventId = id
      type = ''
      topic = ''
      return
    }
    const event = {
      type: type === '' ? 'message' : type,
      data: moreData.length === 0 ? data : `${data}\n${moreData.join('\n')}`,
      id,
      topic,
    }
    lastEventId = id
    data = undefined
    dataLines = 0
    if (moreData.length > 0) moreData = []
    dataChars = 0
    type = ''
    topic = ''
    onEvent(event)
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

/** Whether there is anything but ASCII at some places of `bytes`. */
function looksWide(bytes: Uint8Array): boolean {
  const step = bytes.length >> 5
  for (let i = 0; i < bytes.length; i += step) if ((bytes[i] as number) > 0x7f) return true
  return false
}

function indexOrEnd(text: string, found: string, from: number): number {
  const index = text.indexOf(found, from)
  return index < 0 ? text.length : index
}

/** Where what follows the last line end of `bytes` begins; 0 if they end no line. */
function afterLastLine(bytes: Uint8Array): number {
  const last = bytes[bytes.length - 1]
  if (last === LF || last === CR) return bytes.length
  const near = Math.max(0, bytes.length - nearEndBytes)
  for (let i = bytes.length - 2; i >= near; i--) if (bytes[i] === LF || bytes[i] === CR) return i + 1
  if (near === 0) return 0
  const afterLf = bytes.lastIndexOf(LF, near) + 1
  // A CR matters only after the last LF; in most streams that is a short stretch.
  const cr = bytes.indexOf(CR, afterLf)
  return cr < 0 ? afterLf : bytes.lastIndexOf(CR, near) + 1
}
