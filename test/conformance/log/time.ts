import { describe, expect, it } from 'vitest'
import { appendTo, eventsOf, type OpenLog, readAll } from './harness.js'

/** `LogEvent.time`, `EventLog.offsetBefore`. */
export function timeChapter(open: OpenLog): void {
  describe('time', () => {
    it('is that of the append ("given at append")', async () => {
      const { log, clock } = await open()
      const { now } = clock
      await appendTo(log, ...eventsOf('a', 2))
      clock.advance(1)
      await appendTo(log, ...eventsOf('a', 1))
      expect((await readAll(log)).map(event => event.time)).toEqual([now, now, now + 1])
      expect((await log.head()).time).toBe(now + 1)
    })

    it('never goes back ("the greater of the last event\'s and the clock")', async () => {
      const { log, clock } = await open()
      const { now } = clock
      await appendTo(log, ...eventsOf('a', 1))
      clock.advance(-3_600_000)
      await appendTo(log, ...eventsOf('a', 1))
      clock.advance(3_600_001)
      await appendTo(log, ...eventsOf('a', 1))
      expect((await readAll(log)).map(event => event.time)).toEqual([now, now, now + 1])
    })

    it('is searched ("The greatest offset of an event with a time before `time`; 0: there is none")', async () => {
      const { log, clock } = await open()
      expect(await log.offsetBefore(clock.now)).toBe(0)
      const start = clock.now
      const offsets: number[] = []
      for (let i = 0; i < 12; i++) {
        offsets.push(...(await appendTo(log, ...eventsOf(`t${i % 3}`, 2))))
        clock.advance(100)
      }
      expect(await log.offsetBefore(0)).toBe(0)
      expect(await log.offsetBefore(start)).toBe(0)
      for (let i = 1; i < 12; i++) {
        const last = offsets[i * 2 - 1]
        expect(await log.offsetBefore(start + i * 100)).toBe(last)
        expect(await log.offsetBefore(start + i * 100 - 99)).toBe(last)
      }
      expect(await log.offsetBefore(start + 1e9)).toBe(offsets.at(-1))
      expect(await log.offsetBefore(Number.MAX_SAFE_INTEGER)).toBe(offsets.at(-1))
    })

    it('is searched among many events of one time, and after retention', async () => {
      const { log, clock } = await open({ retention: [{ selector: '**', count: 700 }] })
      const start = clock.now
      await appendTo(log, ...eventsOf('a', 900))
      clock.advance(1)
      await appendTo(log, ...eventsOf('b', 300))
      await log.trim()
      const boundary = await log.offsetBefore(start + 1)
      for (const event of await readAll(log)) expect(event.time < start + 1).toBe(event.offset <= boundary)
    })
  })
}
