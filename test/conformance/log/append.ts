import { describe, expect, it } from 'vitest'
import { appendTo, dataOf, eventsOf, type OpenLog, offsetsOf, readAll, select } from './harness.js'

/** `EventLog.append`, but for idempotency. */
export function appendChapter(open: OpenLog): void {
  describe('append', () => {
    it('resolves to the positions, in the order given, of the present epoch ("Resolves to their positions")', async () => {
      const { log } = await open()
      const positions = await log.append(eventsOf('a', 3))
      const { epochs, offset } = await log.head()
      expect(new Set(positions.map(position => position.epoch))).toEqual(new Set([epochs.at(-1)?.epoch]))
      expect(offsetsOf(positions)).toEqual(offsetsOf(await readAll(log)))
      expect(positions.at(-1)?.offset).toBe(offset)
      expect(positions[0]?.offset).toBeGreaterThan(0)
    })

    it('gives offsets that only increase ("Offsets only increase, and may have holes")', async () => {
      const { log } = await open()
      const offsets: number[] = []
      for (let i = 0; i < 20; i++) offsets.push(...(await appendTo(log, ...eventsOf('a', (i % 3) + 1))))
      expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
    })

    it('keeps all that it was told, and gives every event every member ("Every member is always there")', async () => {
      const { log, clock } = await open()
      await log.append([
        { topic: 'a/b', data: 'plain' },
        { topic: 'ä/한', data: '안녕 🙂\n\u0000', type: 't', key: 'schlüssel', eventId: 'id/1', end: true },
        { topic: 'a/b', data: '', type: undefined, key: '', end: false },
      ])
      const [plain, full, empty] = await readAll(log)
      const none = { type: '', key: '', eventId: '', end: false }
      expect(plain).toEqual({ offset: plain?.offset, time: clock.now, topic: 'a/b', data: 'plain', ...none })
      expect(full).toEqual({
        offset: full?.offset,
        time: clock.now,
        topic: 'ä/한',
        data: '안녕 🙂\n\u0000',
        type: 't',
        key: 'schlüssel',
        eventId: 'id/1',
        end: true,
      })
      expect(empty).toEqual({ offset: empty?.offset, time: clock.now, topic: 'a/b', data: '', ...none })
    })

    it('takes big data and many events at once', async () => {
      const { log } = await open()
      const big = '한'.repeat(90_000)
      await log.append([{ topic: 'a', data: big }, ...eventsOf('b', 999)])
      const events = await readAll(log)
      expect(events).toHaveLength(1000)
      expect(events[0]?.data).toBe(big)
    })

    it('takes names of full length', async () => {
      const { log } = await open()
      const event = {
        topic: 't'.repeat(1024),
        data: 'd',
        type: 'y'.repeat(128),
        key: '한'.repeat(85),
        eventId: 'i'.repeat(256),
      }
      await log.append([event, { ...event, key: '' }])
      expect(await readAll(log, { selectors: select(event.topic) })).toMatchObject([event, { ...event, key: '' }])
      expect(await readAll(log, { newest: true })).toHaveLength(2)
      expect(await log.topic(event.topic)).toMatchObject({ events: 2 })
    })

    it('takes nothing, and answers nothing', async () => {
      const { log } = await open()
      expect(await log.append([])).toEqual([])
      expect((await log.head()).offset).toBe(0)
    })

    it('is seen by every reader when it answers ("Resolves when ... every reader can see them")', async () => {
      const { log } = await open()
      for (let i = 0; i < 20; i++) {
        const [offset] = await appendTo(log, { topic: 'a', data: String(i) })
        expect((await log.head()).offset).toBe(offset)
        expect(dataOf(await readAll(log)).at(-1)).toBe(String(i))
      }
    })

    it('keeps batches that are appended at once whole and in one order', async () => {
      const { log } = await open()
      const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => log.append(eventsOf(`t/${i}`, 3))))
      const held = await readAll(log)
      expect(held).toHaveLength(90)
      for (const [i, positions] of answers.entries()) {
        const at = held.findIndex(event => event.offset === positions[0]?.offset)
        expect(dataOf(held.slice(at, at + 3))).toEqual([`t/${i} 0`, `t/${i} 1`, `t/${i} 2`])
        expect(offsetsOf(held.slice(at, at + 3))).toEqual(offsetsOf(positions))
      }
    })

    describe('end ("The last event of its topic: while it is held, the topic takes no other")', () => {
      it('refuses an event of a topic that has ended, and the rest of its batch ("or none")', async () => {
        const { log } = await open()
        const [end] = await appendTo(log, { topic: 'a', data: 'last', end: true })
        const refused = log.append([...eventsOf('b', 1), ...eventsOf('a', 1), ...eventsOf('c', 1)])
        await expect(refused).rejects.toMatchObject({ name: 'TidingsError', code: 'topic-ended' })
        expect(dataOf(await readAll(log))).toEqual(['last'])
        expect((await log.head()).offset).toBe(end)
        expect(await log.topic('b')).toBeUndefined()
        await appendTo(log, ...eventsOf('b', 1))
      })

      it('refuses a batch in which the topic ends before its last event', async () => {
        const { log } = await open()
        const batch = [{ topic: 'a', data: 'last', end: true }, ...eventsOf('b', 1), ...eventsOf('a', 1)]
        await expect(log.append(batch)).rejects.toMatchObject({ code: 'topic-ended' })
        await expect(
          log.append([
            { topic: 'a', data: '1', end: true },
            { topic: 'a', data: '2', end: true },
          ]),
        ).rejects.toMatchObject({
          code: 'topic-ended',
        })
        expect(await readAll(log)).toEqual([])
        expect(await appendTo(log, ...eventsOf('a', 1))).toHaveLength(1)
      })

      it('refuses it also of appends that are on their way together: the first end wins', async () => {
        const { log } = await open()
        const answers = await Promise.allSettled(
          Array.from({ length: 5 }, (_, i) => log.append([{ topic: 'a', data: String(i), end: true }])),
        )
        expect(answers.filter(answer => answer.status === 'fulfilled')).toHaveLength(1)
        expect(await readAll(log)).toHaveLength(1)
      })

      it('opens the topic again when the event is no longer held', async () => {
        const { log, clock } = await open({ retention: [{ selector: 'a', ageMs: 1000 }] })
        await log.append([{ topic: 'a', data: 'last', end: true }])
        clock.advance(1001)
        await log.trim()
        await appendTo(log, { topic: 'a', data: 'again' })
        expect(await log.topic('a')).toMatchObject({ events: 1, end: undefined })
      })
    })
  })
}
