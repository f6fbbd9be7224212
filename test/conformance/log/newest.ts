import { describe, expect, it } from 'vitest'
import { appendTo, dataOf, type LogFactory, type OpenLog, readAll, select } from './harness.js'

const state = (topic: string, key: string, data: string) => ({ topic, key, data })

/** `ReadOptions.newest`. */
export function newestChapter(open: OpenLog, factory: LogFactory): void {
  describe('newest ("Only events that are the newest of their topic and key at the moment of the read")', () => {
    it('gives the newest of each topic and key, in log order', async () => {
      const { log } = await open()
      await appendTo(
        log,
        state('a', '', 'a1'),
        state('a', 'x', 'ax1'),
        state('b', 'x', 'bx1'),
        state('a', 'x', 'ax2'),
        state('c', '', 'c1'),
        state('a', '', 'a2'),
      )
      expect(dataOf(await readAll(log, { newest: true }))).toEqual(['bx1', 'ax2', 'c1', 'a2'])
      expect(dataOf(await readAll(log, { newest: true, selectors: select('a') }))).toEqual(['ax2', 'a2'])
      expect(dataOf(await readAll(log, { newest: true, selectors: select('c', 'b') }))).toEqual(['bx1', 'c1'])
      expect(dataOf(await readAll(log, { newest: true, selectors: select('*') }))).toEqual(['bx1', 'ax2', 'c1', 'a2'])
      expect(dataOf(await readAll(log, { newest: true, selectors: select('z', 'z/**') }))).toEqual([])
    })

    it('keeps to the cursor, to `through` and to the limits', async () => {
      const { log } = await open()
      const offsets = await appendTo(log, ...Array.from({ length: 12 }, (_, i) => state('a', `k${i % 6}`, String(i))))
      const newest = ['6', '7', '8', '9', '10', '11']
      for (const selectors of [undefined, select('a'), select('*')]) {
        const options = { newest: true, selectors }
        expect(dataOf(await readAll(log, { ...options, maxEvents: 1 }))).toEqual(newest)
        expect(dataOf(await readAll(log, { ...options, maxBytes: 1 }))).toEqual(newest)
        expect(dataOf(await readAll(log, options, offsets[8]))).toEqual(newest.slice(3))
        expect(dataOf(await readAll(log, { ...options, through: offsets[8] as number }))).toEqual(newest.slice(0, 3))
        expect(dataOf(await readAll(log, { ...options, through: offsets[5] as number }))).toEqual([])
      }
    })

    it('tells keys apart that look alike, and the same key in different topics', async () => {
      const { log } = await open()
      const keys = ['', ' ', 'a', 'A', 'a/b', '한', 'ä', 'a\u0308']
      const states = ['t', 'ta', 't/a'].flatMap(topic => keys.map(key => state(topic, key, `${topic}|${key}`)))
      await appendTo(log, ...states, ...states)
      expect(dataOf(await readAll(log, { newest: true }))).toEqual(dataOf(states))
      expect(dataOf(await readAll(log, { newest: true, selectors: select('t') }))).toEqual(dataOf(states.slice(0, 8)))
    })

    it('gives few of many quickly: what is skipped costs nothing', async () => {
      const { log } = await open()
      for (let i = 0; i < 10; i++) {
        await log.append(Array.from({ length: 1000 }, (_, j) => state('a', `k${j % 3}`, `${i} ${j}`)))
      }
      const newest = ['9 997', '9 998', '9 999']
      expect(dataOf(await readAll(log, { newest: true }))).toEqual(newest)
      if (factory.endsPagesEarly) return
      const page = await log.read(0, { newest: true, maxEvents: 10, maxBytes: 1 << 20 })
      expect(dataOf(page.events)).toEqual(newest)
      expect(page.through).toBe(page.head.offset)
    })

    it('gives no event that retention has removed, nor an older one in its place', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 2 }] })
      await appendTo(log, state('a', 'x', '1'), state('a', 'x', '2'), state('a', 'y', '3'), state('b', 'x', '4'))
      await log.trim()
      expect(dataOf(await readAll(log, { newest: true }))).toEqual(['3', '4'])
      await appendTo(log, state('a', 'x', '5'))
      await log.trim()
      expect(dataOf(await readAll(log, { newest: true }))).toEqual(['4', '5'])
      expect(dataOf(await readAll(log, { newest: true, selectors: select('a') }))).toEqual(['5'])
    })
  })
}
