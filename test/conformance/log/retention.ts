import { describe, expect, it, vi } from 'vitest'
import type { EventLog } from '../../../src/log/log.js'
import { appendTo, dataOf, eventsOf, type OpenLog, offsetsOf, readAll, select } from './harness.js'

/** `RetentionRule`, `EventLog.trim`, `EventLog.floor`. */
export function retentionChapter(open: OpenLog): void {
  describe('retention', () => {
    it('keeps all of a topic that no rule matches ("topics that no rule matches are kept without limit")', async () => {
      const { log, clock } = await open({ retention: [{ selector: 'a/**', count: 1 }] })
      await appendTo(log, ...eventsOf('b', 50))
      clock.advance(1e9)
      await log.trim()
      expect(await readAll(log)).toHaveLength(50)
      expect(await log.floor(undefined)).toBe(0)
    })

    it('keeps all under a rule without a limit ("Without any limit a rule keeps all")', async () => {
      const { log } = await open({ retention: [{ selector: 'a' }, { selector: '**', count: 1 }] })
      await appendTo(log, ...eventsOf('a', 5), ...eventsOf('b', 5))
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'a 4', 'b 4'])
    })

    it('removes what is older than `ageMs`, and nothing that is not ("No event older than this")', async () => {
      const { log, clock } = await open({ retention: [{ selector: '**', ageMs: 1000 }] })
      const [old] = await appendTo(log, ...eventsOf('a', 1))
      clock.advance(600)
      await appendTo(log, ...eventsOf('b', 1))
      clock.advance(400)
      await log.trim()
      expect(await readAll(log)).toHaveLength(2)
      clock.advance(1)
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['b 0'])
      expect(await log.floor(undefined)).toBe(old)
    })

    it('keeps the newest `count` of all that the rule governs together ("the oldest go first")', async () => {
      const { log } = await open({ retention: [{ selector: 'a/*', count: 3 }] })
      await appendTo(log, ...eventsOf('a/1', 2), ...eventsOf('other', 1), ...eventsOf('a/2', 2), ...eventsOf('a/1', 1))
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['other 0', 'a/2 0', 'a/2 1', 'a/1 0'])
    })

    it('keeps the newest `bytes`, of names and data as UTF-8', async () => {
      const { log } = await open({ retention: [{ selector: '**', bytes: 30 }] })
      const event = { topic: 'abc', data: '한', key: 'k', type: 'ty', eventId: 'i' }
      await appendTo(log, event, event, event)
      await log.trim()
      expect(await readAll(log)).toHaveLength(3)
      await appendTo(log, { topic: 'a', data: '' })
      await log.trim()
      expect(await readAll(log)).toHaveLength(3)
    })

    it('removes everything under a limit of 0, and an event that is over the limit alone', async () => {
      const { log } = await open({
        retention: [
          { selector: 'none', count: 0 },
          { selector: 'small', bytes: 10 },
        ],
      })
      await appendTo(log, ...eventsOf('none', 2), { topic: 'small', data: 'x'.repeat(100) })
      await log.trim()
      expect(await readAll(log)).toEqual([])
      expect(await log.topics({ limit: 10 })).toEqual([])
      expect((await log.head()).offset).toBeGreaterThan(0)
    })

    it('goes by the first rule that matches ("First match wins")', async () => {
      const { log } = await open({
        retention: [{ selector: 'a/keep' }, { selector: 'a/**', count: 1 }, { selector: '**', count: 2 }],
      })
      await appendTo(log, ...eventsOf('a/keep', 4), ...eventsOf('a/x', 4), ...eventsOf('b', 4))
      await log.trim()
      const left = await readAll(log)
      expect(dataOf(left)).toEqual(['a/keep 0', 'a/keep 1', 'a/keep 2', 'a/keep 3', 'a/x 3', 'b 2', 'b 3'])
    })

    it('removes an ephemeral event at its next turn', async () => {
      const { log } = await open({ retention: [{ selector: 'now/*', ephemeral: true }] })
      const [, gone] = await appendTo(log, ...eventsOf('stays', 1), ...eventsOf('now/here', 1))
      await log.trim()
      expect(dataOf(await readAll(log))).toEqual(['stays 0'])
      expect(await log.floor(select('now/*'))).toBe(gone)
    })

    describe('keepLatest ("Never drop the newest event of a (topic, key)")', () => {
      const states = (topic: string, ...keys: string[]) =>
        keys.map((key, i) => ({ topic, key, data: `${topic} ${key} ${i}` }))

      it('spares the newest of each key, whatever the other limits say', async () => {
        const { log, clock } = await open({ retention: [{ selector: 's/*', keepLatest: true, count: 0 }] })
        await appendTo(log, ...states('s/1', 'x', 'y', 'x', '', 'y'), ...states('s/2', 'x'))
        clock.advance(1e9)
        await log.trim()
        expect(dataOf(await readAll(log))).toEqual(['s/1 x 2', 's/1  3', 's/1 y 4', 's/2 x 0'])
      })

      it('removes a spared event once another supersedes it', async () => {
        const { log, clock } = await open({ retention: [{ selector: '**', keepLatest: true, ageMs: 1000 }] })
        const [first] = await appendTo(log, ...states('s', 'x'))
        clock.advance(5000)
        await log.trim()
        expect(await readAll(log)).toHaveLength(1)
        await appendTo(log, { topic: 's', key: 'x', data: 'new' })
        await log.trim()
        expect(dataOf(await readAll(log))).toEqual(['new'])
        expect(await log.floor(select('s'))).toBe(first)
      })

      it('lets spared events count, so that others make room for them', async () => {
        const { log } = await open({ retention: [{ selector: '**', keepLatest: true, count: 3 }] })
        await appendTo(log, ...states('s', 'x', 'y'), ...states('t', 'z', 'z', 'z'))
        await log.trim()
        expect(dataOf(await readAll(log))).toEqual(['s x 0', 's y 1', 't z 2'])
      })

      it('keeps the end of a topic that is spared', async () => {
        const { log } = await open({ retention: [{ selector: '**', keepLatest: true, count: 0 }] })
        const [, end] = await appendTo(log, { topic: 's', data: '1' }, { topic: 's', data: '2', end: true })
        await log.trim()
        expect(await log.topic('s')).toEqual({ topic: 's', events: 1, first: end, last: end, end })
        await expect(log.append(eventsOf('s', 1))).rejects.toMatchObject({ code: 'topic-ended' })
      })
    })

    it('removes many events, in the middle of others, and leaves the rest whole', async () => {
      const { log } = await open({ retention: [{ selector: 'busy/*', count: 10 }] })
      const kept: number[] = []
      for (let i = 0; i < 30; i++) {
        kept.push(...(await appendTo(log, ...eventsOf('quiet', 1))))
        await appendTo(log, ...eventsOf(`busy/${i % 3}`, 200))
      }
      await log.trim()
      expect(offsetsOf(await readAll(log, { selectors: select('quiet') }))).toEqual(kept)
      expect(await readAll(log, { selectors: select('busy/*') })).toHaveLength(10)
      expect(await readAll(log)).toHaveLength(40)
      const last = kept.at(-1) as number
      expect(await readAll(log, { selectors: select('busy/2', 'quiet') }, last - 1)).toHaveLength(11)
    })

    it('goes on while others append and read', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 50 }] })
      const appending = Promise.all(Array.from({ length: 40 }, (_, i) => log.append(eventsOf(`t/${i % 4}`, 25))))
      await Promise.all([log.trim(), readAll(log), appending, log.trim()])
      await log.trim()
      const left = await readAll(log)
      expect(left).toHaveLength(50)
      expect(left.at(-1)?.offset).toBe((await log.head()).offset)
    })

    it('has its turns by itself ("Time between two turns of retention")', async () => {
      const { log, clock } = await open({ retention: [{ selector: '**', ageMs: 1000 }], trimIntervalMs: 5 })
      await appendTo(log, ...eventsOf('a', 3))
      clock.advance(1001)
      await vi.waitFor(async () => expect(await readAll(log)).toEqual([]), 10_000)
    })

    it('gives no offset again when everything was removed', async () => {
      const { log } = await open({ retention: [{ selector: '**', ephemeral: true }] })
      const first = await appendTo(log, ...eventsOf('a', 3))
      await log.trim()
      expect((await log.head()).offset).toBe(first[2])
      const [next] = await appendTo(log, ...eventsOf('a', 1))
      expect(next).toBeGreaterThan(first[2] as number)
    })
  })

  describe('floor ("The greatest offset of a matching event that retention may have removed; 0: none")', () => {
    const retention = [
      { selector: 'ticker/**', count: 2 },
      { selector: 'night/**', count: 100 },
    ]

    async function same(log: EventLog, texts: readonly string[] | undefined): Promise<number> {
      const selectors = texts && select(...texts)
      const floor = await log.floor(selectors)
      expect(await log.read(0, { selectors, maxEvents: 1, maxBytes: 1 })).toMatchObject({ floor })
      return floor
    }

    it('is not below what was removed, of any selector that selects it', async () => {
      const { log } = await open({ retention })
      const offsets = await appendTo(log, ...eventsOf('ticker/1', 5))
      await log.trim()
      for (const text of ['ticker/1', 'ticker/*', '**', '*/1', 'ticker/**']) {
        expect(await same(log, [text])).toBe(offsets[2])
      }
      expect(await same(log, undefined)).toBe(offsets[2])
      expect(await same(log, ['night/x', 'ticker/1'])).toBe(offsets[2])
    })

    it('is not raised by what another rule removed', async () => {
      const { log } = await open({ retention })
      await appendTo(log, ...eventsOf('night/mail', 3), ...eventsOf('ticker/1', 50))
      await log.trim()
      for (const text of ['night/mail', 'night/*', 'night/**', 'elsewhere', 'elsewhere/**']) {
        expect(await same(log, [text])).toBe(0)
      }
    })

    it('is not raised by a rule that comes after the one that governs all that is selected', async () => {
      const { log } = await open({ retention: [{ selector: 'night/**' }, { selector: '**', count: 2 }] })
      await appendTo(log, ...eventsOf('night/mail', 3), ...eventsOf('ticker', 50))
      await log.trim()
      expect(await same(log, ['night/*'])).toBe(0)
      expect(await same(log, ['night/**', 'night/mail'])).toBe(0)
      expect(await same(log, ['*'])).toBeGreaterThan(0)
    })

    it('is not raised, of a topic that holds events, by what its rule removed of others', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 4 }] })
      const offsets = await appendTo(log, ...eventsOf('old', 1), ...eventsOf('a', 1), ...eventsOf('b', 2))
      await log.trim()
      await appendTo(log, { topic: 'a', data: 'a 1' })
      await log.trim()
      expect(await same(log, ['a'])).toBe(0)
      expect(await same(log, ['b'])).toBe(0)
      // Nothing is left of it to remember what it lost.
      expect(await same(log, ['old'])).toBe(offsets[0])
      expect(await same(log, ['*'])).toBe(offsets[0])
    })

    it('is remembered of a topic that comes back after it was empty', async () => {
      const { log } = await open({ retention: [{ selector: '**', ephemeral: true }] })
      const offsets = await appendTo(log, ...eventsOf('a', 2))
      await log.trim()
      await appendTo(log, ...eventsOf('a', 1))
      expect(await same(log, ['a'])).toBe(offsets[1])
    })

    it('is raised by the removal of a superseded event too', async () => {
      const { log } = await open({ retention: [{ selector: '**', keepLatest: true, count: 1 }] })
      const offsets = await appendTo(log, { topic: 'a', key: 'x', data: '1' }, ...eventsOf('a', 3))
      await log.trim()
      expect(await same(log, ['a'])).toBe(offsets[2])
    })
  })
}
