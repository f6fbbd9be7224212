import { describe, expect, it, vi } from 'vitest'
import type { EventLog, RetentionRule } from '../../../src/log/log.js'
import { appendTo, dataOf, eventsOf, Follower, type LogFactory, type OpenLog, readAll, select } from './harness.js'

/** `EventLog.setRetention`. */
export function rulesChapter(open: OpenLog, factory: LogFactory): void {
  describe('setRetention', () => {
    it('keeps what the new rules keep ("what they do not keep goes at the next turns of retention")', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 100 }] })
      await appendTo(log, ...eventsOf('a', 5), ...eventsOf('b', 5))
      await log.setRetention([{ selector: 'a', count: 2 }])
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['a 3', 'a 4', 'b 0', 'b 1', 'b 2', 'b 3', 'b 4'])
      await appendTo(log, ...eventsOf('a', 1))
      await log.trim()
      expect(dataOf(await readAll(log, { selectors: select('a') }))).toEqual(['a 4', 'a 0'])
    })

    it('keeps more from now on, but brings nothing back ("what was removed does not come back")', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 2 }] })
      const offsets = await appendTo(log, ...eventsOf('a', 5))
      await log.trim()
      await log.setRetention([])
      await appendTo(log, ...eventsOf('b', 5))
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['a 3', 'a 4', 'b 0', 'b 1', 'b 2', 'b 3', 'b 4'])
      expect(await log.floor(select('a'))).toBe(offsets[2])
    })

    it('judges by age what a rule without one had passed over', async () => {
      const { log, clock } = await open({ retention: [{ selector: '**', keepLatest: true, count: 1 }] })
      await appendTo(log, ...['x', 'y', 'z'].map(key => ({ topic: 'a', key, data: key })))
      await log.trim()
      expect(await readAll(log)).toHaveLength(3)
      clock.advance(1001)
      await appendTo(log, { topic: 'b', data: 'b' })
      await log.setRetention([{ selector: '**', ageMs: 1000 }])
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['b'])
    })

    it('spares by key what a rule without that would have taken, and lets it go when it is superseded', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 10 }] })
      await appendTo(log, ...['x', 'y', 'x', 'y'].map((key, i) => ({ topic: 'a', key, data: `${key} ${i}` })))
      await log.setRetention([{ selector: '**', keepLatest: true, count: 0 }])
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['x 2', 'y 3'])
      await appendTo(log, { topic: 'a', key: 'x', data: 'new' })
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['y 3', 'new'])
    })

    it('gives turns to rules that need time, where none did before', async () => {
      const { log, clock } = await open({ retention: [], trimIntervalMs: 5 })
      await appendTo(log, ...eventsOf('a', 3))
      await log.setRetention([{ selector: '**', ageMs: 1000 }])
      clock.advance(1001)
      await vi.waitFor(async () => expect(await readAll(log)).toEqual([]), 10_000)
    })

    const removedBefore: readonly RetentionRule[] = [{ selector: 'a/*', count: 2 }]
    it.each<[string, readonly RetentionRule[]]>([
      ['the same selectors in another order', [{ selector: '**' }, { selector: 'a/*', count: 2 }]],
      ['a narrower rule', [{ selector: 'a/1', count: 9 }]],
      ['a wider rule', [{ selector: '**', count: 99 }]],
      ['no rule', []],
    ])('says no less to be missing than before, under %s ("No floor sinks")', async (_, rules) => {
      const { log } = await open({ retention: removedBefore })
      await appendTo(log, ...eventsOf('a/gone', 1), ...eventsOf('a/1', 5), ...eventsOf('b', 3))
      await log.trim()
      const asked = [undefined, ['a/gone'], ['a/1'], ['a/*'], ['a/**'], ['**'], ['b'], ['*/1']] as const
      const floors = () => Promise.all(asked.map(texts => log.floor(texts && select(...texts))))
      const before = await floors()
      await log.setRetention(rules)
      const after = await floors()
      for (const [i, floor] of before.entries()) expect(after[i]).toBeGreaterThanOrEqual(floor)
      // Of a topic that holds events, what it lost itself is known.
      expect([after[2], after[6]]).toEqual([before[2], before[6]])
    })

    it('leaves floors as they are where only limits change', async () => {
      const rules = (count: number) => [
        { selector: 'a/*', count },
        { selector: '**', count: 100 },
      ]
      const { log } = await open({ retention: rules(2) })
      await appendTo(log, ...eventsOf('a/1', 5), ...eventsOf('b', 3))
      await log.trim()
      const before = [await log.floor(select('a/*')), await log.floor(select('b/*'))]
      await log.setRetention(rules(3))
      expect([await log.floor(select('a/*')), await log.floor(select('b/*'))]).toEqual(before)
      expect(before[1]).toBe(0)
    })

    it('rejects rules that are none, and changes nothing ("with the path of what is wrong")', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 1 }] })
      const wrong: RetentionRule[] = [{ selector: 'a' }, { selector: '**', ageMs: -1 }]
      await expect(log.setRetention(wrong)).rejects.toMatchObject({
        code: 'invalid-setting',
        message: expect.stringContaining('retention[1].ageMs'),
      })
      await appendTo(log, ...eventsOf('b', 3))
      await log.trim()
      expect(await readAll(log)).toHaveLength(1)
    })

    it('holds while others append, read and follow, and shows each of them a whole log', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 1000 }] })
      const follower = new Follower(log, 0)
      const appending = Promise.all(Array.from({ length: 40 }, (_, i) => log.append(eventsOf(`t/${i % 4}`, 25))))
      const changing = Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          log.setRetention([
            { selector: `t/${i % 3}`, count: 1000 + i },
            { selector: '**', count: 2000 },
          ]),
        ),
      )
      await Promise.all([appending, changing, log.trim(), readAll(log)])
      const { offset } = await log.head()
      await follower.through(offset)
      expect(follower.events).toHaveLength(1000)
      expect(await readAll(log)).toHaveLength(1000)
      expect(await log.floor(undefined)).toBe(0)
      follower.stop()
      await log.setRetention([{ selector: '**', count: 10 }])
      await log.trim()
      expect(await readAll(log)).toHaveLength(10)
    })

    it('counts anew what each rule governs', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 100 }] })
      await appendTo(log, ...eventsOf('a', 4), ...eventsOf('b', 4))
      const both = async (log: EventLog) => {
        await log.trim()
        return dataOf(await readAll(log))
      }
      await log.setRetention([
        { selector: 'a', count: 3 },
        { selector: '**', count: 3 },
      ])
      expect(await both(log)).toEqual(['a 1', 'a 2', 'a 3', 'b 1', 'b 2', 'b 3'])
      await log.setRetention([{ selector: '**', count: 5 }])
      expect(await both(log)).toEqual(['a 2', 'a 3', 'b 1', 'b 2', 'b 3'])
      await log.setRetention([
        { selector: 'b', bytes: 8 },
        { selector: '**', count: 1 },
      ])
      expect(await both(log)).toEqual(['a 3', 'b 2', 'b 3'])
    })

    if (!factory.persistent) return

    it('is known to whoever opens the log again with the same rules, or with others', async () => {
      const { log, reopen } = await open({ retention: [{ selector: 'a', count: 2 }] })
      const offsets = await appendTo(log, ...eventsOf('a', 5), ...eventsOf('b', 5))
      await log.trim()
      const rules = [{ selector: 'b', count: 3 }]
      await log.setRetention(rules)
      await log.trim()
      const floors = [await log.floor(select('a')), await log.floor(select('b')), await log.floor(select('c'))]
      const again = await reopen({ retention: rules })
      expect([await again.floor(select('a')), await again.floor(select('b')), await again.floor(select('c'))]).toEqual(
        floors,
      )
      expect(floors.slice(0, 2)).toEqual([offsets[2], offsets[6]])
      const other = await reopen({ retention: [{ selector: '**', count: 1 }] })
      expect(await other.floor(select('a'))).toBe(offsets[2])
      await other.trim()
      expect(dataOf(await readAll(other))).toEqual(['b 4'])
    })
  })
}
