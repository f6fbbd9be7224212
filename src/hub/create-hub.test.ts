import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CollectingSink, type Heard, jsonLines } from '../../test/support/collecting-sink.js'
import type { EventLog, NewEvent, RetentionRule } from '../log/log.js'
import { createMemoryLog } from '../log/memory.js'
import { parseSelector } from '../wire/selector.js'
import { createHub } from './create-hub.js'
import type { Hub, Subscription } from './hub.js'
import type { HubOptions } from './options.js'
import type { SubscribeRequest } from './request.js'

let log: EventLog
let hub: Hub
const reports: unknown[] = []

async function open(options: HubOptions = {}, retention: RetentionRule[] = []): Promise<void> {
  await hub?.close()
  await log?.close()
  log = createMemoryLog({ retention })
  hub = await createHub(log, { report: (...report) => void reports.push(report), ...options })
}

type Wish = Partial<Omit<SubscribeRequest, 'selectors' | 'encoding'>>

async function subscribe(
  selectors: string[],
  wish: Wish = {},
): Promise<CollectingSink & { subscription: Subscription }> {
  const beginning = await hub.begin({ selectors: selectors.map(parseSelector), encoding: jsonLines, ...wish })
  if (beginning.kind === 'ended') throw new Error('The topic has ended.')
  const sink = new CollectingSink()
  return Object.assign(sink, { subscription: hub.attach(beginning, sink) })
}

function say(topic: string, ...data: string[]): Promise<readonly string[]> {
  return hub.publish(data.map(text => ({ topic, data: text })))
}

function keyed(topic: string, key: string, data: string): NewEvent {
  return { topic, key, data }
}

/** The hub has passed all that was published. */
async function settled(): Promise<void> {
  const { offset } = await log.head()
  await vi.waitFor(() => expect(hub.status.tail.endsWith(`-${offset}`)).toBe(true), { interval: 1 })
  await nextTurn()
}

function gapOf(heard: Heard | undefined): { reason: string; requested: string; resumedAt: string } {
  return JSON.parse(heard?.data ?? '{}') as ReturnType<typeof gapOf>
}

beforeEach(async () => {
  reports.length = 0
  await open()
})

afterEach(async () => {
  await hub.close()
  await log.close()
})

describe('a subscription', () => {
  it('begins with its cursor, and hears what matches, in order, one write a turn', async () => {
    const sink = await subscribe(['a/*'])
    expect(sink.all).toEqual([{ type: '$cursor', id: hub.status.tail, data: '' }])
    const ids = await hub.publish([
      { topic: 'a/b', data: '1' },
      { topic: 'b', data: 'no' },
      { topic: 'a/c', data: '2', type: 'trade' },
    ])
    await settled()
    expect(sink.all.slice(1)).toEqual([
      { type: '', id: ids[0], data: '1' },
      { type: 'trade', id: ids[2], data: '2' },
    ])
    expect(sink.writes).toHaveLength(2)
  })

  it('is given in one write what was published in one turn, answer after answer', async () => {
    const sink = await subscribe(['a'])
    for (const data of ['1', '2', '3']) await say('a', data)
    await settled()
    expect(sink.said).toEqual(['1', '2', '3'])
    expect(sink.writes).toHaveLength(2)
  })

  it('shares the bytes with those of equal selectors, in whatever order they were named', async () => {
    const one = await subscribe(['a', 'b'])
    const other = await subscribe(['b', 'a', 'b'])
    await say('a', 'x')
    await settled()
    expect(one.writes[1]).toBe(other.writes[1])
  })

  it('resumes by its cursor without loss or repeat, from the recent events and from the log', async () => {
    for (const maxRecentEvents of [16_384, 0]) {
      await open({ maxRecentEvents })
      const ids = await say('a', '1', '2', '3', '4')
      await settled()
      const sink = await subscribe(['a'], { cursor: ids[1] as string, since: { kind: 'earliest' } })
      await vi.waitFor(() => expect(sink.said).toEqual(['3', '4']))
      await say('a', '5')
      await vi.waitFor(() => expect(sink.said).toEqual(['3', '4', '5']))
      expect(sink.hubs).toEqual([{ type: '$cursor', id: ids[1], data: '' }])
    }
  })

  it('begins where since says', async () => {
    let now = 1000
    await hub.close()
    await log.close()
    log = createMemoryLog({ retention: [], clock: () => now })
    hub = await createHub(log)
    const [first] = await say('a', '1')
    now = 2000
    await say('a', '2')
    await settled()
    const heard = async (wish: Wish): Promise<string[]> => {
      const sink = await subscribe(['a'], wish)
      await vi.waitFor(() => expect(sink.subscription.state).toBe('live'))
      return sink.said
    }
    expect(await heard({})).toEqual([])
    expect(await heard({ since: { kind: 'now' } })).toEqual([])
    expect(await heard({ since: { kind: 'earliest' } })).toEqual(['1', '2'])
    expect(await heard({ since: { kind: 'position', position: first as string } })).toEqual(['2'])
    expect(await heard({ since: { kind: 'time', time: 1001 } })).toEqual(['2'])
    expect(await heard({ since: { kind: 'time', time: 1000 } })).toEqual(['1', '2'])
    expect(await heard({ since: { kind: 'time', time: 0 } })).toEqual(['1', '2'])
  })

  it('of since=latest hears the newest of each topic and key without ids, then a cursor, then what comes', async () => {
    await hub.publish([keyed('a', 'k', 'old'), keyed('a', '', '1'), keyed('b', 'k', '2'), keyed('a', 'k', '3')])
    await settled()
    const { tail } = hub.status
    const sink = await subscribe(['**'], { since: { kind: 'latest' } })
    await vi.waitFor(() => expect(sink.all.at(-1)).toEqual({ type: '$cursor', id: tail, data: '' }))
    expect(sink.all.slice(0, -1)).toEqual(['1', '2', '3'].map(data => ({ type: '', data })))
    await say('a', '4')
    await vi.waitFor(() => expect(sink.said).toEqual(['1', '2', '3', '4']))
  })

  it('is told what it may have missed: of another log, of a trimmed one, of none at all', async () => {
    await open({ maxRecentEvents: 0 }, [{ selector: 'busy', count: 2 }])
    const [start] = await say('busy', '1')
    await say('quiet', 'q')
    await say('busy', '2', '3', '4')
    await log.trim()
    await settled()

    const trimmed = await subscribe(['busy'], { cursor: start as string })
    await vi.waitFor(() => expect(trimmed.said).toEqual(['3', '4']))
    // Until the client has the $gap, its cursor stays where it was.
    expect(trimmed.hubs.map(({ type, id }) => [type, id])).toEqual([
      ['$cursor', start],
      ['$gap', gapOf(trimmed.hubs[1]).resumedAt],
    ])
    expect(gapOf(trimmed.hubs[1])).toMatchObject({ reason: 'trimmed', requested: start })

    const unknown = await subscribe(['busy'], { cursor: 'zzzz-7' })
    expect(gapOf(unknown.hubs[1])).toMatchObject({ reason: 'unknown', requested: 'zzzz-7' })
    const nonsense = await subscribe(['busy'], { cursor: 'an id of some other server', since: { kind: 'now' } })
    expect(gapOf(nonsense.hubs[1])).toMatchObject({ reason: 'unknown', resumedAt: hub.status.tail })

    const untouched = await subscribe(['quiet'], { cursor: start as string })
    await vi.waitFor(() => expect(untouched.said).toEqual(['q']))
    expect(untouched.hubs).toHaveLength(1)
  })

  it('goes on after a gap where since says', async () => {
    await open({ maxRecentEvents: 0 }, [{ selector: '**', count: 2 }])
    const [start] = await say('a', '1')
    await say('a', '2', '3', '4')
    await settled()
    const sink = await subscribe(['a'], { cursor: start as string, since: { kind: 'now' } })
    expect(gapOf(sink.hubs[1])).toEqual({ reason: 'trimmed', requested: start, resumedAt: hub.status.tail })
    await say('a', '5')
    await vi.waitFor(() => expect(sink.said).toEqual(['5']))
  })

  it('is told when retention was faster than the hub itself', async () => {
    await open({}, [{ selector: 'a', count: 2 }])
    const [hit, spared] = [await subscribe(['a']), await subscribe(['b'])]
    const start = hub.status.tail
    await log.append([{ topic: 'b', data: 'spared' }])
    // All in one turn, in which the hub does not come to follow.
    for (const data of ['1', '2', '3', '4']) await log.append([{ topic: 'a', data }])
    await settled()
    await vi.waitFor(() => expect(hit.subscription.state).toBe('live'))
    expect(gapOf(hit.hubs[1])).toEqual({ reason: 'trimmed', requested: start, resumedAt: hub.status.tail })
    await vi.waitFor(() => expect(spared.said).toEqual(['spared']))
    expect(spared.hubs).toHaveLength(1)
  })

  it('hears an event once, by however many of its selectors', async () => {
    const sink = await subscribe(['a/b', 'a/*', '**', 'a/**'])
    await say('a/b', '1', '2')
    await settled()
    expect(sink.said).toEqual(['1', '2'])
  })

  it('whose cursor lies ahead of a log that never gave it is told so, and hears what is left', async () => {
    const [id] = await say('a', '1')
    await settled()
    const sink = await subscribe(['a'], { cursor: `${id?.split('-')[0]}-999` })
    expect(gapOf(sink.hubs[1])).toMatchObject({ reason: 'rewound' })
    await vi.waitFor(() => expect(sink.said).toEqual(['1']))
  })
})

describe('a sink that holds bytes back', () => {
  it('is given nothing more until it drains, then all that it has not heard, and is live again', async () => {
    const sink = await subscribe(['a'])
    sink.isTaking = false
    await say('a', '1')
    await settled()
    expect(sink.subscription.state).toBe('catching-up')
    expect(sink.stallMs).toBe(60_000)
    await say('a', '2')
    await say('a', '3')
    await settled()
    expect(sink.said).toEqual(['1'])
    sink.drain()
    await vi.waitFor(() => expect(sink.subscription.state).toBe('live'))
    expect(sink.said).toEqual(['1', '2', '3'])
    expect(sink.stallMs).toBe(0)
  })

  it('is given large events as the bytes that others were given, not as copies, and small ones together', async () => {
    const [live, early, late] = [await subscribe(['a']), await subscribe(['a']), await subscribe(['a'])]
    const large = 'x'.repeat(16_000)
    early.isTaking = false
    await say('a', `1 ${large}`)
    await settled()
    late.isTaking = false
    for (const text of [`2 ${large}`, `3 ${large}`, '4', '5', `6 ${large}`, '7']) {
      await say('a', text)
      await settled()
    }
    early.drain()
    late.drain()
    await vi.waitFor(() => expect([early.said.length, late.said.length]).toEqual([7, 7]))
    expect([early.said, late.said]).toEqual([live.said, live.said])
    // After $cursor and what came first: 3 on its own, 4 and 5 in one, 6 on its own.
    for (const sink of [early, late]) {
      const writes = sink.writes.slice(-4)
      expect(writes[0]).toBe(live.writes.at(-5))
      expect(writes[1]).toEqual(Buffer.concat(live.writes.slice(-4, -2)))
      expect(writes[2]).toBe(live.writes.at(-2))
    }
  })

  it('shares its reads of the log with those who began elsewhere', async () => {
    await open({ maxRecentEvents: 0 })
    const ids: string[] = []
    for (let i = 0; i < 200; i++) ids.push(...(await say('a', `${i} ${'x'.repeat(4_000)}`)))
    await settled()
    const read = vi.spyOn(log, 'read')
    const sinks = await Promise.all(ids.slice(0, 20).map(cursor => subscribe(['a'], { cursor })))
    for (const [i, sink] of sinks.entries()) {
      await vi.waitFor(() => expect(sink.subscription.state).toBe('live'))
      expect(sink.said.map(text => Number(text.split(' ')[0]))).toEqual(
        Array.from({ length: 199 - i }, (_, k) => i + 1 + k),
      )
    }
    // About 15 pages from end to end: the first ones each for itself, the others together.
    expect(read.mock.calls.length).toBeLessThan(80)
  })

  it('is destroyed when it stalls, and when others need what it holds', async () => {
    await open({ maxHeldBytes: 1024 * 1024 })
    const stalled = await subscribe(['a'])
    stalled.listener?.stalled()
    expect(stalled.isDestroyed).toBe(true)

    const sinks = await Promise.all(Array.from({ length: 10 }, (_, i) => subscribe([`${i}`])))
    for (const [i, sink] of sinks.entries()) {
      sink.isTaking = false
      await say(`${i}`, 'x'.repeat(200_000))
      await settled()
    }
    expect(hub.status.heldBytes).toBeLessThanOrEqual(1024 * 1024)
    expect(sinks.map(sink => sink.isDestroyed)).toEqual([...Array(5).fill(true), ...Array(5).fill(false)])
    await vi.waitFor(() => expect(hub.status.subscriptions).toBe(5))
  })

  it('that was overrun meanwhile goes on at the head, and is told', async () => {
    await open({ maxRecentEvents: 0 }, [{ selector: '**', count: 3 }])
    const sink = await subscribe(['a'])
    sink.isTaking = false
    await say('a', '1')
    await settled()
    for (let i = 2; i < 10; i++) await say('a', `${i}`)
    await settled()
    sink.drain()
    await vi.waitFor(() => expect(sink.subscription.state).toBe('live'))
    expect(gapOf(sink.hubs.at(-1))).toMatchObject({ reason: 'trimmed', resumedAt: hub.status.tail })
    await say('a', '10')
    await vi.waitFor(() => expect(sink.said).toEqual(['1', '10']))
  })

  it('of a conflated stream is given the newest of each topic and key', async () => {
    for (const maxRecentEvents of [16_384, 0]) {
      await open({ maxRecentEvents })
      const sink = await subscribe(['**'], { conflateMs: 0 })
      sink.isTaking = false
      await say('a', 'taken')
      await settled()
      await hub.publish([keyed('a', 'k', '1'), keyed('b', 'k', '2'), keyed('a', 'k', '3'), keyed('a', 'j', '4')])
      await settled()
      sink.drain()
      await vi.waitFor(() => expect(sink.said).toEqual(['taken', '2', '3', '4']))
    }
  })
})

describe('a conflation window', () => {
  it('lets the first through, gathers the newest of each topic and key, and gives them in log order in one write', async () => {
    const sink = await subscribe(['**'], { conflateMs: 500 })
    await say('a', '1')
    await settled()
    expect(sink.said).toEqual(['1'])
    await hub.publish([keyed('a', 'k', '2'), keyed('b', 'k', '3'), keyed('a', 'k', '4')])
    await settled()
    expect(sink.said).toEqual(['1'])
    await vi.waitFor(() => expect(sink.said).toEqual(['1', '3', '4']))
    expect(sink.writes).toHaveLength(3)
    const ids = sink.all.map(({ id }) => Number(id?.split('-')[1]))
    expect(ids).toEqual([...ids].sort((a, b) => a - b))
  })

  it('that is under way is heard once by those who come meanwhile, with whatever cursor', async () => {
    const first = await subscribe(['a'], { conflateMs: 200 })
    const [one] = await say('a', '1')
    await settled()
    await say('a', '2')
    await settled()
    const late = await subscribe(['a'], { conflateMs: 200 })
    const resumed = await subscribe(['a'], { conflateMs: 200, cursor: hub.status.tail })
    const behind = await subscribe(['a'], { conflateMs: 200, cursor: one as string })
    await vi.waitFor(() => expect(first.said).toEqual(['1', '2']))
    await say('a', '3')
    for (const [sink, expected] of [
      [late, ['2', '3']],
      [behind, ['2', '3']],
      [resumed, ['3']],
    ] as const) {
      await vi.waitFor(() => expect(sink.said).toEqual(expected))
    }
  })

  it('with more than it gathers sends its members to the log', async () => {
    const sink = await subscribe(['**'], { conflateMs: 20 })
    await say('first', '0')
    await settled()
    const events = Array.from({ length: 30_000 }, (_, i) => keyed('a', `k${i % 15_000}`, `${i}`))
    for (let i = 0; i < events.length; i += 1000) await hub.publish(events.slice(i, i + 1000))
    await vi.waitFor(() => expect(new Set(sink.said).has('29999')).toBe(true), { timeout: 10_000 })
    const newest = new Set(events.slice(15_000).map(({ data }) => data))
    const heard = new Set(sink.said)
    expect([...newest].every(data => heard.has(data))).toBe(true)
  })
})

describe('a topic that ended', () => {
  const end = (): Promise<readonly string[]> => hub.publish([{ topic: 'a', data: 'last', end: true }])

  it('ends the streams of it alone, held ones too, and no others', async () => {
    const alone = await subscribe(['a'])
    const held = await subscribe(['a'])
    held.isTaking = false
    const more = await subscribe(['a', 'b'])
    const [id] = await end()
    await settled()
    for (const sink of [alone, held]) {
      expect(sink.all.slice(1)).toEqual([
        { type: '', id, data: 'last' },
        { type: '$end', id, data: '{}' },
      ])
      expect(sink.isEnded).toBe(true)
    }
    expect(more.said).toEqual(['last'])
    expect(more.isEnded).toBe(false)
    await expect(say('a', 'more')).rejects.toMatchObject({ code: 'topic-ended' })
  })

  it('is over for a cursor at its end, and heard to its end by others', async () => {
    for (const maxRecentEvents of [16_384, 0]) {
      await open({ maxRecentEvents })
      const [first] = await say('a', '1')
      const [last] = await end()
      await say('b', 'later')
      await settled()
      const selectors = [parseSelector('a')]
      expect(await hub.begin({ selectors, encoding: jsonLines, cursor: last as string })).toEqual({ kind: 'ended' })
      expect((await hub.begin({ selectors, encoding: jsonLines, cursor: hub.status.tail })).kind).toBe('ended')
      const behind = await subscribe(['a'], { cursor: first as string })
      await vi.waitFor(() => expect(behind.isEnded).toBe(true))
      expect(behind.all.map(({ type, data }) => [type, data]).slice(1)).toEqual([
        ['', 'last'],
        ['$end', '{}'],
      ])
      const now = await subscribe(['a'])
      expect(now.all.map(({ type }) => type)).toEqual(['$cursor', '$end'])
      const earliest = await subscribe(['a'], { since: { kind: 'earliest' } })
      await vi.waitFor(() => expect(earliest.isEnded).toBe(true))
      expect(earliest.said).toEqual(['1', 'last'])
    }
  })
})

describe('the end of a stream', () => {
  it('is told when what the caller may read has run out', async () => {
    const sink = await subscribe(['a'])
    sink.subscription.expire()
    expect(sink.all.at(-1)).toEqual({ type: '$expired', id: hub.status.tail, data: '' })
    expect(sink.isEnded).toBe(true)
    expect(sink.subscription.state).toBe('closed')
    await vi.waitFor(() => expect(hub.status.subscriptions).toBe(0))
  })

  it('comes to all when the hub drains: first what was answered, then when to come again', async () => {
    const live = await subscribe(['a'])
    const slow = await subscribe(['a'])
    slow.isTaking = false
    await say('a', '1')
    await settled()
    const published = say('a', '2')
    const drained = hub.drain(5_000)
    await published
    await vi.waitFor(() => expect(live.isEnded).toBe(true))
    expect(live.said).toEqual(['1', '2'])
    expect(Number(live.all.at(-1)?.data)).toBeGreaterThan(3_600)
    expect(slow.isEnded).toBe(false)
    slow.drain()
    await drained
    expect(slow.said).toEqual(['1', '2'])
    expect(slow.all.at(-1)?.type).toBe('retry')
    await expect(say('a', '3')).rejects.toMatchObject({ code: 'draining' })
    await expect(subscribe(['a'])).rejects.toMatchObject({ code: 'draining' })
    expect(await hub.ready()).toBe(false)
  })

  it('comes at the deadline to whoever does not read', async () => {
    const sink = await subscribe(['a'])
    sink.isTaking = false
    await say('a', '1')
    await settled()
    await hub.drain(10)
    expect(sink.isDestroyed).toBe(true)
    expect(hub.status).toMatchObject({ subscriptions: 0, heldBytes: 0 })
  })
})

it('shows a silent stream that it lives, and how far it has come', async () => {
  await open({ heartbeatMs: 100 })
  const sink = await subscribe(['quiet'])
  const [id] = await say('busy', 'x')
  await vi.waitFor(() => expect(sink.all.at(-1)).toEqual({ type: '$cursor', id, data: '' }))
})

it('asks clients to come back jittered by a fifth', () => {
  const waits = Array.from({ length: 200 }, () => hub.retryMs())
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(2_400)
  expect(Math.max(...waits)).toBeLessThanOrEqual(3_600)
  expect(new Set(waits).size).toBeGreaterThan(50)
})

it('cuts off those whose events cannot be written, and nobody else', async () => {
  const broken = new CollectingSink()
  const encoding = {
    ...jsonLines,
    name: 'broken',
    event: (): Uint8Array => {
      throw new Error('No frame.')
    },
  }
  const beginning = await hub.begin({ selectors: [parseSelector('a')], encoding })
  if (beginning.kind === 'open') hub.attach(beginning, broken)
  const sink = await subscribe(['a'])
  await say('a', '1')
  await settled()
  expect(broken.isDestroyed).toBe(true)
  expect(sink.said).toEqual(['1'])
  expect(reports).toHaveLength(1)
})

it('refuses settings out of bounds by their name', async () => {
  await expect(createHub(log, { heartbeatMs: 1 })).rejects.toThrow('heartbeatMs is a whole number from 100')
  await expect(createHub(log, JSON.parse('{"heartbeat": 1}') as HubOptions)).rejects.toThrow('no setting heartbeat')
})
