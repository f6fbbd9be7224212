import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cutEvery, readChunks } from '../../test/conformance/wire/reading.js'
import { decode as decodeByStandard } from './decode.js'
import { createParser, type ParsedEvent } from './parse.js'

/** The decoder that the parser has here, which tests change, and how many bytes it was given. */
const used = vi.hoisted(() => ({ decode: undefined as typeof decodeByStandard | undefined, bytes: 0 }))
vi.mock('#decode', () => ({
  decode(bytes: Uint8Array, from: number, to: number) {
    used.bytes += to - from
    return (used.decode ?? node.decode)(bytes, from, to)
  },
}))
const node = await vi.importActual<typeof import('./decode-node.js')>('./decode-node.js')
const decoders = Object.entries({
  'of the standard': decodeByStandard,
  'of Node.js': node.decode,
  'of Node.js before 24': node.decodeByLooks,
})
afterEach(() => {
  used.decode = undefined
})

const bytes = (text: string) => new TextEncoder().encode(text)
const code = (wanted: string) => expect.objectContaining({ name: 'TidingsError', code: wanted })
const MiB = 1024 * 1024

describe('as it comes', () => {
  test('an event is given with the byte that completes it', () => {
    for (const end of ['\n', '\r']) {
      const onEvent = vi.fn()
      const parser = createParser({ onEvent })
      parser.push(bytes(`data: a${end}`))
      expect(onEvent).not.toHaveBeenCalled()
      parser.push(bytes(end))
      expect(onEvent).toHaveBeenCalledOnce()
    }
  })

  test('a comment and a retry do not wait for their block', () => {
    const onComment = vi.fn()
    const onRetry = vi.fn()
    const parser = createParser({ onEvent() {}, onComment, onRetry })
    parser.push(bytes(':\nretry: 5\n'))
    expect(onComment).toHaveBeenCalledWith('')
    expect(onRetry).toHaveBeenCalledWith(5)
  })

  test('bytes may be used again after a push', () => {
    const events: ParsedEvent[] = []
    const parser = createParser({ onEvent: event => events.push(event) })
    const chunk = bytes('data: some text that is long enough')
    parser.push(chunk)
    chunk.fill(0x21)
    parser.push(bytes('\n\n'))
    expect(events[0]?.data).toBe('some text that is long enough')
  })

  test('a view into a larger buffer is read as the view that it is', () => {
    const all = bytes('xxdata: a\n\nyy')
    expect(readChunks([all.subarray(2, -2)]).events).toHaveLength(1)
    expect(readChunks([Buffer.from(all.buffer, 2, all.length - 4)]).events).toHaveLength(1)
  })

  test.each(decoders)('what is not UTF-8 is read alike, whatever was read before it (%s)', (_, decode) => {
    used.decode = decode
    const broken = [[0xff], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xc0, 0x80], [0xef, 0xbb, 0xbf]]
    for (const before of ['a', '가', 'a'.repeat(2000), '가'.repeat(2000)]) {
      const heard: string[] = []
      const parser = createParser({ onEvent: ({ data }) => heard.push(data) })
      const wanted: string[] = []
      const say = (...data: number[]) => {
        wanted.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(data)))
        parser.push(Uint8Array.from([...bytes('data: '), ...data, 0x0a, 0x0a]))
      }
      // Each is said again and again, since a decoder may change with what it was given.
      for (let turn = 0; turn < 8; turn++) for (const sequence of broken) say(...bytes(before), ...sequence)
      for (let turn = 0; turn < 8; turn++) say(...bytes('plain'))
      for (const sequence of broken) say(...sequence)
      expect(heard).toEqual(wanted)
    }
  })

  test('lastEventId goes on from the stream before', () => {
    const events: ParsedEvent[] = []
    const parser = createParser({ onEvent: event => events.push(event), lastEventId: 'e-7' })
    expect(parser.lastEventId).toBe('e-7')
    parser.push(bytes('data: a\n\nid: e-8\n'))
    expect(events).toEqual([{ type: 'message', data: 'a', id: 'e-7', topic: '' }])
    expect(parser.lastEventId).toBe('e-7')
    parser.push(bytes('\n'))
    expect(parser.lastEventId).toBe('e-8')
  })

  test('inside a handler, lastEventId is the id of the event at hand', () => {
    const seen: string[] = []
    const parser = createParser({ onEvent: () => seen.push(parser.lastEventId) })
    parser.push(bytes('id: 1\ndata\n\nid: 2\ndata\n\n'))
    expect(seen).toEqual(['1', '2'])
  })
})

test.each([63, 64, 65, 66, 200, 313, 314, 315, 316, 317, 318, 1000])('%i lines, and then a block of its own', count => {
  const lines = Array.from({ length: count }, (_, i) => `line ${i}`)
  const stream = bytes(`${lines.map(line => `data: ${line}\n`).join('')}\ndata: next\ndata: last\n\n`)
  expect(readChunks([stream]).events.map(event => event.data)).toEqual([lines.join('\n'), 'next\nlast'])
})

test.each(['a', '가'])('ids with NUL are ignored, those around them are not, in a text with %s', text => {
  const stream = bytes(
    `id: 1\nid: 2\0\nid: 3\ndata: ${text}\n\nid: 4\0\nid:\0\ndata: ${text}\n\nid: 5\nid:\0\ndata: ${text}\n\n`,
  )
  expect(readChunks([stream]).events.map(({ id }) => id)).toEqual(['3', '3', '5'])
})

describe('close', () => {
  test.each(['event', 'comment', 'retry'])('in a handler (%s): nothing more is given', kind => {
    let calls = 0
    const handler = (mine: string) => () => {
      calls++
      if (kind === mine) parser.close()
    }
    const parser = createParser({ onEvent: handler('event'), onComment: handler('comment'), onRetry: handler('retry') })
    const block = { event: 'id: 1\ndata: a\n\n', comment: ':a\n', retry: 'retry: 1\n' }[kind] ?? ''
    parser.push(bytes(`${block}:b\nretry: 2\nid: 2\ndata: b\n\nid: 3\ndata: c`))
    parser.push(bytes('\n\nid: 4\ndata: d\n\n'))
    expect(calls).toBe(1)
    expect(parser.lastEventId).toBe(kind === 'event' ? '1' : '')
  })

  test('what is left of the bytes at hand is not even measured', () => {
    const parser = createParser({ onEvent: () => parser.close(), maxChars: 20 })
    parser.push(bytes(`data\n\n${'x'.repeat(100)}`))
  })

  test('drops an unfinished block, and may be called again', () => {
    const onEvent = vi.fn()
    const parser = createParser({ onEvent })
    parser.push(bytes('id: 1\ndata: a\n'))
    parser.close()
    parser.close()
    parser.push(bytes('\n\n'))
    expect(onEvent).not.toHaveBeenCalled()
    expect(parser.lastEventId).toBe('')
  })
})

describe('misuse', () => {
  test("a handler's error comes out of push, and the parser is of no use after it", () => {
    const parser = createParser({
      onEvent() {
        throw new RangeError('mine')
      },
    })
    expect(() => parser.push(bytes('data\n\ndata\n\n'))).toThrow(RangeError)
    expect(() => parser.push(bytes('data\n\n'))).toThrow(code('internal'))
    parser.close()
    parser.push(bytes('data\n\n'))
  })

  test('push from inside a handler', () => {
    const parser = createParser({ onEvent: () => parser.push(bytes('data: b\n\n')) })
    expect(() => parser.push(bytes('data: a\n\n'))).toThrow(code('internal'))
  })
})

describe('maxChars', () => {
  const cuts = [1, 2, 3, 7, 1000]

  /** How a stream goes with a bound of 20: the data heard, and whether it was too long. */
  const outcome = (stream: Uint8Array, size: number) => {
    const heard: string[] = []
    const parser = createParser({ onEvent: event => heard.push(event.data), maxChars: 20 })
    try {
      for (const chunk of cutEvery(stream, size)) parser.push(chunk)
    } catch (error) {
      expect(error).toEqual(code('too-large'))
      expect(() => parser.push(bytes('data: x\n\n'))).toThrow(code('internal'))
      return [...heard, 'too long']
    }
    return heard
  }

  const ok = 'data: 12345678901234'
  test.each([
    ['a line of just so much', `${ok}\n\n`, ['12345678901234']],
    ['a line of one more', `data: a\n\n${ok}5\n\n`, ['a', 'too long']],
    ['lines of just so much', 'data: 1234\ndata: 5678\n\n', ['1234\n5678']],
    ['lines of one more', 'data: 1234\ndata: 56789\n\n', ['too long']],
    ['blocks do not add up', `${ok}\n\n${ok}\n\n`, ['12345678901234', '12345678901234']],
    ['other fields stand alone', `event: 1234567890\nid: 1\nfoo: bar\n:123456789\n${ok}\n\n`, ['12345678901234']],
    ['a field beside data that leave it no room', `${ok}\nid: 1\n\n`, ['too long']],
    ['a comment', `:${'c'.repeat(20)}\n`, ['too long']],
    ['comments do not add up', `${':cc\n'.repeat(100)}${ok}\n\n`, ['12345678901234']],
    ['a BOM counts for nothing', `\ufeff${ok}\n\n`, ['12345678901234']],
    ['characters of three bytes', `data: ${'한'.repeat(14)}\n\n`, ['한'.repeat(14)]],
    ['characters of three bytes, one more', `data: ${'한'.repeat(15)}\n\n`, ['too long']],
    ['characters of three bytes behind a BOM', `\ufeff${'한'.repeat(20)}\n${ok}\n\n`, ['12345678901234']],
    ['a line without end', 'd'.repeat(64), ['too long']],
    ['a line without end behind a BOM', `\ufeff${'d'.repeat(61)}`, ['too long']],
  ])('%s', (_, stream, expected) => {
    for (const size of cuts) expect(outcome(bytes(stream), size)).toEqual(expected)
  })

  test('a stream fares the same however it is cut', () => {
    const piece = fc.constantFrom(
      'data: ',
      'data',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      ':',
      '123456',
      'ab',
      '한',
      '😀',
      '\ufeff',
      'id: ',
      'event: ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), parts => {
        const stream = bytes(parts.join(''))
        const whole = outcome(stream, stream.length + 1)
        for (const size of cuts) expect(outcome(stream, size)).toEqual(whole)
      }),
      { numRuns: 1000 },
    )
  })

  test('by default, 16 Mi', () => {
    const most = new Uint8Array(16 * MiB).fill(0x61)
    most.set(bytes('data: '))
    const [event] = readChunks([most, bytes('\n\n')]).events
    expect(event?.data).toHaveLength(16 * MiB - 6)
    expect(() => readChunks([most, bytes('a\n\n')])).toThrow(code('too-large'))
  })
})

describe.each(decoders)('linear, however the stream is cut (decoder %s)', (_, decode) => {
  const { set } = Uint8Array.prototype
  beforeEach(() => {
    used.decode = decode
  })
  afterEach(() => {
    Uint8Array.prototype.set = set
  })

  /** How many bytes are decoded and how many are copied while `run` runs. */
  function workOf(run: () => void): { decoded: number; copied: number } {
    let copied = 0
    used.bytes = 0
    Uint8Array.prototype.set = function (from, offset) {
      copied += from.length
      set.call(this, from, offset)
    }
    run()
    return { decoded: used.bytes, copied }
  }

  test('a line of 10 MiB that drips in byte by byte is decoded once, and moved a bounded number of times', () => {
    const onEvent = vi.fn<(event: ParsedEvent) => void>()
    const letter = bytes('a')
    const work = workOf(() => {
      const parser = createParser({ onEvent })
      parser.push(bytes('data: '))
      for (let i = 0; i < 10 * MiB; i++) parser.push(letter)
      parser.push(bytes('\n'))
      parser.push(bytes('\n'))
    })
    expect(onEvent.mock.calls[0]?.[0].data).toHaveLength(10 * MiB)
    expect(work.decoded).toBeLessThan(10 * MiB + 16)
    // Once as it comes, and at most three times in all as the buffer grows by half.
    expect(work.copied).toBeLessThan(4 * 10 * MiB)
  })

  test.each([2, 7, 100, 1460])('lines in pieces of %i are decoded once', size => {
    const stream = bytes(`id: 1\ndata: ${'한국어 '.repeat(50)}\r\n\r\n`.repeat(200))
    const work = workOf(() => expect(readChunks(cutEvery(stream, size)).events).toHaveLength(200))
    expect(work.decoded).toBeLessThanOrEqual(stream.length)
    expect(work.copied).toBeLessThan(3 * stream.length)
  })

  // Quadratic, each of these would take hours: no clock is needed to see it.
  test.each([
    ['ends of CR only', 'data:a\r', 6],
    ['ends of LF only', 'data:a\n', 6],
    ['names without a colon', 'data\n', 5],
    ['unknown names without a colon', 'foo\n', 4],
    ['blank lines', '\n', 1],
    ['comments', ':\n', 2],
    ['ids', 'id:1\n', 5],
  ])('%s, 4 MiB at once', (_, line, length) => {
    const count = Math.floor((4 * MiB) / length)
    const parsed = readChunks([bytes(`${line.repeat(count)}data\n\n`)], { onComment() {} })
    expect(parsed.events).toHaveLength(1)
  })

  test('a block of a million lines that comes line by line', () => {
    const line = bytes('data: a\n')
    function* stream() {
      for (let i = 0; i < 1_000_000; i++) yield line
      yield bytes('\n')
    }
    const [event] = readChunks(stream()).events
    expect(event?.data).toBe('a\n'.repeat(1_000_000).slice(0, -1))
  })
})
