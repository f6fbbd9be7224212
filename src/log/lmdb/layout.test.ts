import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeHead,
  decodeRule,
  decodeTopic,
  encodeHead,
  encodeRule,
  encodeTopic,
  offsetOf,
  offsetTopicKey,
  readOffset,
  topicIdOf,
  topicKey,
  topicOffsetKey,
} from './layout.js'

const offset = fc.maxSafeNat()
const topicId = fc.nat({ max: 2 ** 48 - 1 })
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })

const sign = (number: number) => Math.sign(number)

test('keys have the order of what they are made of', () => {
  fc.assert(
    fc.property(offset, topicId, offset, topicId, (o1, t1, o2, t2) => {
      const byOffset = Buffer.compare(offsetTopicKey(o1, t1), offsetTopicKey(o2, t2))
      expect(sign(byOffset)).toBe(sign(o1 - o2) || sign(t1 - t2))
      const byTopic = Buffer.compare(topicOffsetKey(t1, o1), topicOffsetKey(t2, o2))
      expect(sign(byTopic)).toBe(sign(t1 - t2) || sign(o1 - o2))
    }),
  )
})

test('keys give back what they are made of', () => {
  fc.assert(
    fc.property(offset, topicId, (o, t) => {
      expect(readOffset(offsetTopicKey(o, t))).toBe(o)
      expect(topicIdOf(offsetTopicKey(o, t))).toBe(t)
      expect(offsetOf(topicOffsetKey(t, o))).toBe(o)
    }),
  )
})

test('names have the order of their code units, astral ones too', () => {
  const astral = fc.string({ unit: fc.constantFrom('a', '\u{1f600}', '\uffee', '\ue000', '한', '/'), maxLength: 6 })
  fc.assert(
    fc.property(fc.oneof(name, astral), fc.oneof(name, astral), (a, b) => {
      expect(sign(Buffer.compare(topicKey(a), topicKey(b)))).toBe(a < b ? -1 : a > b ? 1 : 0)
    }),
  )
})

test('the longest name fits in a key of LMDB', () => {
  expect(topicKey('\u{1f600}'.repeat(256)).length).toBeLessThanOrEqual(1978)
})

test('the books give back what was written', () => {
  fc.assert(
    fc.property(name, offset, offset, offset, offset, offset, (topic, a, b, c, d, e) => {
      const record = { topic, id: a, events: b, bytes: c, end: d, floor: e }
      expect(decodeTopic(encodeTopic(record))).toEqual(record)
      const head = { offset: a, time: b, nextTopicId: c, catalog: d, tokens: e }
      expect(decodeHead(encodeHead(head))).toEqual(head)
      const rule = { cursor: a, floor: b, events: c, bytes: d }
      expect(decodeRule(encodeRule(rule))).toEqual(rule)
    }),
  )
})
