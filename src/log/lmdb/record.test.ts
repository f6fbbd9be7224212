import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TidingsError } from '../../wire/errors.js'
import type { NewEvent } from '../log.js'
import { eventBytes } from '../retention.js'
import { decodeRecord, encodeRecord, recordBytes, recordKey, recordTime, stampTime, toLogEvent } from './record.js'

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength })
const anyEvent = fc.record(
  {
    topic: fc.constant('a/b'),
    data: fc.oneof(text(200), fc.string({ unit: 'binary', maxLength: 200 })),
    type: text(30),
    key: text(60),
    eventId: fc.string({ unit: 'grapheme-ascii', maxLength: 256 }),
    end: fc.boolean(),
  },
  { requiredKeys: ['topic', 'data'] },
)
const anyTime = fc.integer({ min: 0, max: 2 ** 48 - 1 })

function made(event: NewEvent, time: number): Buffer {
  const record = encodeRecord(event)
  stampTime(record, time)
  return record
}

test('a record says what the event said', () => {
  fc.assert(
    fc.property(anyEvent, anyTime, fc.nat(), (event, time, offset) => {
      const record = made(event, time)
      expect(decodeRecord(record, offset, 'a/b')).toEqual(toLogEvent(event, offset, time))
      expect(recordTime(record)).toBe(time)
      expect(recordKey(record, offset).toString()).toBe(event.key ?? '')
      expect(recordBytes(record) + 'a/b'.length).toBe(eventBytes(event))
    }),
  )
})

test('a record that is cut off, or goes on, is refused', () => {
  fc.assert(
    fc.property(anyEvent, fc.nat(), fc.nat({ max: 9 }), (event, cut, more) => {
      const record = made(event, 1)
      const damaged = [record.subarray(0, cut % record.length), Buffer.concat([record, Buffer.alloc(more + 1)])]
      for (const each of damaged) expect(() => decodeRecord(each, 7, 'a/b')).toThrow(TidingsError)
    }),
  )
})

test('no bytes are read as an event that they are not, nor beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      const record = Buffer.from(bytes)
      let event: ReturnType<typeof decodeRecord>
      try {
        event = decodeRecord(record, 7, 't')
      } catch (error) {
        expect(error).toMatchObject({ code: 'log-corrupt' })
        return
      }
      expect(recordBytes(record)).toBeGreaterThanOrEqual(0)
      expect(event.offset).toBe(7)
    }),
  )
})

test('names of full length fit', () => {
  const event = { topic: 'a/b', data: '', type: 'é'.repeat(64), key: '한'.repeat(85), eventId: '~'.repeat(256) }
  expect(decodeRecord(made(event, 5), 1, 'a/b')).toEqual(toLogEvent(event, 1, 5))
})
