import { describe, expect, it, onTestFinished, vi } from 'vitest'
// What is loaded when it is needed is there.
import { toMatch } from '../../src/client/connection/match.js'
import { createReceiver } from '../../src/client/connection/receiver.js'
import type { Attempt } from '../../src/client/connection/transport.js'
import { toGroup } from '../../src/client/sharing/group.js'
import type { Loaded } from '../../src/client/sharing/loaded.js'
import { createMember } from '../../src/client/sharing/member.js'
import '../../src/client/sharing/seat.js'
import { Random } from '../support/random.js'
import { FakeClock, settle } from './fake-clock.js'
import { FakeBrowser, type FakeTab } from './fake-tabs.js'
import { listen, openHub } from './listen.js'

/** A member by itself: what it asks is answered by `answer`, and what it gives is kept. */
async function attend(answer: (cursor: string) => object) {
  const asked: string[] = []
  const taken: string[] = []
  const loaded = {
    toMatch,
    createReceiver,
    takePage: () => undefined,
    async readPage(_attempt: unknown, cursor: string) {
      asked.push(cursor)
      await settle()
      return answer(cursor)
    },
  } as unknown as Loaded
  const settings = { url: 'http://hub.example/events?topic=a', withCredentials: false, onlyTopic: 'a' }
  const member = createMember({ loaded, clock: new FakeClock(), group: toGroup(settings), onAdmitted: () => undefined })
  const abort = new AbortController()
  const attempt = { settings: { ...settings, answerMs: 1_000 }, cursor: '', signal: abort.signal } as unknown as Attempt
  const silent = { opened: () => undefined, heard: () => undefined, room: () => undefined }
  void member.attend({ ...attempt, ...silent, take: ({ id }) => void taken.push(id) })
  onTestFinished(() => abort.abort())
  await settle()
  return { member, asked, taken }
}

describe('a tab that shares its connection', () => {
  it('is in no group when it closes with the first that it hears', async () => {
    const browser = new FakeBrowser(new Random(1))
    browser.say('a', '1')
    const tab = browser.open(['a'], { since: 'earliest' })
    tab.connection.on('**', () => tab.close())
    await browser.clock.pass(60_000)
    expect([tab.heard, tab.connection.state]).toEqual([['1'], 'closed'])
    expect([browser.places, browser.streams.size]).toEqual([0, 0])
  })

  it('hears for itself what its token lets it hear, where the others ask for more', async () => {
    const browser = new FakeBrowser(new Random(2))
    const first = browser.open(['a'])
    browser.forbidden.set(first, 'b')
    await browser.clock.pass(500)
    const second = browser.open(['b'])
    await browser.clock.pass(30_000)
    browser.say('a', '1')
    browser.say('b', '2')
    await browser.clock.pass(1_000)
    expect([first, second].map(({ heard, errors }) => [heard, errors])).toEqual([
      [['1'], []],
      [['2'], []],
    ])
    expect([first, second].map(({ connection }) => connection.transport)).toEqual(['event-stream', 'shared'])
    for (const tab of [first, second]) tab.close()
  })

  it('holds a bounded number of signs of life while its loop is busy', async () => {
    const browser = new FakeBrowser(new Random(3))
    const [fast, slow] = [browser.open(['a', 'b']), browser.open(['a', 'b'])]
    await browser.clock.pass(500)
    const loop = slow.connection[Symbol.asyncIterator]()
    const first = loop.next()
    browser.say('a', '1')
    await first
    for (const data of ['2', '3']) {
      browser.say('a', data)
      await browser.clock.pass(10)
    }
    await browser.clock.pass(12 * 3_600_000)
    const { pages } = browser
    for (const data of ['2', '3']) {
      const next = loop.next()
      await browser.clock.pass(1_000)
      expect((await next).value?.data).toBe(data)
    }
    // Held, they would be gone through one by one, and nothing be read.
    expect(browser.pages).toBe(pages + 1)
    expect(fast.heard).toEqual(['1', '2', '3'])
    for (const tab of [fast, slow]) tab.close()
  })

  it('listens to nothing that is not of its language', async () => {
    const browser = new FakeBrowser(new Random(4))
    const tabs = [browser.open(['a']), browser.open(['a'])]
    await browser.clock.pass(500)
    const term = { number: Number.MAX_SAFE_INTEGER, id: 'z' }
    for (const message of [null, 'lead', {}, { kind: 'later', term }]) browser.interject(message)
    browser.say('a', '1')
    await browser.clock.pass(60_000)
    expect(tabs.map(({ heard }) => heard)).toEqual([['1'], ['1']])
    expect(tabs.map(({ connection }) => connection.statistics.attempts)).toEqual([1, 1])
    for (const tab of tabs) tab.close()
  })

  it('is told what is wrong with its topics', async () => {
    const { url } = await openHub()
    const { connection } = listen(`${url}/events`, { topics: ['a/**/b'], share: true })
    expect(await connection.closed).toMatchObject({ reason: 'failed', error: { code: 'invalid-selector' } })
  })

  it('hears all of a stream that fails, whoever leads', async () => {
    const { url, hub } = await openHub()
    const browser = new FakeBrowser(new Random(5))
    const share = { locks: browser.locksFor({ run: (act: () => void) => act() } as FakeTab) }
    const tabs = [
      listen(`${url}/events`, { topics: ['job'], share }),
      listen(`${url}/events`, { topics: ['job'], share }),
    ]
    await vi.waitFor(() => expect(hub.status.subscriptions).toBe(1))
    const end = { data: '{"outcome":"failed"}', type: 'outcome', end: true }
    await hub.publish([
      { topic: 'job', data: 'half', type: '' },
      { topic: 'job', ...end },
    ] as never)
    for (const { connection, heard } of tabs) {
      expect(await connection.closed).toMatchObject({ reason: 'failed', error: { code: 'stream-incomplete' } })
      expect(heard).toEqual(['half', '{"outcome":"failed"}'])
    }
  })
  it('asks no more than it has to where the others are in another history', async () => {
    let offset = 0
    // Something is said all the time.
    const { member, asked } = await attend(() => ({ events: [], cursor: `b2-${++offset}`, more: false }))
    for (let i = 0; i < 20; i++) await settle()
    member.push({ from: 'a1-5', through: 'a1-6', events: [], isBeat: true })
    for (let i = 0; i < 200; i++) await settle()
    expect(asked).toEqual(['', 'b2-1'])
  })
})
