import { describe, expect, it } from 'vitest'
import type { EventLog } from '../../../src/log/log.js'
import { appendTo, dataOf, eventsOf, Follower, type LogFactory, type OpenLog, readAll, select } from './harness.js'

const everything: readonly [string, (log: EventLog) => Promise<unknown>][] = [
  ['append', log => log.append(eventsOf('a', 1))],
  ['read', log => log.read(0, { maxEvents: 1, maxBytes: 1 })],
  ['follow', log => log.follow(0, new AbortController().signal)[Symbol.asyncIterator]().next()],
  ['head', log => log.head()],
  ['beginEpoch', log => log.beginEpoch('x')],
  ['offsetBefore', log => log.offsetBefore(1)],
  ['floor', log => log.floor(undefined)],
  ['topic', log => log.topic('a')],
  ['topics', log => log.topics({ limit: 1 })],
  ['usage', log => log.usage()],
  ['trim', log => log.trim()],
  ['setRetention', log => log.setRetention([])],
]

/** `EventLog.close`, and what a persistent log holds afterwards. */
export function closingChapter(open: OpenLog, factory: LogFactory): void {
  describe('close', () => {
    it.each(everything)('rejects %s afterwards ("log-unavailable ... after close")', async (_, ask) => {
      const { log } = await open()
      await log.close()
      await expect(ask(log)).rejects.toMatchObject({ name: 'TidingsError', code: 'log-unavailable' })
    })

    it('can be said twice', async () => {
      const { log } = await open()
      await Promise.all([log.close(), log.close()])
      await log.close()
    })

    it('lets what was asked finish', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 10 }] })
      await appendTo(log, ...eventsOf('a', 100))
      const asked = Promise.all([
        log.append(eventsOf('b', 3)),
        log.read(0, { maxEvents: 5, maxBytes: 1000 }),
        log.trim(),
      ])
      await log.close()
      expect((await asked)[0]).toHaveLength(3)
    })

    it('ends followers ("Followers end")', async () => {
      const { log } = await open()
      const [offset] = await appendTo(log, ...eventsOf('a', 1))
      const waiting = new Follower(log, offset as number)
      const reading = new Follower(log, 0)
      await reading.through(offset as number)
      const next = [waiting.next(), reading.next()]
      await log.close()
      for (const result of await Promise.all(next)) expect(result).toMatchObject({ done: true })
    })
  })

  if (!factory.persistent) return

  describe('reopen', () => {
    it('holds everything that it held, in the same history', async () => {
      const { log, reopen } = await open()
      await appendTo(log, { topic: 'a', data: '1', key: 'k', type: 't', eventId: 'e' }, ...eventsOf('b', 5))
      await appendTo(log, { topic: 'c', data: 'last', end: true })
      const before = { events: await readAll(log), head: await log.head(), topics: await log.topics({ limit: 9 }) }
      const again = await reopen()
      expect(await readAll(again)).toEqual(before.events)
      expect(await again.head()).toEqual(before.head)
      expect(await again.topics({ limit: 9 })).toEqual(before.topics)
      expect(dataOf(await readAll(again, { selectors: select('b') }))).toHaveLength(5)
      expect(await readAll(again, { newest: true })).toHaveLength(3)
      await expect(again.append(eventsOf('c', 1))).rejects.toMatchObject({ code: 'topic-ended' })
      const [next] = await again.append(eventsOf('a', 1))
      expect(next).toMatchObject({ epoch: before.head.epochs.at(-1)?.epoch })
      expect(next?.offset).toBeGreaterThan(before.head.offset)
    })

    it('remembers tokens, the time, histories and floors', async () => {
      const { log, clock, reopen } = await open({ retention: [{ selector: 'a/*', count: 1 }] })
      const event = { topic: 'a/1', data: '1', once: { token: 't', digest: 'd' } }
      const first = await log.append([event])
      await log.append(eventsOf('a/2', 3))
      await log.trim()
      await log.beginEpoch(first[0]?.epoch ?? '')
      const before = {
        head: await log.head(),
        floors: [await log.floor(undefined), await log.floor(select('a/2', 'b'))],
      }
      clock.advance(-10_000)
      const again = await reopen()
      expect(await again.append([event])).toEqual(first)
      expect(await again.head()).toEqual(before.head)
      expect([await again.floor(undefined), await again.floor(select('a/2', 'b'))]).toEqual(before.floors)
      await again.append(eventsOf('b', 1))
      expect((await again.head()).time).toBe(before.head.time)
    })

    it('knows its head when nothing is left', async () => {
      const { log, reopen } = await open({ retention: [{ selector: '**', ephemeral: true }] })
      await appendTo(log, ...eventsOf('a', 4))
      await log.trim()
      const head = await log.head()
      const again = await reopen()
      expect(await again.head()).toEqual(head)
      expect(await again.floor(select('a'))).toBe(head.offset)
    })

    it('takes other rules, and says no less to be missing than before', async () => {
      const { log, reopen } = await open({ retention: [{ selector: 'a/*', count: 2 }] })
      const offsets = await appendTo(log, ...eventsOf('a/1', 5), ...eventsOf('b', 5))
      await log.trim()
      const again = await reopen({
        retention: [
          { selector: 'b', count: 1 },
          { selector: 'a/1', count: 1 },
        ],
      })
      expect(await again.floor(select('a/*'))).toBeGreaterThanOrEqual(offsets[2] as number)
      expect(await again.floor(select('a/1'))).toBeGreaterThanOrEqual(offsets[2] as number)
      expect(await again.floor(select('b'))).toBe(0)
      await again.trim()
      expect(dataOf(await readAll(again))).toEqual(['a/1 4', 'b 4'])
      const none = await reopen({ retention: [] })
      expect(await none.floor(select('a/1'))).toBeGreaterThanOrEqual(offsets[3] as number)
      await appendTo(none, ...eventsOf('b', 5))
      await none.trim()
      expect(await readAll(none)).toHaveLength(7)
    })
  })
}
