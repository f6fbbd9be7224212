import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CollectingSink, jsonLines } from '../../test/support/collecting-sink.js'
import type { EventLog } from '../log/log.js'
import { createMemoryLog } from '../log/memory.js'
import { TidingsError } from '../wire/errors.js'
import { parseSelector } from '../wire/selector.js'
import { createHub } from './create-hub.js'
import type { Hub } from './hub.js'
import type { HubObserver } from './observer.js'
import type { SubscribeRequest } from './request.js'

let now = 1_700_000_000_000
let log: EventLog
let hub: Hub
let told: [keyof HubObserver, ...unknown[]][]

const observer: HubObserver = {
  appended: (events, tookMs) => void told.push(['appended', events, tookMs]),
  appendFailed: error => void told.push(['appendFailed', error instanceof TidingsError && error.code]),
  wrote: lagMs => void told.push(['wrote', lagMs]),
  cutOff: why => void told.push(['cutOff', why]),
}

async function subscribe(selector: string, wish: Partial<SubscribeRequest> = {}): Promise<CollectingSink> {
  const beginning = await hub.begin({ selectors: [parseSelector(selector)], encoding: jsonLines, ...wish })
  if (beginning.kind === 'ended') throw new Error('The topic has ended.')
  const sink = new CollectingSink()
  hub.attach(beginning, sink)
  return sink
}

const say = (...data: string[]) => hub.publish(data.map(text => ({ topic: 'a', data: text })))

async function settled(): Promise<void> {
  const { offset } = await log.head()
  await vi.waitFor(() => expect(hub.status.tail.endsWith(`-${offset}`)).toBe(true), { interval: 1 })
  await nextTurn()
}

const bytesOf = (sinks: readonly CollectingSink[]) =>
  sinks.flatMap(({ writes }) => writes).reduce((sum, { length }) => sum + length, 0)

beforeEach(async () => {
  told = []
  now = 1_700_000_000_000
  const clock = () => now
  log = createMemoryLog({ clock, retention: [{ selector: '**', count: 100 }] })
  hub = await createHub(log, { observer, clock, maxHeldBytes: 1024 * 1024 })
})

afterEach(async () => {
  await hub.close()
  await log.close()
})

describe('what a hub counts', () => {
  it('is what live readers and those behind were given, and not its own events', async () => {
    const live = [await subscribe('a'), await subscribe('a'), await subscribe('*')]
    const before = bytesOf(live)
    await say('1', '2')
    await settled()
    expect(hub.counters).toMatchObject({ published: 2, opened: 3, closed: 0, live: { events: 6 } })
    expect(hub.counters.live.bytes).toBe(bytesOf(live) - before)
    expect(hub.counters.catchUp).toEqual({ events: 0, bytes: 0 })

    const late = await subscribe('a', { since: { kind: 'earliest' } })
    const newest = await subscribe('a', { since: { kind: 'latest' } })
    await vi.waitFor(() => expect([...late.said, ...newest.said]).toEqual(['1', '2', '2']))
    expect(hub.counters.catchUp.events).toBe(3)
    expect(hub.counters.live.events).toBe(6)
  })

  it('is who is live and who catches up, by encoding', async () => {
    await subscribe('a')
    const slow = await subscribe('a')
    await subscribe('b', { encoding: { ...jsonLines, name: 'other' } })
    slow.isTaking = false
    await say('1')
    await settled()
    const { subscriptions, catchingUp, encodings } = hub.status
    expect({ subscriptions, catchingUp, encodings }).toEqual({
      subscriptions: 3,
      catchingUp: 1,
      encodings: { 'json-lines': { live: 1, catchingUp: 1 }, other: { live: 1, catchingUp: 0 } },
    })
    slow.drain()
    await vi.waitFor(() => expect(hub.status.catchingUp).toBe(0))
    slow.end()
    await vi.waitFor(() => expect(hub.counters.closed).toBe(1))
  })

  it('is how far the furthest reader is behind', async () => {
    expect(await hub.furthestBehind()).toEqual({ events: 0, ms: 0 })
    const slow = await subscribe('a')
    await say('before')
    await settled()
    slow.isTaking = false
    await say('held')
    await settled()
    now += 1_000
    await say('missed')
    now += 5_000
    await say('missed too')
    now += 500
    await settled()
    // What it holds back counts as given; the next after that is five and a half seconds old.
    expect(await hub.furthestBehind()).toEqual({ events: 2, ms: 5_500 })
  })

  it('is every gap that a reader was told of', async () => {
    const [first] = await say('0')
    for (let i = 0; i < 2; i++) await hub.publish(Array.from({ length: 100 }, () => ({ topic: 'a', data: 'x' })))
    await settled()
    const other = await createHub(log)
    await subscribe('a', { cursor: 'nonsense' })
    expect(hub.counters.gaps).toEqual({ trimmed: 0, unknown: 1, rewound: 0 })
    const beginning = await other.begin({ selectors: [parseSelector('a')], encoding: jsonLines, cursor: first })
    if (beginning.kind === 'open') other.attach(beginning, new CollectingSink())
    expect(other.counters.gaps).toEqual({ trimmed: 1, unknown: 0, rewound: 0 })
    await other.close()
  })
})

describe('who observes a hub', () => {
  it('hears of appends, those that failed too', async () => {
    await say('1', '2', '3')
    expect(told[0]).toEqual(['appended', 3, expect.any(Number)])
    await hub.publish([{ topic: 'a', data: 'last', end: true }])
    await expect(say('4')).rejects.toThrow()
    expect(told.filter(([name]) => name === 'appendFailed')).toEqual([['appendFailed', 'topic-ended']])
    expect(hub.counters.published).toBe(4)
  })

  it('hears how long events took to the live readers, never less than nothing', async () => {
    await subscribe('a')
    await log.append([{ topic: 'a', data: 'x' }])
    now += 40
    await settled()
    now -= 3_600_000
    await say('of an hour ahead')
    await settled()
    expect(told.filter(([name]) => name === 'wrote')).toEqual([
      ['wrote', 40],
      ['wrote', 0],
    ])
  })

  it('hears who was cut off, and why', async () => {
    const stalled = await subscribe('a')
    const evicted = await subscribe('a')
    const keeps = await subscribe('b')
    for (const sink of [stalled, evicted, keeps]) sink.isTaking = false
    await say('x')
    await settled()
    stalled.listener?.stalled()
    await vi.waitFor(() => expect(hub.status.subscriptions).toBe(2))
    // More than may be held: who has held the longest goes.
    await hub.publish([{ topic: 'b', data: 'x'.repeat(1024 * 1024) }])
    await vi.waitFor(() => expect(evicted.isDestroyed).toBe(true))
    expect(told.filter(([name]) => name === 'cutOff').slice(0, 2)).toEqual([
      ['cutOff', 'stalled'],
      ['cutOff', 'evicted'],
    ])
  })
})

describe('draining', () => {
  it('says how many were let go, and how many cut off', async () => {
    await subscribe('a')
    await subscribe('a')
    const stuck = await subscribe('a')
    stuck.isTaking = false
    await say('1')
    await settled()
    expect(await hub.drain(50)).toEqual({ letGo: 2, destroyed: 1 })
    expect(await hub.drain(50)).toEqual({ letGo: 2, destroyed: 1 })
  })

  it('has nobody to let go where there is nobody', async () => {
    expect(await hub.drain(50)).toEqual({ letGo: 0, destroyed: 0 })
  })
})
