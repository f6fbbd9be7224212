import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CollectingSink, jsonLines } from '../../test/support/collecting-sink.js'
import { createHostileLog, type HostileLog } from '../../test/support/hostile-log.js'
import type { EventLog, Page } from '../log/log.js'
import { parseSelector } from '../wire/selector.js'
import { createHub } from './create-hub.js'
import type { Hub } from './hub.js'
import type { Gap, Since } from './request.js'

/** A log that loses what it has shown, and whose followers may be kept waiting. */
let log: HostileLog
let hub: Hub
let isFollowing: boolean

const gated = (): EventLog => ({
  ...log,
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<Page> {
    for await (const page of log.follow(after, signal)) {
      while (!isFollowing && !signal.aborted) await nextTurn()
      yield page
    }
  },
})

beforeEach(async () => {
  isFollowing = true
  log = createHostileLog({ seed: 1, holes: false, maxLag: 0, shortPages: false, retention: [] })
  hub = await createHub(gated(), { heartbeatMs: 100 })
})

afterEach(async () => {
  isFollowing = true
  await hub.close()
  await log.close()
})

async function say(...data: string[]): Promise<readonly string[]> {
  return hub.publish(data.map(text => ({ topic: 'a', data: text })))
}

async function subscribe(cursor?: string, since?: Since): Promise<CollectingSink> {
  const sink = new CollectingSink()
  const beginning = await hub.begin({ selectors: [parseSelector('a')], encoding: jsonLines, cursor, since })
  if (beginning.kind === 'open') hub.attach(beginning, sink)
  return sink
}

const gapOf = (sink: CollectingSink): Gap | undefined => {
  const said = sink.hubs.find(({ type }) => type === '$gap')
  return said && (JSON.parse(said.data) as Gap)
}

describe('a log that comes back from an older copy', () => {
  it('is told to those who heard what is gone, and goes on for all, whether it says so itself or not', async () => {
    for (const silently of [false, true]) {
      const first = await say('kept', 'lost')
      const [, lost] = first
      const sink = await subscribe()
      await vi.waitFor(() => expect(hub.status.tail).toBe(lost))
      log.loseTail(1, { silently })
      await vi.waitFor(() => expect(gapOf(sink)).toEqual({ reason: 'rewound', requested: lost, resumedAt: first[0] }))
      const [after] = await say('after')
      expect(after).not.toBe(lost)
      await vi.waitFor(() => expect(sink.all.at(-1)).toEqual({ type: '', id: after, data: 'after' }))
      await vi.waitFor(() => expect(hub.status.tail).toBe(after))
    }
  })

  it('gives those behind what it has now, and nothing of what is gone', async () => {
    const sink = await subscribe()
    sink.isTaking = false
    await say('1')
    await vi.waitFor(() => expect(sink.said).toEqual(['1']))
    const [, lost] = await say('gone', 'gone too')
    await vi.waitFor(() => expect(hub.status.tail).toBe(lost))
    log.loseTail(2)
    const [after] = await say('2')
    await vi.waitFor(() => expect(hub.status.tail).toBe(after))
    sink.drain()
    await vi.waitFor(() => expect(sink.said).toEqual(['1', '2']))
    expect(gapOf(sink)).toBeUndefined()
  })

  it('is not read in a history that the hub does not follow yet', async () => {
    const [first, , last] = await say('1', 'gone', 'gone too')
    await vi.waitFor(() => expect(hub.status.tail).toBe(last))
    // The recent events would serve it without the log.
    await hub.close()
    hub = await createHub(gated(), { maxRecentEvents: 0 })
    const sink = new CollectingSink()
    const begun = await hub.begin({ selectors: [parseSelector('a')], encoding: jsonLines, cursor: first })
    isFollowing = false
    log.loseTail(2)
    const [second] = await log.append([{ topic: 'a', data: '2' }])
    if (begun.kind === 'open') hub.attach(begun, sink)
    for (let turns = 0; turns < 50; turns++) await nextTurn()
    expect(sink.said).toEqual([])
    isFollowing = true
    await vi.waitFor(() => expect(sink.said).toEqual(['2']))
    expect(sink.all.at(-1)?.id).toBe(`${second?.epoch}-${second?.offset}`)
  })

  it('lets nobody begin at a place that it has lost meanwhile', async () => {
    const [first, lost] = await say('1', 'gone')
    await vi.waitFor(() => expect(hub.status.tail).toBe(lost))
    const selectors = [parseSelector('a')]
    const resumed = await hub.begin({ selectors, encoding: jsonLines, cursor: lost })
    const fresh = await hub.begin({ selectors, encoding: jsonLines })
    log.loseTail(1)
    const [after] = await say('2')
    await vi.waitFor(() => expect(hub.status.tail).toBe(after))
    const [one, other] = [new CollectingSink(), new CollectingSink()]
    if (resumed.kind === 'open') hub.attach(resumed, one)
    if (fresh.kind === 'open') hub.attach(fresh, other)
    expect(gapOf(one)).toEqual({ reason: 'rewound', requested: lost, resumedAt: first })
    // Who came without a cursor has lost nothing.
    expect(gapOf(other)).toBeUndefined()
    for (const sink of [one, other]) await vi.waitFor(() => expect(sink.said).toEqual(['2']))
  })
})

describe('a reader of the newest alone, past what a later event superseded, when the log loses the later one', () => {
  const selectors = [parseSelector('a')]
  const conflated = { selectors, encoding: jsonLines, conflateMs: 0 }
  const state = (key: string, data: string) => ({ topic: 'a', key, data })

  async function attach(cursor?: string): Promise<CollectingSink> {
    const sink = new CollectingSink()
    sink.isTaking = cursor !== undefined
    const beginning = await hub.begin({ ...conflated, cursor, since: { kind: 'earliest' } })
    if (beginning.kind === 'open') hub.attach(beginning, sink)
    return sink
  }

  it('is told that something may be missing, on its connection and when it comes back', async () => {
    const large = 'x'.repeat(100_000)
    const [, other, newest] = await hub.publish([state('k', 'superseded'), state('j', large), state('k', 'newest')])
    await vi.waitFor(() => expect(hub.status.tail).toBe(newest))
    const connected = await attach()
    // The sink held the first block back; with each word that it drained it is given one write more.
    for (let i = 0; i < 2; i++) connected.listener?.drained()
    await vi.waitFor(() => expect(connected.said).toEqual([large]))
    log.loseTail(1)
    const gap = { reason: 'rewound', requested: other, resumedAt: other }
    await vi.waitFor(() => expect(gapOf(connected)).toEqual(gap))
    const again = await attach(other)
    expect(again.hubs[0]).toEqual({ type: '$cursor', id: other, data: '' })
    expect(gapOf(again)).toEqual(gap)
    const [after] = await hub.publish([state('k', 'after')])
    await vi.waitFor(() => expect(again.said).toEqual(['after']))
    // What was heard in the present history needs no such word.
    expect(gapOf(await attach(after))).toBeUndefined()
  })
})

describe('a log that is away', () => {
  it('keeps streams open and new ones opening, and all hear on when it is back', async () => {
    const [first] = await say('1')
    await vi.waitFor(() => expect(hub.status.tail).toBe(first))
    const before = await subscribe()
    log.goAway()
    await expect(say('refused')).rejects.toMatchObject({ code: 'log-unavailable' })
    expect(await hub.ready()).toBe(false)
    const meanwhile = await subscribe(first)
    expect(meanwhile.hubs).toEqual([{ type: '$cursor', id: first, data: '' }])
    log.comeBack()
    await vi.waitFor(async () => expect(await hub.ready()).toBe(true))
    await say('2')
    for (const sink of [before, meanwhile]) await vi.waitFor(() => expect(sink.said).toEqual(['2']))
  })
})
