import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutEvery, readChunks, readPlainly } from './reading.js'
import { type Vector, vectors } from './vectors.js'

const bytesOf = (vector: Vector) =>
  typeof vector.stream === 'string' ? new TextEncoder().encode(vector.stream) : vector.stream

const expected = (vector: Vector) => ({
  events: vector.events.map(event => ({ type: 'message', id: '', topic: '', ...event })),
  retries: vector.retries ?? [],
  comments: vector.comments ?? [],
  lastEventId: vector.lastEventId ?? '',
})

describe.each(vectors)('$name', vector => {
  const stream = bytesOf(vector)

  test('the plain reading agrees', () => {
    expect(readPlainly(stream)).toEqual(expected(vector))
  })

  test('whole', () => {
    expect(readChunks([stream])).toEqual(expected(vector))
  })

  test.each([1, 2, 3, 7])('in pieces of %i', size => {
    expect(readChunks(cutEvery(stream, size))).toEqual(expected(vector))
  })

  test('cut in two, at every place, with nothing between', () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(readChunks([stream.slice(0, at), new Uint8Array(0), stream.slice(at)])).toEqual(expected(vector))
    }
  })

  test('cut at random', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(stream.length), { maxLength: 12 }), places => {
        const ends = [...places.sort((a, b) => a - b), stream.length]
        const chunks = ends.map((end, i) => stream.slice(ends[i - 1] ?? 0, end))
        expect(readChunks(chunks)).toEqual(expected(vector))
      }),
      { numRuns: 50 },
    )
  })
})
