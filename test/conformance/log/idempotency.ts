import { describe, expect, it } from 'vitest'
import { appendTo, dataOf, eventsOf, type OpenLog, readAll } from './harness.js'

const named = (token: string, data = token, digest = data) => ({ topic: 'a', data, once: { token, digest } })

/** `NewEvent.once`. */
export function idempotencyChapter(open: OpenLog): void {
  describe('idempotency', () => {
    it('answers a repeat with the position of the first ("its position is the first one\'s")', async () => {
      const { log } = await open()
      const first = await log.append([named('1'), named('2')])
      await appendTo(log, ...eventsOf('b', 1))
      const { offset } = await log.head()
      expect(await log.append([named('1'), named('2')])).toEqual(first)
      expect((await log.head()).offset).toBe(offset)
      expect(await readAll(log)).toHaveLength(3)
    })

    it('appends only what is missing of a request that is repeated with more', async () => {
      const { log } = await open()
      const [one] = await log.append([named('1')])
      const positions = await log.append([named('0'), named('1'), named('2')])
      expect(positions[1]).toEqual(one)
      expect(dataOf(await readAll(log))).toEqual(['1', '0', '2'])
    })

    it('appends a token once that a batch has twice', async () => {
      const { log } = await open()
      const [first, second] = await log.append([named('1'), named('1')])
      expect(second).toEqual(first)
      expect(await readAll(log)).toHaveLength(1)
    })

    it('appends it once also when repeats are on their way together', async () => {
      const { log } = await open()
      const answers = await Promise.all(Array.from({ length: 8 }, () => log.append([named('1'), named('2')])))
      for (const answer of answers) expect(answer).toEqual(answers[0])
      expect(await readAll(log)).toHaveLength(2)
    })

    it('refuses other words under a token, and the rest of the batch ("another digest ... is a conflict")', async () => {
      const { log } = await open()
      await log.append([named('1')])
      const batch = [named('2'), named('1', 'other'), ...eventsOf('b', 1)]
      await expect(log.append(batch)).rejects.toMatchObject({ name: 'TidingsError', code: 'idempotency-conflict' })
      await expect(log.append([named('3', 'x'), named('3', 'y')])).rejects.toMatchObject({
        code: 'idempotency-conflict',
      })
      expect(await readAll(log)).toHaveLength(1)
      // What was refused is not remembered.
      await log.append([named('2', 'another'), named('3', 'z')])
      expect(await readAll(log)).toHaveLength(3)
    })

    it('answers the repeat of what ended a topic', async () => {
      const { log } = await open()
      const end = { ...named('end'), end: true }
      const first = await log.append([named('1'), end])
      expect(await log.append([named('1'), end])).toEqual(first)
      await expect(log.append([named('1'), end, named('2')])).rejects.toMatchObject({ code: 'topic-ended' })
    })

    it('remembers as long as it says ("How long a once is remembered at least")', async () => {
      const { log, clock } = await open({ idempotencyMs: 1000 })
      const first = await log.append([named('1')])
      clock.advance(1000)
      expect(await log.append([named('1')])).toEqual(first)
      await log.trim()
      expect(await log.append([named('1')])).toEqual(first)
    })

    it('remembers what retention has removed', async () => {
      const { log } = await open({ retention: [{ selector: '**', ephemeral: true }] })
      const first = await log.append([named('1')])
      await log.trim()
      expect(await log.append([named('1')])).toEqual(first)
      expect(await readAll(log)).toEqual([])
    })

    it('forgets the oldest of too many ("How many tokens are remembered; the oldest go first")', async () => {
      const { log } = await open({ maxOnce: 3 })
      const first: unknown[] = []
      for (const token of ['1', '2', '3', '4']) first.push(...(await log.append([named(token)])))
      expect(await log.append([named('4'), named('3'), named('2')])).toEqual([first[3], first[2], first[1]])
      for (let i = 0; i < 20; i++) await log.append([named(`more ${i}`)])
      await log.trim()
      const [again] = await log.append([named('1')])
      expect(again).not.toEqual(first[0])
    })

    it('takes tokens of full length, and tells alike ones apart', async () => {
      const { log } = await open()
      const long = 'x'.repeat(599)
      const positions = await log.append([
        named(`${long}1`, 'd'),
        named(`${long}2`, 'd'),
        named('', 'd'),
        named('한', 'd'),
      ])
      expect(new Set(positions.map(position => position.offset)).size).toBe(4)
      expect(await log.append([named('한', 'd'), named(`${long}2`, 'd')])).toEqual([positions[3], positions[1]])
    })
  })
}
