import { describe, expect, it } from 'vitest'
import { appendTo, eventsOf, type OpenLog } from './harness.js'

/** `EventLog.usage`. */
export function usageChapter(open: OpenLog): void {
  describe('usage', () => {
    it('of an empty log is nothing', async () => {
      const { log } = await open()
      const { storedBytes, maxStoredBytes, ...usage } = await log.usage()
      expect(usage).toEqual({ events: 0, bytes: 0, oldestTime: 0 })
      expect(storedBytes).toBeLessThan(maxStoredBytes)
    })

    it('is what it holds ("As `RetentionRule.bytes` counts them", "The time of the oldest event")', async () => {
      const { log, clock } = await open({ retention: [{ selector: 'a', count: 10 }, { selector: 'b' }] })
      const { now } = clock
      await appendTo(log, ...eventsOf('a', 10))
      clock.advance(1)
      await appendTo(log, ...eventsOf('a', 4), ...eventsOf('b', 1), {
        topic: '한',
        data: '국',
        key: 'k',
        type: 't',
        eventId: 'e',
      })
      await log.trim()
      // Of topic a the events 4 to 9 and 0 to 3, "a" and "a 4" each; one of b; and one of 3 + 3 + 1 + 1 + 1 bytes.
      expect(await log.usage()).toMatchObject({ events: 12, bytes: 10 * 4 + 4 + 9, oldestTime: now })
      await appendTo(log, ...eventsOf('a', 10))
      await log.trim()
      expect(await log.usage()).toMatchObject({ events: 12, oldestTime: now + 1 })
    })

    it('grows in the store with what is held', async () => {
      const { log } = await open()
      const before = await log.usage()
      await appendTo(log, ...Array.from({ length: 200 }, () => ({ topic: 'a', data: 'x'.repeat(1_000) })))
      const after = await log.usage()
      expect(after.storedBytes).toBeGreaterThan(before.storedBytes + 200_000)
      expect(after.maxStoredBytes).toBe(before.maxStoredBytes)
    })
  })
}
