import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inspectLog } from '../../../src/log/lmdb/inspect.js'
import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import type { EventLog, LogEvent } from '../../../src/log/log.js'
import { answered, startWriter } from './writer.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-kill-'))
})

afterEach(() => rm(directory, { recursive: true }))

async function readAll(log: EventLog): Promise<LogEvent[]> {
  const events: LogEvent[] = []
  for (let cursor = 0; ; ) {
    const page = await log.read(cursor, { maxEvents: 1000, maxBytes: 1 << 22 })
    events.push(...page.events)
    cursor = page.through
    if (cursor >= page.head.offset) return events
  }
}

// What an answered event survives is said in `LmdbOptions.durability`: both survive the end of the process, however it comes.
describe.each([
  ['commit', 10],
  ['async', 4],
] as const)('killed while it appends, %s, %i times', (durability, rounds) => {
  test('every answered event is there, and the indexes agree with the events', async () => {
    const held = new Map<number, number>()
    let epoch: string | undefined
    for (let round = 0; round < rounds; round++) {
      const writer = startWriter({ directory, durability, count: 1e6, dataBytes: 300 })
      await writer.said(2 + Math.floor(Math.random() * 120))
      writer.kill()
      await writer.ended
      for (const [offset, number] of answered(writer.lines)) held.set(offset, number)

      const log = await openLmdbLog(directory, { durability })
      try {
        const events = await readAll(log)
        const found = new Map(events.map(event => [event.offset, Number(event.data.split(' ')[0])]))
        for (const [offset, number] of held) expect(found.get(offset)).toBe(number)
        // The machine went on, so nothing was lost, and no cursor has to hear otherwise.
        const { epochs } = await log.head()
        epoch ??= epochs[0]?.epoch
        expect(epochs).toEqual([{ epoch, first: 1 }])
      } finally {
        await log.close()
      }
      expect(await inspectLog(directory)).toMatchObject({ agreement: { problems: [], found: 0 } })
    }
    expect(held.size).toBeGreaterThan(20)
  }, 60_000)
})
