import { describe, expect, it } from 'vitest'
import { appendTo, eventsOf, type OpenLog, select } from './harness.js'

/** `EventLog.topic`, `EventLog.topics`. */
export function topicsChapter(open: OpenLog): void {
  describe('topics', () => {
    it('says what a topic holds', async () => {
      const { log } = await open()
      const offsets = await appendTo(log, ...eventsOf('a', 2), ...eventsOf('b', 1), {
        topic: 'a',
        data: 'z',
        end: true,
      })
      expect(await log.topic('a')).toEqual({
        topic: 'a',
        events: 3,
        first: offsets[0],
        last: offsets[3],
        end: offsets[3],
      })
      expect(await log.topic('b')).toEqual({
        topic: 'b',
        events: 1,
        first: offsets[2],
        last: offsets[2],
        end: undefined,
      })
      expect(await log.topic('c')).toBeUndefined()
    })

    it('says so after retention, and forgets a topic that holds nothing ("The topic, if it holds an event")', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 2 }] })
      const offsets = await appendTo(log, ...eventsOf('a', 1), ...eventsOf('b', 3))
      await log.trim()
      expect(await log.topic('a')).toBeUndefined()
      expect(await log.topics({ limit: 10 })).toEqual([
        { topic: 'b', events: 2, first: offsets[2], last: offsets[3], end: undefined },
      ])
      const [again] = await appendTo(log, ...eventsOf('a', 1))
      expect(await log.topic('a')).toMatchObject({ events: 1, first: again, last: again })
    })

    it('lists them by name in code-unit order, a page at a time', async () => {
      const { log } = await open()
      // By code units a surrogate comes before U+FFFD, by code points (and bytes of UTF-8) after it.
      const names = ['B', 'a', 'a/b', 'b', 'z', 'ä', '한', '\u{1F642}', '\uFFFD', '$hub', 'a b', 'a-']
      await appendTo(log, ...names.map(topic => ({ topic, data: '' })))
      const sorted = [...names].sort()
      const list = async (options: { after?: string; limit: number }) => (await log.topics(options)).map(t => t.topic)
      expect(await list({ limit: 100 })).toEqual(sorted)
      const paged: string[] = []
      for (;;) {
        const after = paged.at(-1)
        const page = await list(after === undefined ? { limit: 5 } : { after, limit: 5 })
        if (page.length === 0) break
        expect(page.length).toBeLessThanOrEqual(5)
        paged.push(...page)
      }
      expect(paged).toEqual(sorted)
      expect(await list({ after: 'a', limit: 2 })).toEqual(['a b', 'a-'])
      expect(await list({ after: 'aa', limit: 1 })).toEqual(['b'])
      expect(await list({ after: '\uFFFF', limit: 5 })).toEqual([])
    })

    it('lists those that match', async () => {
      const { log } = await open()
      await appendTo(log, ...['a', 'a/1', 'a/2', 'b/1', '$a'].map(topic => ({ topic, data: '' })))
      const list = async (...texts: string[]) =>
        (await log.topics({ limit: 10, selectors: select(...texts) })).map(info => info.topic)
      expect(await list('a/*')).toEqual(['a/1', 'a/2'])
      expect(await list('b/1', 'a', 'none')).toEqual(['a', 'b/1'])
      expect(await list('b/1', 'a/**')).toEqual(['a', 'a/1', 'a/2', 'b/1'])
      expect(await list('**')).toEqual(['a', 'a/1', 'a/2', 'b/1'])
      const next = await log.topics({ after: 'a/1', limit: 1, selectors: select('a/*', 'b/*') })
      expect(next.map(info => info.topic)).toEqual(['a/2'])
      const exact = await log.topics({ after: 'a', limit: 1, selectors: select('b/1', 'a/2', 'a') })
      expect(exact.map(info => info.topic)).toEqual(['a/2'])
    })
  })
}
