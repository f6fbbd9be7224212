import { describe, expect, it } from 'vitest'
import {
  appendTo,
  checkPage,
  dataOf,
  eventsOf,
  type LogFactory,
  type OpenLog,
  offsetsOf,
  readAll,
  select,
} from './harness.js'

const page = { maxEvents: 1000, maxBytes: 1 << 20 }

/** `EventLog.read`, but for `newest` and `floor`. */
export function readChapter(open: OpenLog, factory: LogFactory): void {
  describe('read', () => {
    it('gives an empty page of an empty log', async () => {
      const { log } = await open()
      expect(await log.read(0, page)).toMatchObject({
        from: 0,
        through: 0,
        events: [],
        floor: 0,
        head: { offset: 0, time: 0 },
      })
      expect(await log.read(0, { ...page, selectors: select('a', 'b/**') })).toMatchObject({ through: 0, events: [] })
    })

    it('gives what comes after the cursor ("all matching events with from < offset <= through, in order")', async () => {
      const { log } = await open()
      const offsets = await appendTo(log, ...eventsOf('a', 5))
      const after = offsets[1] as number
      const read = await log.read(after, page)
      checkPage(read, after)
      expect(offsetsOf(read.events)).toEqual(offsets.filter(offset => offset > after && offset <= read.through))
      expect(offsetsOf(await readAll(log, {}, after))).toEqual(offsets.slice(2))
      expect(read.head).toEqual(await log.head())
    })

    it('gives nothing at the head, and nothing beyond it ("through is after only if there is nothing after it to read")', async () => {
      const { log } = await open()
      await appendTo(log, ...eventsOf('a', 2))
      const { offset } = await log.head()
      for (const after of [offset, offset + 1, offset + 1_000_000]) {
        expect(await log.read(after, page)).toMatchObject({ from: after, through: after, events: [] })
        expect(await log.read(after, { ...page, selectors: select('a') })).toMatchObject({ through: after, events: [] })
      }
    })

    it('stops after so many events ("maxEvents")', async () => {
      const { log } = await open()
      const offsets = await appendTo(log, ...eventsOf('a', 10))
      for (const selectors of [undefined, select('a'), select('*')]) {
        const read = await log.read(0, { ...page, selectors, maxEvents: 4 })
        expect(read.events.length).toBeLessThanOrEqual(4)
        expect(offsetsOf(read.events)).toEqual(offsets.filter(offset => offset <= read.through))
        expect(dataOf(await readAll(log, { selectors, maxEvents: 1 }))).toEqual(dataOf(eventsOf('a', 10)))
      }
    })

    it('stops after the event with which its data come to so many bytes ("maxBytes")', async () => {
      const { log } = await open()
      const offsets = await appendTo(log, ...eventsOf('a', 6, { data: 'x'.repeat(1000) }))
      for (const selectors of [undefined, select('a')]) {
        const two = await log.read(0, { ...page, selectors, maxBytes: 1500 })
        expect(two.events.length).toBeLessThanOrEqual(2)
        expect(offsetsOf(two.events)).toEqual(offsets.filter(offset => offset <= two.through))
        expect((await log.read(0, { ...page, selectors, maxBytes: 1 })).events.length).toBeLessThanOrEqual(1)
        expect(await readAll(log, { selectors, maxBytes: 1 })).toHaveLength(6)
      }
    })

    it('gives nothing above `through`', async () => {
      const { log } = await open()
      const offsets = await appendTo(log, ...eventsOf('a', 3), ...eventsOf('b', 3))
      const through = offsets[3] as number
      expect(offsetsOf(await readAll(log, { through }, offsets[0]))).toEqual(offsets.slice(1, 4))
      expect((await log.read(offsets[0] as number, { ...page, through })).through).toBeLessThanOrEqual(through)
      expect(offsetsOf(await readAll(log, { through, selectors: select('b') }))).toEqual([through])
      expect(await log.read(through, { ...page, through })).toMatchObject({ through, events: [] })
      expect(await log.read(through, { ...page, through: through - 1 })).toMatchObject({ through, events: [] })
      expect(await readAll(log, { through: through + 1_000_000 })).toHaveLength(6)
    })

    it('gives what one of the selectors selects, once ("all matching events")', async () => {
      const { log } = await open()
      const topics = ['a', 'a/b', 'a/b/c', 'b', '$hub', 'a', 'b/b', 'c', 'a/b']
      await appendTo(log, ...topics.map(topic => ({ topic, data: topic })))
      const read = async (...texts: string[]) => dataOf(await readAll(log, { selectors: select(...texts) }))
      expect(await read('a')).toEqual(['a', 'a'])
      expect(await read('a', 'b', 'a')).toEqual(['a', 'b', 'a'])
      expect(await read('c', 'a/b', 'b/b')).toEqual(['a/b', 'b/b', 'c', 'a/b'])
      expect(await read('*')).toEqual(['a', 'b', 'a', 'c'])
      expect(await read('a/**')).toEqual(['a', 'a/b', 'a/b/c', 'a', 'a/b'])
      expect(await read('*/b', 'a/b')).toEqual(['a/b', 'b/b', 'a/b'])
      expect(await read('**')).toEqual(topics.filter(topic => topic !== '$hub'))
      expect(await read('$hub')).toEqual(['$hub'])
      expect(await read('none', 'none/**')).toEqual([])
      expect(dataOf(await readAll(log))).toEqual(topics)
    })

    it('moves the cursor of a reader to whom nothing matches ("A page may be empty, and yet move through")', async () => {
      const { log } = await open()
      await appendTo(log, ...eventsOf('busy', 50))
      const { offset } = await log.head()
      for (const selectors of [select('quiet'), select('quiet/**')]) {
        let cursor = 0
        while (cursor < offset) {
          const read = await log.read(cursor, { ...page, selectors })
          expect(read.events).toEqual([])
          expect(read.through).toBeGreaterThan(cursor)
          cursor = read.through
        }
      }
    })

    it('replays one topic among many, also from the middle', async () => {
      const { log } = await open()
      const all: { topic: string; data: string }[] = []
      for (let i = 0; i < 900; i++) all.push({ topic: i % 7 === 0 ? 'mine' : `other/${i % 40}`, data: String(i) })
      const offsets: number[] = []
      for (let i = 0; i < all.length; i += 300) offsets.push(...(await appendTo(log, ...all.slice(i, i + 300))))
      const mine = all.flatMap((event, i) => (event.topic === 'mine' ? [offsets[i] as number] : []))
      expect(offsetsOf(await readAll(log, { selectors: select('mine'), maxEvents: 17 }))).toEqual(mine)
      const middle = offsets[450] as number
      const seen = await readAll(log, { selectors: select('mine') }, middle)
      expect(offsetsOf(seen)).toEqual(mine.filter(offset => offset > middle))
    })

    if (!factory.endsPagesEarly) {
      it('reads few events among many at once ("costs what that topic holds, not what others hold")', async () => {
        const { log } = await open()
        const mine: number[] = []
        for (let i = 0; i < 12; i++) {
          await log.append(eventsOf(`other/${i % 3}`, 1000))
          if (i % 4 === 0) mine.push(...(await appendTo(log, ...eventsOf('mine', 1))))
        }
        const read = await log.read(0, { ...page, selectors: select('mine', 'none') })
        expect(offsetsOf(read.events)).toEqual(mine)
        expect(read.through).toBe(read.head.offset)
      })
    }

    it("reads a topic whose name begins another's, and odd names, as themselves", async () => {
      const { log } = await open()
      const names = [
        'a',
        'a ',
        'aa',
        'a/',
        '/a',
        'a//b',
        'a/b',
        'A',
        'ä',
        'a\u0308',
        '🙂',
        '한국/서울',
        'a-1',
        'a.b',
        '{}',
      ]
      await appendTo(log, ...names.map(topic => ({ topic, data: topic })))
      for (const name of names) expect(dataOf(await readAll(log, { selectors: select(name) }))).toEqual([name])
    })
  })
}
