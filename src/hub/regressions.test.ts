import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CollectingSink, jsonLines } from '../../test/support/collecting-sink.js'
import { createHostileLog, type HostileLog } from '../../test/support/hostile-log.js'
import type { EventLog } from '../log/log.js'
import { createMemoryLog, type MemoryLogOptions } from '../log/memory.js'
import { TidingsError } from '../wire/errors.js'
import { parseSelector } from '../wire/selector.js'
import { createHub } from './create-hub.js'
import type { Hub, Subscription } from './hub.js'
import type { HubOptions } from './options.js'
import type { Gap, SubscribeRequest } from './request.js'

let log: EventLog
let hub: Hub

afterEach(async () => {
  await hub.close()
  await log.close()
})

async function onMemory(options: MemoryLogOptions = {}, hubOptions: HubOptions = {}): Promise<void> {
  log = createMemoryLog(options)
  hub = await createHub(log, hubOptions)
}

async function onHostile(): Promise<HostileLog> {
  const hostile = createHostileLog({ seed: 1, holes: false, maxLag: 0, shortPages: false })
  log = hostile
  hub = await createHub(log)
  return hostile
}

async function subscribe(
  selector: string,
  wish: Partial<SubscribeRequest> = {},
): Promise<{ sink: CollectingSink; subscription: Subscription }> {
  const beginning = await hub.begin({ selectors: [parseSelector(selector)], encoding: jsonLines, ...wish })
  if (beginning.kind !== 'open') throw new Error('It has ended.')
  const sink = new CollectingSink()
  return { sink, subscription: hub.attach(beginning, sink) }
}

/** Publishes each in a turn of its own, and lets the hub pass them. */
async function say(topic: string, ...data: string[]): Promise<string[]> {
  const ids: string[] = []
  for (const text of data) {
    ids.push(...(await hub.publish([{ topic, data: text }])))
    await vi.waitFor(() => expect(hub.status.tail).toBe(ids.at(-1)), { interval: 1 })
  }
  return ids
}

const selectors = [parseSelector('a')]
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`)

describe('pages', () => {
  it('say what the log has lost, also when the recent events still have it', async () => {
    await onMemory({ retention: [{ selector: '**', count: 10 }] })
    const [first] = await say('a', ...numbers(30))
    const page = await hub.page({ selectors, cursor: first }, { limit: 100 })
    expect(page.events.map(event => event.data)).toEqual(numbers(30).slice(20))
    expect(page.gap).toMatchObject({ reason: 'trimmed', requested: first })
  })

  it('that wait are told when the log loses what they have seen, and miss nothing of what comes in its place', async () => {
    const hostile = await onHostile()
    const ids = await say('a', ...numbers(5))
    const waiting = hub.page({ selectors, cursor: ids[4] }, { limit: 10, waitMs: 5_000 })
    await nextTurn()
    hostile.loseTail(3)
    const page = await waiting
    expect(page.gap).toMatchObject({ reason: 'rewound', requested: ids[4], resumedAt: ids[1] })
    await hub.publish([{ topic: 'a', data: 'new' }])
    const next = await hub.page({ selectors, cursor: page.cursor }, { limit: 10, waitMs: 5_000 })
    expect([...page.events, ...next.events].map(event => event.data)).toEqual(['new'])
  })

  it('that wait are let go by a hub that closes', async () => {
    await onMemory()
    const waiting = hub.page({ selectors }, { limit: 1, waitMs: 60_000 })
    await nextTurn()
    await hub.close()
    expect((await waiting).events).toEqual([])
  })
})

describe('a log that goes back', () => {
  it('takes nothing with it from a window but what it lost itself', async () => {
    const hostile = await onHostile()
    const { sink } = await subscribe('*', { conflateMs: 300 })
    await say('a', '1')
    await say('b', '2')
    await say('c', 'lost')
    hostile.loseTail(1)
    await hub.publish([{ topic: 'd', data: '3' }])
    await vi.waitFor(() => expect(sink.said).toEqual(['1', '2', '3']))
  })

  it('lets no gap take the place of what a reader holds back in the count of it', async () => {
    const hostile = await onHostile()
    const { sink } = await subscribe('*')
    sink.isTaking = false
    await say('a', 'x'.repeat(100_000))
    const { heldBytes } = hub.status
    hostile.loseTail(1)
    await vi.waitFor(() => expect(sink.hubs.map(({ type }) => type)).toContain('$gap'))
    expect(hub.status.heldBytes).toBe(heldBytes)
  })

  it('between being asked for its head and being followed is followed from where it went back to', async () => {
    const hostile = await onHostile()
    await hub.close()
    let isArmed = false
    const surprising: EventLog = {
      ...hostile,
      follow(after, signal) {
        if (isArmed) {
          isArmed = false
          hostile.loseTail(3)
          for (const data of ['new 3', 'new 4', 'new 5', 'new 6']) void hostile.truth.append([{ topic: 'a', data }])
        }
        return hostile.follow(after, signal)
      },
    }
    hub = await createHub(surprising)
    const { sink } = await subscribe('a')
    const old = await say('a', '1', '2', '3', '4', '5')
    isArmed = true
    hostile.goAway()
    await nextTurn()
    hostile.comeBack()
    await vi.waitFor(() => expect(sink.said).toEqual(['1', '2', '3', '4', '5', 'new 3', 'new 4', 'new 5', 'new 6']))
    expect((JSON.parse(sink.hubs[1]?.data ?? '') as Gap).requested).toBe(old[4])
  })
})

describe('faults of one reader', () => {
  it('do not keep others from reading', async () => {
    await onMemory({}, { maxRecentEvents: 0 })
    const rotten: EventLog = {
      ...log,
      read: (after, options) =>
        options.selectors?.[0]?.text === 'bad'
          ? Promise.reject(new TidingsError('log-corrupt', 'A record is damaged.'))
          : log.read(after, options),
    }
    await log.append([
      ...numbers(500).map(data => ({ topic: 'good', data: data.padEnd(2_000) })),
      { topic: 'bad', data: 'x' },
    ])
    await hub.close()
    hub = await createHub(rotten, { maxRecentEvents: 0 })
    const bad = await subscribe('bad', { since: { kind: 'earliest' } })
    const good = await subscribe('good', { since: { kind: 'earliest' } })
    await vi.waitFor(() => expect(good.subscription.state).toBe('live'))
    expect(good.sink.said).toHaveLength(500)
    expect(bad.sink.isDestroyed).toBe(true)
  })

  it('do not reach the event loop when its events cannot be encoded', async () => {
    await onMemory()
    await log.append([{ topic: 'a', data: 'x', type: 'a\nb' }])
    await say('b', 'later')
    const encoding = {
      ...jsonLines,
      name: 'strict',
      event: (): Uint8Array => {
        throw new TidingsError('internal', 'No frame.')
      },
    }
    const { sink } = await subscribe('a', { since: { kind: 'earliest' }, encoding })
    await vi.waitFor(() => expect(sink.isDestroyed).toBe(true))
  })
})

it('refuses to publish what no encoder takes', async () => {
  await onMemory()
  const refused = (event: object): Promise<unknown> => hub.publish([{ topic: 'a', data: 'x', ...event }])
  await expect(refused({ topic: '' })).rejects.toMatchObject({ code: 'invalid-topic' })
  await expect(refused({ topic: '$hub' })).rejects.toMatchObject({ code: 'reserved-topic' })
  for (const event of [{ type: 'a\nb' }, { key: '\0' }, { eventId: 'ab12-3' }, { data: '\ud800' }]) {
    await expect(refused(event)).rejects.toMatchObject({ code: 'invalid-event' })
  }
  expect(hub.status.tail.endsWith('-0')).toBe(true)
})

it('tells a reader that was overrun, also one that asked for the oldest when there was nothing', async () => {
  const wishes: Partial<SubscribeRequest>[] = [{ since: { kind: 'earliest' } }, { since: { kind: 'time', time: 0 } }]
  for (const wish of wishes) {
    await onMemory({ retention: [{ selector: '**', count: 10 }] }, { maxRecentEvents: 2 })
    const { sink, subscription } = await subscribe('a', wish)
    await say('a', 'heard')
    sink.isTaking = false
    await say('a', ...numbers(40))
    sink.drain()
    await vi.waitFor(() => expect(subscription.state).toBe('live'))
    expect(sink.said).toEqual(['heard', '0'])
    expect(sink.hubs.map(({ type }) => type)).toEqual(['$cursor', '$gap'])
    await hub.close()
    await log.close()
  }
})

it('gives a reader that was overrun the end of its topic', async () => {
  await onMemory({ retention: [{ selector: '**', count: 10 }] }, { maxRecentEvents: 2 })
  const { sink } = await subscribe('a')
  sink.isTaking = false
  await say('a', ...numbers(40))
  const data = '{"outcome":"completed"}'
  await hub.publish([{ topic: 'a', type: 'outcome', data, end: true }])
  await say('b', '1', '2')
  sink.drain()
  await vi.waitFor(() => expect(sink.isEnded).toBe(true))
  expect(sink.hubs.map(({ type }) => type)).toEqual(['$cursor', '$gap', '$end'])
  expect(sink.hubs.at(-1)?.data).toBe(data)
})

it('gives no cursor with $expired before a snapshot is complete', async () => {
  await onMemory()
  await say('a', '1')
  const { sink, subscription } = await subscribe('a', { since: { kind: 'latest' } })
  subscription.expire()
  expect(sink.all).toEqual([{ type: '$expired', data: '' }])
})

it('watches what an ended stream still has to send, also where readers may stand still', async () => {
  await onMemory({}, { stallMs: 0 })
  const { sink, subscription } = await subscribe('a')
  subscription.close()
  expect(sink.stallMs).toBeGreaterThan(0)
})

it('keeps no stream that gets its sink after the hub was closed', async () => {
  await onMemory()
  const beginning = await hub.begin({ selectors, encoding: jsonLines })
  await hub.close()
  const sink = new CollectingSink()
  if (beginning.kind === 'open') hub.attach(beginning, sink)
  expect(sink.isDestroyed).toBe(true)
})

it('ends a conflation window though the clock was set back', async () => {
  let now = 1_000_000_000
  await onMemory({}, { clock: () => now })
  const { sink } = await subscribe('*', { conflateMs: 20 })
  await say('a', '1')
  now -= 3_600_000
  await say('a', '2')
  await vi.waitFor(() => expect(sink.said).toEqual(['1', '2']))
})

it('begins a window with what a reader was given when it caught up', async () => {
  await onMemory()
  await say('a', '1')
  const { sink, subscription } = await subscribe('a', { since: { kind: 'earliest' }, conflateMs: 60_000 })
  await vi.waitFor(() => expect(subscription.state).toBe('live'))
  await say('a', '2')
  expect(sink.said).toEqual(['1'])
})
