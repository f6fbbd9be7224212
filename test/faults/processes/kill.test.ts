import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { freePort, startHubProcess } from '../../support/hub-process.js'
import { Random, runSeed } from '../../support/random.js'
import { PollingReader, readAll } from './log-pages.js'
import { type Answered, Publisher, type PublisherOptions, type Saying } from './publisher.js'
import { ResumingReader } from './resuming-reader.js'

const rounds = 20
const seed = runSeed()
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-killed-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Things that happen, counted; so that the hub is killed at one of them, and not some time after it. */
class Steps {
  #left = Number.POSITIVE_INFINITY
  #resolve: (() => void) | undefined

  take = (): void => {
    if (--this.#left > 0) return
    this.#left = Number.POSITIVE_INFINITY
    this.#resolve?.()
  }

  /** Resolves, and calls `then` in the same turn, when `count` more have happened. */
  next(count: number, then: () => void): Promise<void> {
    this.#left = count
    return new Promise(resolve => {
      this.#resolve = () => {
        then()
        resolve()
      }
    })
  }
}

describe(`a hub that is killed in the middle of publishing, TIDINGS_SEED=${seed}`, () => {
  test(`${rounds} times: nothing answered is lost, and every reader hears all of it in order, once`, async () => {
    const random = new Random(seed)
    const port = await freePort()
    const where = { port, log: `lmdb:${directory}` }
    let hub = await startHubProcess(where)
    const said = new Steps()
    const heard = new Steps()

    const read = (target: string, cursorIn: 'header' | 'parameter') =>
      new ResumingReader({ port, target, cursorIn, onEvent: heard.take })
    const readers = [
      { hears: () => true, reader: read('/events?topic=**', 'header') },
      { hears: () => true, reader: read('/events', 'parameter') },
      { hears: (topic: string) => topic === 'news', reader: read('/events/news', 'header') },
      { hears: (topic: string) => topic.startsWith('chat/'), reader: read('/events?topic=chat/*', 'header') },
      { hears: (topic: string) => topic === 'chat/b', reader: read('/events/chat/b?since=now', 'parameter') },
    ]
    const poller = new PollingReader(hub.url, 'news')
    onTestFinished(async () => {
      for (const { reader } of readers) reader.stop()
      await poller.stop()
    })
    for (const { reader } of readers) await vi.waitFor(() => expect(reader.lastEventId).not.toBe(''))

    const publish = (options: Pick<PublisherOptions, 'name' | 'form' | 'repeats'>) =>
      new Publisher({ port, topics: ['news', 'chat/a', 'chat/b'], random, onStep: said.take, ...options })
    const publishers = [
      publish({ name: 'one-by-one', form: 'single', repeats: true }),
      publish({ name: 'one-at-once', form: 'single', repeats: false }),
      publish({ name: 'some-together', form: 'array', repeats: true }),
      publish({ name: 'some-at-once', form: 'array', repeats: false }),
      publish({ name: 'line-by-line', form: 'lines', repeats: true }),
      publish({ name: 'lines-at-once', form: 'lines', repeats: false }),
    ]

    onTestFinished(() => {
      for (const publisher of publishers) publisher.abandon()
    })

    for (let round = 0; round < rounds; round++) {
      // Every other time while some are still on their way back.
      const opened = readers.map(({ reader }) => reader.ended + 1)
      const areBack = () => expect(readers.every(({ reader }, i) => reader.opened >= (opened[i] ?? 0))).toBe(true)
      if (random.chance(0.5)) await vi.waitFor(areBack, { timeout: 10_000, interval: 10 })
      const ended = hub.ended
      await random.pick([said, heard]).next(20 + random.below(200), () => process.kill(hub.pid, 'SIGKILL'))
      expect(await ended).toEqual({ code: null, signal: 'SIGKILL' })
      hub = await startHubProcess(where)
    }
    await said.next(100, () => undefined)
    await Promise.all(publishers.map(publisher => publisher.stop()))
    const log = await readAll(hub.url)

    for (const { reader, hears } of readers) {
      const own = log.filter(event => hears(event.topic))
      await vi.waitFor(() => expect(reader.events.length).toBeGreaterThanOrEqual(own.length), { timeout: 20_000 })
      expect(firstDifference(reader.events, own)).toBeUndefined()
      expect(reader.gaps).toEqual([])
      expect(reader.opened).toBeGreaterThan(rounds / 4)
    }
    const news = log.filter(event => event.topic === 'news')
    await vi.waitFor(() => expect(poller.events.length).toBeGreaterThanOrEqual(news.length), { timeout: 20_000 })
    expect(firstDifference(poller.events, news)).toBeUndefined()
    expect(poller.gaps).toEqual([])

    const held = new Map(log.map(event => [event.data, event]))
    expect(held.size, 'something was taken twice').toBe(log.length)
    const attempted = new Map(publishers.flatMap(each => each.attempted).map(({ data, topic }) => [data, topic]))
    expect(log.filter(event => attempted.get(event.data) !== event.topic)).toEqual([])
    for (const publisher of publishers) {
      expect(publisher.unanswered).toBeGreaterThan(0)
      const isLost = ({ data, id }: Answered) => !held.has(data) || (id !== undefined && held.get(data)?.id !== id)
      expect(publisher.answered.filter(isLost)).toEqual([])
      if (!publisher.repeats) continue
      // What was repeated until it was answered stands in the order in which it was said.
      const own = log.filter(event => event.data.startsWith(`${publisher.name} `))
      expect(firstDifference(own, publisher.attempted)).toBeUndefined()
    }
  }, 120_000)
})

/** Where two lists say something else, and what; nothing if they say the same. */
function firstDifference(found: readonly Saying[], wanted: readonly Saying[]): unknown {
  for (let i = 0; i < Math.max(found.length, wanted.length); i++) {
    const [a, b] = [found[i], wanted[i]]
    if (a?.data !== b?.data) return { index: i, of: [found.length, wanted.length], found: a, wanted: b }
  }
  return undefined
}
