import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventList } from './event-list.js'
import { HeldEvent } from './held-event.js'

const eventAt = (offset: number, time = offset) => new HeldEvent(offset, time, 't', '', { topic: 't', data: '' }, 1)

function offsetsOf(list: EventList, after = 0): number[] {
  const offsets: number[] = []
  for (const walk = list.after(after); walk.current; walk.advance()) offsets.push(walk.current.offset)
  return offsets
}

const use = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 700 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('shift'), count: fc.integer({ min: 1, max: 600 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), from: fc.nat(999), count: fc.nat(500) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('thin'), keepOneOf: fc.integer({ min: 2, max: 300 }) }) },
  ),
  { maxLength: 12, size: 'max' },
)

describe('EventList', () => {
  it('is a list of events by offset, whatever was appended, taken from the front or removed in the middle', () => {
    fc.assert(
      fc.property(use, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 7 }), (acts, steps) => {
        const list = new EventList()
        let model: number[] = []
        let last = 0
        for (const act of acts) {
          const before = new Set(model)
          switch (act.kind) {
            case 'append':
              for (let i = 0; i < act.count; i++) {
                last += steps[i % steps.length] as number
                list.append(eventAt(last))
                model.push(last)
              }
              break
            case 'shift':
              for (let i = 0; i < act.count; i++) list.shift()
              model = model.slice(act.count)
              break
            case 'remove': {
              const from = Math.floor((act.from / 1000) * model.length)
              for (const offset of model.splice(from, act.count)) list.remove(offset)
              break
            }
            case 'thin':
              model = model.filter((_, i) => i % act.keepOneOf === 0)
          }
          const kept = new Set(model)
          if (act.kind === 'thin') for (const offset of before) if (!kept.has(offset)) list.remove(offset)
          for (const offset of [0, 1, last + 1, Math.floor(last / 2)]) if (!kept.has(offset)) list.remove(offset)
          expect(list.size).toBe(model.length)
          expect(list.first?.offset).toBe(model[0])
          expect(list.last?.offset).toBe(model.at(-1))
          for (const after of [0, model[0] ?? 0, Math.floor(last / 3), Math.floor(last / 2), last - 1, last]) {
            expect(offsetsOf(list, after)).toEqual(model.filter(offset => offset > after))
            expect(list.lastBefore(after)?.offset).toBe(model.findLast(offset => offset < after))
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  it('lets go of what was taken from the front, and of segments that are nearly empty', () => {
    const list = new EventList()
    for (let i = 1; i <= 100_000; i++) {
      list.append(eventAt(i))
      if (i > 10) list.shift()
    }
    expect(offsetsOf(list)).toEqual([99_991, 99_992, 99_993, 99_994, 99_995, 99_996, 99_997, 99_998, 99_999, 100_000])
  })
})
