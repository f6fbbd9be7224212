import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readChunks, readPlainly } from '../../test/conformance/wire/reading.js'
import { encodeBlock } from './encode.js'

const toBytes = (text: string) => new TextEncoder().encode(text)
/** Half a surrogate pair becomes U+FFFD on its way. */
const asUtf8 = (text: string) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(toBytes(text))
const read = (text: string) => readChunks([toBytes(text)])

/** Text rich in what could break a stream. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\0',
        ' ',
        ':',
        'data: x',
        'id: 1',
        'event: y',
        'retry: 1',
        '\n\n',
        '\ufeff',
        '\u2028',
        '\u0085',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map(parts => parts.join(''))

const oneLine = hostile.map(text => text.replace(/[\r\n\0]/g, ''))
const internal = expect.objectContaining({ name: 'TidingsError', code: 'internal' })

describe('the text of a block', () => {
  test.each([
    ['data alone', { data: 'a' }, 'data: a\n\n'],
    ['empty data', { data: '' }, 'data:\n\n'],
    ['a space first', { data: ' a' }, 'data:  a\n\n'],
    ['all lines', { data: 'a\nb\rc\r\nd' }, 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
    ['a line end last', { data: 'a\n' }, 'data: a\ndata: \n\n'],
    [
      'an event',
      { id: 'k3x9-1042', type: 'trade', topic: 'stocks/AAPL', data: '1' },
      'id: k3x9-1042\nevent: trade\ntopic: stocks/AAPL\ndata: 1\n\n',
    ],
    ['no type and no topic', { id: 'e-1', type: '', topic: '', data: '1' }, 'id: e-1\ndata: 1\n\n'],
    ['an empty id', { id: '', data: '1' }, 'id\ndata: 1\n\n'],
    [
      'the first block of a stream',
      { retry: 3000, type: '$cursor', id: 'e-1', data: '' },
      'retry: 3000\nid: e-1\nevent: $cursor\ndata:\n\n',
    ],
    ['retry alone', { retry: 0 }, 'retry: 0\n'],
    ['comment alone', { comment: 'full' }, ': full\n'],
    ['comment and retry', { retry: 5000, comment: 'draining' }, ': draining\nretry: 5000\n'],
    ['nothing', {}, ''],
  ])('%s', (_, block, text) => {
    expect(encodeBlock(block)).toBe(text)
  })

  test('what stands without data belongs to the block after it', () => {
    expect(read(encodeBlock({ retry: 7, comment: 'hi' }) + encodeBlock({ id: '1', data: 'a' }))).toEqual({
      events: [{ type: 'message', id: '1', topic: '', data: 'a' }],
      retries: [7],
      comments: ['hi'],
      lastEventId: '1',
    })
  })
})

describe('the last gate', () => {
  const breaks = ['a\nb', 'a\rb', 'a\r\nb', '\n', '\r', 'a\n', '\0', 'a\0b', 'x\n\ndata: forged\n\n']
  test.each(breaks)('%j is no line', value => {
    expect(() => encodeBlock({ id: value, data: '' })).toThrow(internal)
    expect(() => encodeBlock({ type: value, data: '' })).toThrow(internal)
    expect(() => encodeBlock({ topic: value, data: '' })).toThrow(internal)
    expect(() => encodeBlock({ comment: value })).toThrow(internal)
  })

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -0.5])('%d is no retry', retry => {
    expect(() => encodeBlock({ retry })).toThrow(internal)
  })

  test('zero that is negative is zero', () => {
    expect(encodeBlock({ retry: -0 })).toBe('retry: 0\n')
  })

  test('an id or a name without data would be lost', () => {
    const loose = (members: object) => () => encodeBlock(members)
    expect(loose({ id: '1' })).toThrow(internal)
    expect(loose({ id: '' })).toThrow(internal)
    expect(loose({ type: 'a' })).toThrow(internal)
    expect(loose({ topic: 'a' })).toThrow(internal)
  })

  test('nothing that is given makes two events, or another field', () => {
    const field = fc.option(hostile, { nil: undefined })
    fc.assert(
      fc.property(field, field, field, field, hostile, (comment, id, type, topic, data) => {
        let text: string
        try {
          text = encodeBlock({ comment, id, type, topic, data })
        } catch (error) {
          expect(error).toEqual(internal)
          expect([comment, id, type, topic].some(value => value !== undefined && /[\r\n\0]/.test(value))).toBe(true)
          return
        }
        const bytes = toBytes(text)
        const reading = readPlainly(bytes)
        expect(reading.events).toEqual([
          {
            id: asUtf8(id ?? ''),
            type: asUtf8(type || 'message'),
            topic: asUtf8(topic ?? ''),
            data: asUtf8(data.replace(/\r\n?/g, '\n')),
          },
        ])
        expect(reading.retries).toEqual([])
        expect(reading.comments).toHaveLength(comment === undefined ? 0 : 1)
        for (const line of text.split('\n')) expect(line).toMatch(/^(data: |id: |event: |topic: |: |data:$|id$|$)/)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('there and back', () => {
  const text = hostile.map(value => value.toWellFormed())
  const line = oneLine.map(value => value.toWellFormed())
  const blocks = fc.array(
    fc.record({
      id: fc.option(line, { nil: undefined }),
      type: line,
      topic: line,
      data: text,
      retry: fc.option(fc.maxSafeNat(), { nil: undefined }),
    }),
    { maxLength: 8 },
  )

  test('a standard parser gets what was said', () => {
    fc.assert(
      fc.property(blocks, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (said, lengths) => {
        const stream = toBytes(said.map(encodeBlock).join(''))
        let id = ''
        const events = said.map(block => {
          id = block.id ?? id
          return { id, type: block.type || 'message', topic: block.topic, data: block.data.replace(/\r\n?/g, '\n') }
        })
        const heard = {
          events,
          retries: said.flatMap(block => block.retry ?? []),
          comments: [],
          lastEventId: id,
        }
        expect(readPlainly(stream)).toEqual(heard)
        const chunks: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; at += lengths[(i - 1) % lengths.length] ?? 1) {
          const length = lengths[i++ % lengths.length] ?? 1
          chunks.push(stream.slice(at, at + length))
        }
        expect(readChunks(chunks)).toEqual(heard)
      }),
      { numRuns: 1000 },
    )
  })
})
