import { describe, expect, it } from 'vitest'
import { appendTo, checkPage, dataOf, eventsOf, Follower, type OpenLog, offsetsOf, readAll } from './harness.js'

/** `EventLog.follow`, but for epochs. */
export function followChapter(open: OpenLog): void {
  describe('follow', () => {
    it('gives what is there, then what is appended, each page beginning where the one before ended', async () => {
      const { log } = await open()
      const before = await appendTo(log, ...eventsOf('a', 3))
      const follower = new Follower(log, before[0] as number)
      await follower.through(before[2] as number)
      const after: number[] = []
      for (let i = 0; i < 10; i++) after.push(...(await appendTo(log, ...eventsOf('b', 2))))
      await follower.through(after.at(-1) as number)
      expect(offsetsOf(follower.events)).toEqual([...before.slice(1), ...after])
      let cursor = before[0] as number
      for (const page of follower.pages) {
        checkPage(page, cursor)
        cursor = page.through
      }
      expect(follower.pages.at(-1)?.head).toEqual(await log.head())
      follower.stop()
    })

    it('waits at the head, and wakes for an append', async () => {
      const { log } = await open()
      const follower = new Follower(log, 0)
      const [offset] = await appendTo(log, ...eventsOf('a', 1))
      await follower.through(offset as number)
      expect(dataOf(follower.events)).toEqual(['a 0'])
      follower.stop()
    })

    it('gives many followers, each at a place of its own, the same events', async () => {
      const { log } = await open()
      const offsets = [...(await appendTo(log, ...eventsOf('a', 20)))]
      const followers = offsets.map(offset => new Follower(log, offset))
      for (let i = 0; i < 20; i++) offsets.push(...(await appendTo(log, ...eventsOf('b', 1))))
      await Promise.all(followers.map(follower => follower.through(offsets.at(-1) as number)))
      for (const [i, follower] of followers.entries()) {
        expect(offsetsOf(follower.events)).toEqual(offsets.slice(i + 1))
        follower.stop()
      }
    })

    it('bounds its pages ("A page holds at most about 256 KiB of data, or one event")', async () => {
      const { log } = await open()
      const follower = new Follower(log, 0)
      const sizes = [1, 200_000, 100_000, 100_000, 600_000, 1, 1, 250_000, 10]
      const offsets = await appendTo(log, ...sizes.map(size => ({ topic: 'a', data: 'x'.repeat(size) })))
      await appendTo(log, ...eventsOf('b', 1000, { data: 'y'.repeat(1000) }))
      const { offset } = await log.head()
      await follower.through(offset)
      for (const { events } of follower.pages) {
        const bytes = events.reduce((sum, event) => sum + event.data.length, 0)
        if (events.length > 1) expect(bytes).toBeLessThanOrEqual(300_000)
      }
      expect(offsetsOf(follower.events.slice(0, sizes.length))).toEqual(offsets)
      expect(follower.events).toHaveLength(sizes.length + 1000)
      follower.stop()
    })

    it('gives no event before every reader can see it', async () => {
      const { log } = await open()
      const follower = new Follower(log, 0)
      const appends = Promise.all(Array.from({ length: 20 }, () => log.append(eventsOf('a', 2))))
      let seen = 0
      while (seen < 40) {
        const { value } = await follower.next()
        if (value) seen += value.events.length
        expect((await readAll(log)).length).toBeGreaterThanOrEqual(seen)
      }
      await appends
      follower.stop()
    })

    it('goes on after what retention has removed, and says so in `floor`', async () => {
      const { log } = await open({ retention: [{ selector: '**', count: 2 }] })
      const offsets = await appendTo(log, ...eventsOf('a', 5))
      await log.trim()
      const follower = new Follower(log, 0)
      await follower.through(offsets[4] as number)
      expect(offsetsOf(follower.events)).toEqual(offsets.slice(3))
      expect(follower.pages[0]).toMatchObject({ from: 0, floor: offsets[2] })
      follower.stop()
    })

    it('ends when its signal aborts ("Ends when signal aborts")', async () => {
      const { log } = await open()
      await appendTo(log, ...eventsOf('a', 1))
      const waiting = new Follower(log, (await log.head()).offset)
      const next = waiting.next()
      waiting.stop()
      expect(await next).toMatchObject({ done: true })
      const ended: AsyncIterator<unknown> = log.follow(0, AbortSignal.abort())[Symbol.asyncIterator]()
      expect(await ended.next()).toMatchObject({ done: true })
      // Nobody else notices.
      const other = new Follower(log, 0)
      await other.until(() => other.events.length === 1)
      other.stop()
    })

    it('can be left in the middle', async () => {
      const { log } = await open()
      await appendTo(log, ...eventsOf('a', 1))
      const abort = new AbortController()
      for await (const page of log.follow(0, abort.signal)) {
        if (page.events.length > 0) break
      }
      await appendTo(log, ...eventsOf('a', 1))
      expect(await readAll(log)).toHaveLength(2)
    })
  })
}
