import { describe, expect, it } from 'vitest'
import { parseSelector } from '../wire/selector.js'
import type { EventLog, LogEvent } from './log.js'
import { createMemoryLog, type MemoryLogOptions } from './memory.js'

const everything = { maxEvents: 1_000_000, maxBytes: 1 << 30 }

async function held(log: EventLog): Promise<readonly LogEvent[]> {
  const events: LogEvent[] = []
  const { offset } = await log.head()
  for (let after = 0; after < offset; ) {
    const page = await log.read(after, everything)
    events.push(...page.events)
    after = page.through
  }
  return events
}

const many = (count: number, data: string) => Array.from({ length: count }, () => ({ topic: 'a', data }))

describe('memory log', () => {
  it('keeps the newest 64 MiB unless it is told otherwise', async () => {
    const log = createMemoryLog()
    const data = 'x'.repeat(1 << 20)
    for (let i = 0; i < 80; i++) await log.append([{ topic: 'a', data }])
    expect(await held(log)).toHaveLength(63)
    expect((await log.topic('a'))?.first).toBe(18)
    expect(await log.floor([parseSelector('a')])).toBe(17)
    await log.close()
  })

  it('applies limits of number and size with the append that goes over them', async () => {
    const log = createMemoryLog({
      retention: [
        { selector: 'a', count: 100 },
        { selector: '**', bytes: 100 },
      ],
    })
    for (let i = 0; i < 30; i++) {
      await log.append(many(20, ''))
      await log.append([{ topic: 'b', data: 'x'.repeat(49) }])
      expect((await log.topic('a'))?.events).toBe(Math.min(100, (i + 1) * 20))
      expect((await log.topic('b'))?.events).toBe(Math.min(2, i + 1))
    }
    await log.close()
  })

  it('removes many in turns, between which others are served', async () => {
    const log = createMemoryLog({ retention: [{ selector: '**', bytes: 100_000 }] })
    for (let i = 0; i < 10; i++) await log.append(many(3000, 'x'))
    // All have to go, and not all at once.
    await log.append([{ topic: 'big', data: 'x'.repeat(100_001) }])
    expect((await log.topic('a'))?.events).toBe(30_000 - 4096)
    let turns = 0
    while (await log.topic('a')) {
      turns++
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(turns).toBeGreaterThan(3)
    await log.trim()
    expect(await held(log)).toEqual([])
    await log.close()
  })

  it('takes no more than `maxBytes`, with 256 for each event ("log-full")', async () => {
    const log = createMemoryLog({ retention: [{ selector: 'a', keepLatest: true, count: 5 }], maxBytes: 1000 })
    await log.append(many(2, 'x'.repeat(43)))
    await expect(log.append([{ topic: 'b', data: 'x'.repeat(144) }])).rejects.toMatchObject({ code: 'log-full' })
    expect(await held(log)).toHaveLength(2)
    await log.append([{ topic: 'b', data: 'x'.repeat(143) }])
    await expect(log.append(many(1, ''))).rejects.toMatchObject({ code: 'log-full' })
    await log.close()
  })

  it('makes room at `maxBytes` of what has a limit, and touches nothing if that is not enough', async () => {
    const retention = [
      { selector: 'a', ageMs: 1e9 },
      { selector: 'b', bytes: 1e9 },
    ]
    const log = createMemoryLog({ retention, maxBytes: 10_000 })
    await log.append([{ topic: 'kept', data: 'x'.repeat(4000) }])
    for (let i = 0; i < 100; i++) await log.append([{ topic: i % 2 === 0 ? 'a' : 'b', data: String(i) }])
    const left = await held(log)
    expect(left.map(event => event.data).slice(1)).toEqual(Array.from({ length: 22 }, (_, i) => String(78 + i)))
    expect(await log.floor([parseSelector('b')])).toBe(79)
    await expect(log.append([{ topic: 'a', data: 'x'.repeat(5500) }])).rejects.toMatchObject({ code: 'log-full' })
    expect(await held(log)).toEqual(left)
    await log.append([{ topic: 'a', data: 'x'.repeat(5000) }])
    expect(await held(log)).toHaveLength(3)
    await log.close()
  })

  it('forgets tokens that are older than `idempotencyMs`', async () => {
    let now = 0
    const log = createMemoryLog({ idempotencyMs: 1000, clock: () => now })
    const event = { topic: 'a', data: '1', once: { token: 't', digest: 'd' } }
    const [first] = await log.append([event])
    now = 1001
    const [second] = await log.append([event])
    expect(second?.offset).toBeGreaterThan(first?.offset ?? 0)
    await log.close()
  })

  it('shares an event between all who read it, and keeps equal names once', async () => {
    const log = createMemoryLog()
    await log.append([{ topic: ['a', 'b'].join('/'), data: '1' }])
    await log.append([{ topic: ['a', 'b'].join('/'), data: '2' }])
    expect((await held(log))[0]).toBe((await held(log))[0])
    expect(Object.keys((await held(log))[0] ?? {})).toEqual([
      'offset',
      'time',
      'topic',
      'data',
      'type',
      'key',
      'eventId',
      'end',
    ])
    await log.close()
  })

  it('wakes a follower once for all the appends of a turn', async () => {
    const log = createMemoryLog()
    const abort = new AbortController()
    const pages = log.follow(0, abort.signal)[Symbol.asyncIterator]()
    const next = pages.next()
    await null
    const order: string[] = []
    const appends = Array.from({ length: 50 }, (_, i) =>
      log.append(many(1, String(i))).then(() => order.push('answered')),
    )
    const { value } = await next
    order.push('followed')
    await Promise.all(appends)
    expect(value).toMatchObject({ from: 0, through: 50 })
    expect(order.indexOf('followed')).toBeGreaterThan(0)
    abort.abort()
    await log.close()
  })

  it.each<[MemoryLogOptions, string]>([
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ idempotencyMs: -1 }, 'idempotencyMs'],
    [{ maxOnce: 1.5 }, 'maxOnce'],
    [{ trimIntervalMs: 2 ** 31 }, 'trimIntervalMs'],
    [{ retention: [{ selector: '**', count: -1 }] }, 'retention[0].count'],
  ])('refuses %j', (options, path) => {
    expect(() => createMemoryLog(options)).toThrow(
      expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(path) }),
    )
  })
})
