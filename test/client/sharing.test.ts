import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
// What is loaded when it is needed is there.
import type { TabChannelClass } from '../../src/client/sharing/platform.js'
import '../../src/client/sharing/seat.js'
import type { ConnectOptions } from '../../src/entry/client.js'
import { createMemoryLog } from '../../src/log/memory.js'
import { parseSelector } from '../../src/wire/selector.js'
import { Random } from '../support/random.js'
import { FakeBrowser, type FakeTab, settle } from './fake-tabs.js'
import { isOpen, listen, openHub } from './listen.js'

const allTopics = ['a', 'b', 'c', 'd/1', 'd/2', 'd/*']

/** Of these, a tab does not hold three. */
const big = 'x'.repeat(900_000)

/** What may befall tabs and their hub. */
async function live(browser: FakeBrowser, steps: number): Promise<void> {
  const { random, clock, tabs } = browser
  const alive = () => tabs.filter(tab => !tab.isCrashed && !tab.isClosed)
  let said = 0
  const say = (data = `${++said}`) => browser.say(random.pick(allTopics.slice(0, 5)), data)
  for (let step = 0; step < steps; step++) {
    const some = alive()
    const tab: FakeTab | undefined = some.length > 0 ? random.pick(some) : undefined
    const what = random.below(100)
    if (some.length === 0 || (what < 12 && some.length < 6)) {
      const topics = allTopics.filter(() => random.chance(0.4))
      browser.open(topics.length > 0 ? topics : ['a'], random.chance(0.2) ? { since: 'earliest' } : {})
    } else if (what < 18) tab?.close()
    else if (what < 24) tab?.crash()
    else if (what < 32) {
      if (tab) tab.isForgetful = random.chance(0.5)
      tab?.freeze()
    } else if (what < 42) tab?.thaw()
    else if (what < 47 && tab) tab.timerMs = random.pick([0, 1_000, 60_000])
    else if (what < 50) browser.cut()
    else if (what < 54) browser.isAway = !browser.isAway
    else if (what < 55) for (let i = 0; i < 3; i++) say(`${++said} ${big}`)
    else if (what < 58) tab?.connection.reconnect()
    else if (what < 60) browser.endWorkers()
    else say()
    if (random.chance(0.5)) await settle()
    if (random.chance(0.6)) await clock.pass(random.pick([1, 10, 100, 1_000, 3_000, 12_000]))
  }
}

/** Looks at tabs after everything was well for long enough; those that are frozen are as far as they were. */
async function check(browser: FakeBrowser): Promise<void> {
  const { tabs, clock } = browser
  const streams = () => [...browser.streams].filter(({ tab }) => !tab.isFrozen)
  // One that is made anew for other topics is on its way to the hub.
  if (streams().length === 0) await clock.pass(100)
  for (const tab of tabs) {
    expect(tab.errors).toEqual([])
    const { owed, heard } = tab
    const isWhole = !tab.isCrashed && !tab.isClosed && !tab.isFrozen
    expect(heard.map(shorten)).toEqual((isWhole ? owed : owed.slice(0, heard.length)).map(shorten))
    if (isWhole) expect(tab.connection.state).toBe('open')
    expect(tab.connection.statistics).toMatchObject({ events: heard.length, gaps: 0 })
  }
  const awake = tabs.filter(tab => !tab.isCrashed && !tab.isClosed && !tab.isFrozen)
  expect(streams()).toHaveLength(Math.min(1, awake.length))
}

describe('tabs that share a connection', () => {
  it.each([
    ['', false],
    // Of this platform there may be locks too.
    [' where workers keep the lock', true],
  ])(
    'hear each event of their topics once and in order, over one connection, whatever happens to them%s',
    async (_, isInsecure) => {
      if (isInsecure) vi.stubGlobal('navigator', undefined)
      onTestFinished(() => void vi.unstubAllGlobals())
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), fc.boolean(), async (seed, isQuiet) => {
          const browser = new FakeBrowser(new Random(seed), isQuiet, isInsecure)
          const { clock, tabs } = browser
          try {
            await live(browser, 70)
            browser.isAway = false
            for (const tab of tabs) tab.timerMs = 0
            // Timers that come a minute late, waits for another attempt, and the silence of two that lead one after the other and are frozen.
            await clock.pass(150_000)
            await check(browser)
            for (const tab of tabs) tab.thaw()
            await clock.pass(20_000)
            await check(browser)
          } finally {
            for (const tab of tabs) if (!tab.isCrashed) tab.close()
          }
          await settle()
          expect(browser.streams.size).toBe(0)
        }),
        { numRuns: Number(process.env['TIDINGS_TAB_LIVES'] ?? 50) },
      )
    },
    120_000,
  )
})

/** Tabs that have begun. */
async function openTabs(browser: FakeBrowser, ...topics: readonly (readonly string[])[]): Promise<readonly FakeTab[]> {
  const tabs: FakeTab[] = []
  for (const of of topics) {
    tabs.push(browser.open(of))
    await browser.clock.pass(500)
  }
  onTestFinished(() => {
    for (const tab of tabs) tab.close()
  })
  return tabs
}

describe('a tab that shares its connection', () => {
  it('and listens slowly holds a bounded part of what comes, reads the rest for itself, and holds up nobody', async () => {
    const browser = new FakeBrowser(new Random(1))
    const [fast, slow] = (await openTabs(browser, ['a'], ['a'])) as [FakeTab, FakeTab]
    const loop = slow.connection[Symbol.asyncIterator]()
    const first = loop.next()
    browser.say('a', '0')
    await first
    const { pages } = browser
    for (let i = 1; i <= 9; i++) {
      browser.say('a', `${i} ${big}`)
      await browser.clock.pass(10)
    }
    expect(fast.heard.map(shorten)).toEqual(fast.owed.map(shorten))
    expect(slow.heard).toEqual(['0'])
    expect(browser.pages).toBe(pages)
    for (let i = 1; i <= 9; i++) {
      void loop.next()
      await browser.clock.pass(1_000)
    }
    expect(slow.heard.map(shorten)).toEqual(slow.owed.map(shorten))
    expect(browser.pages).toBeGreaterThan(pages)
  })

  it('and is refused fails alone, and another one leads', async () => {
    const browser = new FakeBrowser(new Random(2))
    const [first, second] = (await openTabs(browser, ['a'], ['a', 'b'])) as [FakeTab, FakeTab]
    browser.refused.add(first)
    browser.cut()
    await browser.clock.pass(3_000)
    browser.say('b', 'said')
    await browser.clock.pass(3_000)
    expect(first.errors).toMatchObject([{ code: 'unauthorized' }])
    expect([first.connection.state, second.connection.state]).toEqual(['closed', 'open'])
    expect([second.heard, second.errors]).toEqual([['said'], []])
  })

  it('hears for itself when the others have as many topics as there may be', async () => {
    const browser = new FakeBrowser(new Random(3))
    const many = (prefix: string) => Array.from({ length: 60 }, (_, i) => `${prefix}/${i}`)
    const [first, second, third] = (await openTabs(browser, many('x'), many('y'), ['x/7'])) as [
      FakeTab,
      FakeTab,
      FakeTab,
    ]
    expect([first, second, third].map(({ connection }) => connection.transport)).toEqual([
      'shared',
      'event-stream',
      'shared',
    ])
    browser.say('x/7', 'one')
    browser.say('y/8', 'other')
    await browser.clock.pass(100)
    expect([first.heard, second.heard, third.heard]).toEqual([['one'], ['other'], ['one']])
    expect(browser.streams.size).toBe(2)
  })

  it('says that the connection is gone when it is, whoever has it', async () => {
    const browser = new FakeBrowser(new Random(4))
    const tabs = await openTabs(browser, ['a'], ['b'])
    browser.isAway = true
    browser.cut()
    await browser.clock.pass(100)
    expect(tabs.map(({ connection }) => connection.state)).toEqual(['waiting', 'waiting'])
    browser.isAway = false
    await browser.clock.pass(5_000)
    expect(tabs.map(({ connection }) => connection.state)).toEqual(['open', 'open'])
  })

  const noLocks = { request: () => Promise.reject(new Error('This page may not.')) }
  const noChannel = class {
    constructor() {
      throw new Error('This page may not.')
    }
  } as unknown as TabChannelClass

  it.each([
    ['are refused locks', () => ({ locks: noLocks })],
    ['are refused channels', () => ({ locks: locksOf(new FakeBrowser(new Random(8))), BroadcastChannel: noChannel })],
  ])('hears for itself where tabs %s', async (_, share) => {
    const { url, say } = await openHub()
    const { connection, heard, errors, changes } = listen(`${url}/events`, { topics: ['news'], share: share() })
    await vi.waitFor(() => expect([connection.state, connection.transport]).toEqual(['open', 'event-stream']))
    await say('news', 'said')
    await vi.waitFor(() => expect(heard).toEqual(['said']))
    expect(errors).toEqual([])
    expect(changes.find(({ error }) => error)?.error?.message).toBe('Tabs cannot share a connection here.')
  })

  it.each([
    // Those who meant a name would share with everybody.
    [{ share: { user: 'me' } }, 'share.user is no option.'],
    [{ share: 'me' }, 'share is true, or an object with a name.'],
    [{ share: { silenceMs: Number.NaN } }, 'share.silenceMs is 100 to 3600000 ms.'],
    [{ share: true, body: '{}' }, 'What is shared is asked with GET, without body and end.'],
  ])('is not had with %j', async (options, message) => {
    const { connection } = listen('http://127.0.0.1:9/events', { topics: ['news'], ...options } as ConnectOptions)
    expect(await connection.closed).toMatchObject({ error: { code: 'invalid-setting', message } })
  })

  it('is given the newest first if it asks for that, and then what comes', async () => {
    const { url, say, hub } = await openHub()
    for (const data of ['1', '2']) await say('price', data, { key: 'A' })
    await say('price', '3', { key: 'B' })
    const share = { locks: locksOf(new FakeBrowser(new Random(9))) }
    const first = listen(`${url}/events`, { topics: ['price'], since: 'latest', share })
    await isOpen(first.connection)
    expect(first.heard).toEqual(['2', '3'])
    await say('price', '4', { key: 'A' })
    await vi.waitFor(() => expect(first.heard).toEqual(['2', '3', '4']))
    const second = listen(`${url}/events`, { topics: ['price'], since: 'latest', share })
    await isOpen(second.connection)
    await vi.waitFor(() => expect(second.heard).toEqual(['3', '4']))
    await say('price', '5', { key: 'B' })
    await vi.waitFor(() =>
      expect([first.heard, second.heard]).toEqual([
        ['2', '3', '4', '5'],
        ['3', '4', '5'],
      ]),
    )
    second.connection.reconnect()
    await isOpen(second.connection)
    await say('price', '6', { key: 'A' })
    await vi.waitFor(() => expect(second.heard).toEqual(['3', '4', '5', '6']))
    expect([hub.status.subscriptions, first.connection.transport]).toEqual([1, 'shared'])
    expect([first, second].map(({ connection }) => connection.statistics.gaps)).toEqual([0, 0])
  })

  it('hears what is left after conflation as those do that ask for the same', async () => {
    const { url, say, hub } = await openHub()
    const share = { locks: locksOf(new FakeBrowser(new Random(10))) }
    const options = { topics: ['price'], conflate: 200, share }
    const tabs = [listen(`${url}/events`, options), listen(`${url}/events`, options)] as const
    const whole = listen(`${url}/events`, { topics: ['price'], share })
    for (const { connection } of [...tabs, whole]) await isOpen(connection)
    await vi.waitFor(() => expect(hub.status.subscriptions).toBe(2))
    for (let i = 0; i <= 500; i++) await say('price', `${i}`, { key: 'A' })
    const all = [...tabs, whole]
    await vi.waitFor(() => expect(all.map(({ heard }) => heard.at(-1))).toEqual(['500', '500', '500']), 10_000)
    expect(whole.heard).toHaveLength(501)
    for (const { heard, connection } of tabs) {
      expect(heard.length).toBeLessThan(501)
      expect(heard.map(Number)).toEqual(heard.map(Number).toSorted((one, other) => one - other))
      expect(connection.statistics).toMatchObject({ gaps: 0 })
    }
  })

  it('has its own schemas', async () => {
    const { url, say } = await openHub()
    const share = { locks: locksOf(new FakeBrowser(new Random(11))) }
    const strict = listen(`${url}/events`, { topics: ['n'], share, schemas: { n: z.number() } })
    const plain = listen(`${url}/events`, { topics: ['n'], share })
    for (const { connection } of [strict, plain]) await isOpen(connection)
    for (const data of ['1', '"two"', '3']) await say('n', data)
    await vi.waitFor(() =>
      expect([strict.heard, plain.heard]).toEqual([
        ['1', '3'],
        ['1', '"two"', '3'],
      ]),
    )
    expect(strict.errors).toMatchObject([{ code: 'invalid-event' }])
    expect([strict, plain].map(({ connection }) => connection.statistics.invalid)).toEqual([1, 0])
    expect(strict.connection.transport).toBe('shared')
  })

  it('is told of the end of its topic, though others hear more', async () => {
    const hub = await openHub()
    const browser = new FakeBrowser(new Random(5))
    const options = { share: { locks: locksOf(browser) } }
    const others = listen(`${hub.url}/events`, { topics: ['news', 'job'], ...options })
    await isOpen(others.connection)
    const job = listen(`${hub.url}/events`, { topics: ['job'], ...options })
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(1))
    await isOpen(job.connection)
    await hub.say('job', 'half')
    await hub.say('job', '{"outcome":"completed"}', { type: 'outcome', end: true })
    expect(await job.connection.closed).toEqual({ reason: 'ended' })
    expect(job.heard).toEqual(['half', '{"outcome":"completed"}'])
    await hub.say('news', 'more')
    await vi.waitFor(() => expect(others.heard).toEqual([...job.heard, 'more']))
    expect(others.connection.state).toBe('open')
  })

  it('is told of a gap in its own topics, and of no other', async () => {
    const log = createMemoryLog({ retention: [{ selector: 'busy', count: 1 }], trimIntervalMs: 10 })
    const hub = await openHub({ log })
    const browser = new FakeBrowser(new Random(6))
    let isAway = false
    const options: ConnectOptions = {
      ...{ backoffMs: 1, share: { locks: locksOf(browser) } },
      fetch: (url, init) => (isAway ? Promise.reject(new TypeError('away')) : fetch(url, init as RequestInit)),
    }
    const busy = listen(`${hub.url}/events`, { topics: ['busy'], ...options })
    await isOpen(busy.connection)
    const calm = listen(`${hub.url}/events`, { topics: ['calm'], ...options })
    await isOpen(calm.connection)
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(1))
    isAway = true
    for (const { connection } of [busy, calm]) connection.reconnect()
    for (let i = 0; i < 9; i++) await hub.say('busy', `${i}`)
    await hub.say('calm', 'kept')
    await vi.waitFor(async () => {
      const request = { selectors: [parseSelector('busy')], since: { kind: 'earliest' } } as const
      expect((await hub.hub.page(request, { limit: 100 })).events).toHaveLength(1)
    })
    isAway = false
    await vi.waitFor(() => expect([busy.heard, calm.heard]).toEqual([['8'], ['kept']]))
    expect([busy.connection.statistics.gaps, calm.connection.statistics.gaps]).toEqual([1, 0])
  })
})

/** For tabs that are never frozen. */
function locksOf(browser: FakeBrowser) {
  return browser.locksFor({ run: act => act() } as FakeTab)
}

function shorten(data: string): string {
  return data.slice(0, 12)
}
