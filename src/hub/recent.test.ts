import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogEvent } from '../log/log.js'
import { Recent } from './recent.js'
import type { Encoding } from './sink.js'

function event(offset: number, data = 'x'): LogEvent {
  return { offset, time: 0, topic: 't', data, type: '', key: '', eventId: '', end: false }
}

function counting(): Encoding & { made: number } {
  return {
    name: 'counting',
    made: 0,
    event(of) {
      this.made++
      return Buffer.from(of.data)
    },
    hubEvent: () => new Uint8Array(),
  }
}

describe('Recent', () => {
  it('encodes an event once for a kind of sink', () => {
    const recent = new Recent(0, { maxBytes: 1 << 20, maxEvents: 10 })
    const [one, other] = [counting(), counting()]
    const entry = recent.push(event(1), 'e-1')
    expect(recent.frame(entry, one)).toBe(recent.frame(entry, one))
    recent.frame(entry, other)
    expect([one.made, other.made]).toEqual([1, 1])
  })

  it('holds a whole stretch, from where it says on, within its bounds', () => {
    const steps = fc.array(fc.record({ step: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 0, max: 400 }) }))
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 200 }), (pushes, cursor) => {
        const recent = new Recent(0, { maxBytes: 4_000, maxEvents: 8 })
        const encoding = counting()
        const pushed: number[] = []
        let offset = 0
        for (const { step, bytes } of pushes) {
          offset += step
          pushed.push(offset)
          recent.frame(recent.push(event(offset, 'x'.repeat(bytes)), ''), encoding)
          recent.settle()
        }
        const left = pushed.filter(at => at > recent.from)
        expect(recent.length).toBe(left.length)
        expect(recent.length).toBeLessThanOrEqual(8)
        expect(recent.bytes).toBeLessThanOrEqual(4_000)
        const after = Math.max(cursor, recent.from)
        expect(recent.at(recent.indexAfter(after))?.event.offset).toBe(left.find(at => at > after))
      }),
    )
  })

  it('keeps nothing of what it dropped', () => {
    const recent = new Recent(0, { maxBytes: 1 << 20, maxEvents: 2 })
    for (let offset = 1; offset <= 5; offset++) recent.push(event(offset), '')
    recent.settle()
    // It was counted out of the bounds, and yet its data and frames stayed for as long as a thousand events.
    expect([0, 1, 2, 3, 4, 5].map(index => recent.at(index)?.event.offset)).toEqual([
      ...Array(3).fill(undefined),
      4,
      5,
      undefined,
    ])
  })

  it('counts what is encoded later, and nothing of what it dropped', () => {
    const recent = new Recent(0, { maxBytes: 1 << 20, maxEvents: 1 })
    const dropped = recent.push(event(1, 'x'.repeat(1000)), '')
    recent.push(event(2, 'x'), '')
    recent.settle()
    const before = recent.bytes
    recent.frame(dropped, counting())
    expect(recent.bytes).toBe(before)
    recent.reset(5)
    expect([recent.bytes, recent.length, recent.from]).toEqual([0, 0, 5])
  })
})
