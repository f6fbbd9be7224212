import { setImmediate as nextTurn } from 'node:timers/promises'
import { constants, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { LogEvent } from '../../log/log.js'
import { eventStreamEncoding } from './event-stream.js'
import { gzipHead, gzipped, toBlocks, toBlocksAfter, toBlocksTogether, toStoredBlocks } from './gzip.js'
import { ndjsonEncoding } from './ndjson.js'

/** What a reader has read when so many bytes have come. */
function inflate(parts: readonly Uint8Array[]): Buffer {
  return gunzipSync(Buffer.concat(parts), { finishFlush: constants.Z_SYNC_FLUSH })
}

// Each test begins with what a turn may compress.
afterEach(() => nextTurn())

const words = fc.constantFrom(
  '{"price":',
  'AAPL',
  '가격',
  '👩‍👩‍👧',
  '\n',
  '\0',
  'status',
  '":"',
  'x'.repeat(300),
  '\ud800',
)
const texts = fc.oneof(
  fc.array(words, { maxLength: 60 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 400 }),
)

describe('blocks that stand alone', () => {
  it('are read to the letter wherever they stand, all of what came before at each of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(texts, fc.boolean()), { maxLength: 12 }),
        fc.array(fc.nat({ max: 11 })),
        async (given, order) => {
          const plain = given.map(([text]) => Buffer.from(text))
          const blocks = given.map(([, isStored], i) => (isStored ? toStoredBlocks : toBlocks)(plain[i] as Buffer))
          // In their order, and in any other, some of them several times.
          for (const sequence of [given.map((_, i) => i), order.filter(i => i < given.length)]) {
            for (let count = 0; count <= sequence.length; count++) {
              const come = sequence.slice(0, count)
              const read = inflate([gzipHead, ...come.map(i => blocks[i] as Uint8Array)])
              expect(read).toEqual(Buffer.concat(come.map(i => plain[i] as Buffer)))
            }
          }
          await nextTurn()
        },
      ),
      { numRuns: 150 },
    )
  })

  it('are read behind the past that they refer to, whatever came before that', async () => {
    const steps = fc.array(fc.tuple(texts, fc.constantFrom('after', 'alone', 'stored')), { maxLength: 14 })
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 9_000 }), async (given, most) => {
        const parts: Uint8Array[] = [gzipHead]
        let said = Buffer.alloc(0)
        for (const [text, how] of given) {
          const bytes = Buffer.from(text)
          const past = said.subarray(-most)
          const blocks =
            how === 'after' && past.length > 0 && bytes.length > 0
              ? toBlocksAfter(past, bytes)
              : (how === 'stored' ? toStoredBlocks : toBlocks)(bytes)
          parts.push(blocks ?? toStoredBlocks(bytes))
          said = Buffer.concat([said, bytes])
          expect(inflate(parts)).toEqual(said)
        }
        await nextTurn()
      }),
      { numRuns: 150 },
    )
  })

  it('are a third as many behind a past as alone, where events are alike', () => {
    const trade = (number: number) =>
      Buffer.from(
        `id: k3x9-${number}\nevent: trade\ndata: {"symbol":"AAPL","price":${number % 97},"volume":${number % 31}}\n\n`,
      )
    const past = Buffer.concat([1, 2, 3, 4].map(trade))
    expect(toBlocksAfter(past, trade(5))?.length).toBeLessThan(toBlocks(trade(5)).length / 3)
    const noise = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * i * 7919 + (i >> 3) * 104_729) & 0xff))
    expect(toBlocksAfter(past, noise)?.length).toBeLessThanOrEqual(noise.length + 5)
    while (toBlocksAfter(past, trade(5))) expect(true).toBe(true)
    // What is left of the turn is for what all views share.
    expect(toBlocksTogether(Buffer.alloc(1_000, 'a'))).toBeUndefined()
    expect(toBlocksTogether(Buffer.from('small'))?.length).toBe('small'.length + 5)
    expect(toBlocks(Buffer.alloc(1_000, 'a')).length).toBeLessThan(100)
  })

  it('are fewer bytes where it pays, and five more for each 65,535 where it does not', () => {
    const order = JSON.stringify({
      id: 'a',
      items: Array.from({ length: 12 }, (_, i) => ({ sku: i, title: 'a thing', price: i * 3 })),
    })
    expect(toBlocks(Buffer.from(order)).length).toBeLessThan(order.length / 2)
    const noise = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * i * 7919 + (i >> 3) * 104_729) & 0xff))
    expect(toBlocks(Buffer.from('short')).length).toBe('short'.length + 5)
    expect(toBlocks(noise).length).toBeLessThanOrEqual(noise.length + 5)
    expect(toStoredBlocks(Buffer.alloc(65_535)).length).toBe(65_535 + 5)
    expect(toStoredBlocks(Buffer.alloc(65_536)).length).toBe(65_536 + 10)
    expect(toBlocks(Buffer.alloc(0)).length).toBe(0)
  })

  it('keep no more memory than they have', () => {
    const { buffer, length } = toBlocks(Buffer.alloc(300_000, 'as it is, ')) as Buffer
    expect(length).toBeLessThan(4_000)
    expect(buffer.byteLength).toBeLessThan(10_000)
  })

  it('are compressed up to a bound in a turn of the loop, and whole beyond it', async () => {
    const bytes = Buffer.alloc(200 * 1024, 'as it is, ')
    const made = [1, 2, 3, 4].map(() => toBlocks(bytes))
    expect(made.map(blocks => blocks.length < 10_000)).toEqual([true, true, false, false])
    expect(inflate([gzipHead, ...made])).toEqual(Buffer.concat([bytes, bytes, bytes, bytes]))
    await nextTurn()
    expect(toBlocks(bytes).length).toBeLessThan(10_000)
    await nextTurn()
    const large = Buffer.alloc(16 * 1024 * 1024, 'as it is, ')
    const stored = toBlocks(large)
    expect(stored.length).toBeGreaterThan(large.length)
    expect(inflate([gzipHead, stored]).equals(large)).toBe(true)
  })
})

describe('an encoding in blocks', () => {
  const event: LogEvent = {
    ...{ topic: 'orders', data: '{"주문":"배송 완료 🎉"}'.repeat(20), type: 'paid', key: 'k', eventId: '', end: false },
    ...{ offset: 7, time: 1_764_000_000_000 },
  }

  it('says what the plain one says', () => {
    for (const plain of [eventStreamEncoding({ showsTopic: true, isEnvelope: true }), ndjsonEncoding]) {
      const encoding = gzipped(plain)
      const said = (of: typeof plain) => [
        of.event(event, 'a1-7'),
        of.hubEvent('$cursor', 'a1-7', ''),
        ...(of.retry ? [of.retry(3000)] : []),
      ]
      expect(inflate([gzipHead, ...said(encoding)])).toEqual(Buffer.concat(said(plain)))
      expect(encoding.event(event, 'a1-7').length).toBeLessThan(plain.event(event, 'a1-7').length)
      expect(encoding.packing?.of).toBe(plain)
    }
  })

  it('is one for one', () => {
    const plain = eventStreamEncoding({ showsTopic: false, isEnvelope: false })
    expect(gzipped(plain)).toBe(gzipped(plain))
    expect(gzipped(plain).name).toBe('event-stream+gzip')
    expect(gzipped(ndjsonEncoding).retry).toBeUndefined()
  })
})
