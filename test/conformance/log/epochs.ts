import { describe, expect, it } from 'vitest'
import { epochAt, judge } from '../../../src/log/epochs.js'
import type { EventLog, Head } from '../../../src/log/log.js'
import { appendTo, eventsOf, Follower, type OpenLog, offsetsOf, readAll } from './harness.js'

const present = (head: Head) => head.epochs.at(-1)?.epoch ?? ''
const begin = async (log: EventLog) => log.beginEpoch(present(await log.head()))

/** `Head.epochs`, `EventLog.beginEpoch`, and what followers hear of it. */
export function epochsChapter(open: OpenLog): void {
  describe('epochs', () => {
    it('has one from the beginning, of eight characters ("never empty, the last is the present one")', async () => {
      const { log } = await open()
      const { offset, time, epochs } = await log.head()
      expect({ offset, time }).toEqual({ offset: 0, time: 0 })
      expect(epochs).toEqual([{ epoch: expect.stringMatching(/^[0-9a-z]{8}$/), first: 1 }])
    })

    it('keeps the table while nothing changes ("A new array only when it changes")', async () => {
      const { log } = await open()
      const { epochs } = await log.head()
      await appendTo(log, ...eventsOf('a', 2))
      expect((await log.head()).epochs).toBe(epochs)
      expect((await log.read(0, { maxEvents: 1, maxBytes: 1 })).head.epochs).toBe(epochs)
    })

    it('begins after the present head, and gives new events its name', async () => {
      const { log } = await open()
      const before = await log.append(eventsOf('a', 2))
      const head = await begin(log)
      expect(head.offset).toBe(before[1]?.offset)
      expect(head.epochs).toHaveLength(2)
      expect(head.epochs[1]).toEqual({ epoch: present(head), first: head.offset + 1 })
      expect(await log.head()).toEqual(head)
      const after = await log.append(eventsOf('a', 1))
      expect(after[0]).toMatchObject({ epoch: present(head) })
      expect(after[0]?.offset).toBeGreaterThan(head.offset)
      const { epochs } = await log.head()
      for (const position of [...before, ...after]) {
        expect(judge(position, epochs)).toBe('good')
        expect(epochAt(position.offset, epochs)).toBe(position.epoch)
      }
      expect(judge({ epoch: before[0]?.epoch ?? '', offset: after[0]?.offset ?? 0 }, epochs)).toBe('rewound')
    })

    it('begins only if the present one is the expected ("if the present epoch is still `expected`")', async () => {
      const { log } = await open()
      const first = present(await log.head())
      const heads = await Promise.all(Array.from({ length: 5 }, () => log.beginEpoch(first)))
      for (const head of heads) expect(head.epochs).toEqual(heads[0]?.epochs)
      expect(heads[0]?.epochs).toHaveLength(2)
      expect((await log.beginEpoch('nonesuch')).epochs).toHaveLength(2)
    })

    it('remembers 64 ("at most 64, older ones are forgotten")', async () => {
      const { log } = await open()
      const names: string[] = []
      for (let i = 0; i < 70; i++) {
        await appendTo(log, ...eventsOf('a', 1))
        names.push(present(await begin(log)))
      }
      const { epochs } = await log.head()
      expect(epochs.map(entry => entry.epoch)).toEqual(names.slice(-64))
      expect(new Set(names).size).toBe(70)
      expect(await readAll(log)).toHaveLength(70)
    })

    it('tells followers at once, with an empty page if need be', async () => {
      const { log } = await open()
      const [offset] = await appendTo(log, ...eventsOf('a', 1))
      const follower = new Follower(log, 0)
      await follower.through(offset as number)
      const head = await begin(log)
      await follower.until(
        () => present(follower.pages.at(-1)?.head ?? head) === present(head) && follower.pages.length > 1,
      )
      expect(follower.pages.at(-1)).toMatchObject({ from: offset, through: offset, events: [], head })
      const [next] = await appendTo(log, ...eventsOf('a', 1))
      await follower.through(next as number)
      expect(offsetsOf(follower.events)).toEqual([offset, next])
      follower.stop()
    })

    it('brings a follower back who is above the cut ("its `from` is then below what was given before")', async () => {
      const { log } = await open()
      const [offset] = await appendTo(log, ...eventsOf('a', 1))
      // Its cursor is of a past that this log does not have.
      const follower = new Follower(log, 1_000_000)
      await appendTo(log, ...eventsOf('a', 1))
      const head = await begin(log)
      await follower.until(() => follower.pages.length > 0)
      expect(follower.pages[0]).toMatchObject({ from: head.offset, through: head.offset, head })
      const [next] = await appendTo(log, ...eventsOf('a', 1))
      await follower.through(next as number)
      expect(offsetsOf(follower.events)).toEqual([next])
      expect(next).toBeGreaterThan(offset as number)
      follower.stop()
    })

    it('answers a repeat with the position in the history of the first', async () => {
      const { log } = await open()
      const event = { topic: 'a', data: '1', once: { token: 't', digest: 'd' } }
      const first = await log.append([event])
      await begin(log)
      expect(await log.append([event])).toEqual(first)
    })
  })
}
