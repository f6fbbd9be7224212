import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { epochAt, judge } from '../../../src/log/epochs.js'
import type { EventLog, Head, LogOptions, NewEvent, RetentionRule } from '../../../src/log/log.js'
import { TidingsError } from '../../../src/wire/errors.js'
import { parseSelector } from '../../../src/wire/selector.js'
import { Follower, type LogFactory, type OpenedLog, type OpenLog } from './harness.js'
import { LogModel } from './model.js'

const topics = ['a', 'a/b', 'a/c', 'b', 'b/c/d', 'k/1', 'k/2', 'now', '한/국', '$hub']
const selectorTexts = [
  'a',
  'a/b',
  'b',
  'k/1',
  'k/2',
  'now',
  'none',
  '*',
  '**',
  'a/*',
  'a/**',
  'k/*',
  '*/b',
  '한/*',
  '$hub',
]

// Sizes and states together are left out: which events go then depends on when retention has its turn.
const ruleSets: readonly (readonly RetentionRule[])[] = [
  [],
  [{ selector: '**', count: 7 }],
  [
    { selector: 'k/*', keepLatest: true, count: 3 },
    { selector: 'now', ephemeral: true },
    { selector: '**', count: 9 },
  ],
  [
    { selector: 'a/**', bytes: 40 },
    { selector: 'k/1', keepLatest: true, ageMs: 50 },
    { selector: '*', ageMs: 100 },
  ],
  [
    { selector: 'k/**', keepLatest: true, count: 0 },
    { selector: '$hub', count: 0 },
    { selector: '**', bytes: 60, ageMs: 80 },
  ],
]

// Ends and tokens are seldom, because what is refused appends nothing.
const newEvent: fc.Arbitrary<NewEvent> = fc.record({
  topic: fc.oneof(fc.constantFrom('a', 'k/1', 'now'), fc.constantFrom(...topics)),
  data: fc.oneof(
    { weight: 5, arbitrary: fc.string({ maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constantFrom('', '한국 🙂', 'x'.repeat(3000)) },
  ),
  key: fc.constantFrom(undefined, '', 'x', 'y'),
  type: fc.constantFrom(undefined, 't', 'trade'),
  eventId: fc.constantFrom(undefined, 'id/1', 'id/2'),
  end: fc.integer({ min: 0, max: 50 }).map(n => (n === 0 ? true : n < 25 ? false : undefined)),
  once: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.record({
        token: fc.constantFrom('t1', 't2', 't3'),
        digest: fc.constantFrom('d', 'd', 'd', 'd', 'e'),
      }),
    },
  ),
})

const selectors = fc
  .oneof(
    fc.constantFrom([], ['a'], ['k/1'], ['now'], ['k/2', 'a']),
    fc.array(fc.constantFrom(...selectorTexts), { minLength: 1, maxLength: 3 }),
  )
  .map(texts => (texts.length === 0 ? undefined : texts.map(parseSelector)))

/** A place in the log, as a share of its head; a little above it too. */
const place = fc.integer({ min: 0, max: 105 })

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('append'), batch: fc.array(newEvent, { maxLength: 6 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('read'),
      after: place,
      selectors,
      through: fc.option(place, { nil: undefined }),
      maxEvents: fc.constantFrom(1, 2, 5, 1000),
      maxBytes: fc.constantFrom(1, 20, 1 << 20),
      newest: fc.boolean(),
    }),
  },
  // Never back: whether an event's age is then told by the clock or by the log's own time, the port leaves open.
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.constantFrom(1, 25, 49, 50, 80) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('trim'), selectors }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('follow'), after: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('catch up') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('list'),
      selectors,
      after: fc.option(fc.constantFrom(...topics, 'a/a'), { nil: undefined }),
      limit: fc.constantFrom(1, 3, 100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('search'), ago: fc.integer({ min: -10, max: 200 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('epoch'), isExpected: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rules'), rules: fc.constantFrom(...ruleSets) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
)

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** One log, beside its model. */
class Run {
  readonly #opened: OpenedLog
  #log: EventLog
  readonly #isPersistent: boolean
  readonly #model: LogModel
  #rules: readonly RetentionRule[]
  #followers: Follower[] = []
  readonly #starts = new Map<Follower, { readonly after: number; readonly epoch: string }>()

  constructor(opened: OpenedLog, rules: readonly RetentionRule[], isPersistent: boolean) {
    this.#opened = opened
    this.#log = opened.log
    this.#isPersistent = isPersistent
    this.#rules = rules
    this.#model = new LogModel(rules, () => opened.clock.now)
  }

  async take(taken: Step): Promise<void> {
    const model = this.#model
    const log = this.#log
    switch (taken.kind) {
      case 'append':
        return this.#append(taken.batch)
      case 'read': {
        const { kind: _, after: afterPlace, through: throughPlace, ...limits } = taken
        const after = await this.#offset(afterPlace)
        const through = throughPlace === undefined ? undefined : await this.#offset(throughPlace)
        const options = { ...limits, through }
        model.checkRead(after, options, await log.read(after, options))
        return
      }
      case 'advance':
        this.#opened.clock.advance(taken.ms)
        return
      case 'trim':
        await this.#trim()
        model.checkFloor(taken.selectors, await log.floor(taken.selectors))
        return
      case 'follow': {
        // A cursor above the head is not this history's.
        const { offset, epochs } = await log.head()
        const after = Math.min(await this.#offset(taken.after), offset)
        const follower = new Follower(log, after)
        this.#followers.push(follower)
        this.#starts.set(follower, { after, epoch: presentOf(epochs) })
        return
      }
      case 'catch up':
        return this.#catchUp()
      case 'list': {
        await this.#trim()
        const { after, limit } = taken
        expect(await log.topics({ after, limit, selectors: taken.selectors })).toEqual(
          model.topics(after, limit, taken.selectors),
        )
        const [one] = topics
        const info = model.topics(undefined, 1000, undefined).find(({ topic }) => topic === one)
        expect(await log.topic(one as string)).toEqual(info)
        return
      }
      case 'search': {
        await this.#trim()
        const time = model.lastTime - taken.ago
        model.checkOffsetBefore(time, await log.offsetBefore(time))
        return
      }
      case 'epoch': {
        const { epochs: before, offset } = await log.head()
        const { epochs } = await log.beginEpoch(taken.isExpected ? presentOf(before) : 'other')
        expect(epochs.slice(0, before.length)).toEqual(before)
        expect(epochs.slice(before.length).map(entry => entry.first)).toEqual(taken.isExpected ? [offset + 1] : [])
        return
      }
      case 'rules':
        await this.#trim()
        await log.setRetention(taken.rules)
        model.setRetention(taken.rules)
        this.#rules = taken.rules
        return
      case 'reopen':
        if (this.#isPersistent) await this.#reopen()
    }
  }

  /** The last questions: everything that is held, and everybody who listens. */
  async end(): Promise<void> {
    await this.#catchUp()
    await this.#trim()
    const everything = { maxEvents: 1_000_000, maxBytes: 1 << 30 }
    let after = 0
    do {
      const page = await this.#log.read(after, everything)
      this.#model.checkRead(after, everything, page)
      after = page.through
    } while (after < (await this.#log.head()).offset)
    const { epochs } = await this.#log.head()
    for (const { offset } of this.#model.history) {
      expect(judge({ epoch: epochAt(offset, epochs), offset }, epochs)).toBe('good')
    }
    for (const follower of this.#followers) follower.stop()
    await this.#opened.close()
  }

  async #append(batch: readonly NewEvent[]): Promise<void> {
    const { epochs } = await this.#log.head()
    const refusals: unknown[] = [...this.#model.refusalsOf(batch)]
    const [answer] = await Promise.allSettled([this.#log.append(batch)])
    if (answer.status === 'rejected') {
      // Whether an end that retention may take is still held, only the log knows.
      if (this.#mayBeEnded(batch)) refusals.push('topic-ended')
      if (!(answer.reason instanceof TidingsError)) throw answer.reason
      expect(refusals).toContain(answer.reason.code)
    } else {
      expect(refusals).toEqual([])
      this.#model.appended(batch, answer.value, presentOf(epochs))
    }
  }

  #mayBeEnded(batch: readonly NewEvent[]): boolean {
    return this.#model.held.some(event => event.end && batch.some(({ topic }) => topic === event.topic))
  }

  async #trim(): Promise<void> {
    await this.#log.trim()
    this.#model.trim()
  }

  async #catchUp(): Promise<void> {
    const { offset, epochs } = await this.#log.head()
    for (const follower of this.#followers) {
      const { after, epoch } = this.#starts.get(follower) ?? { after: 0, epoch: '' }
      const seen = follower.pages.length
      await follower.until(() => {
        const last = follower.pages.at(-1)
        const known = last ? presentOf(last.head.epochs) : epoch
        return (last?.through ?? after) >= offset && known === presentOf(epochs)
      })
      for (const [i, page] of follower.pages.entries()) {
        if (i < seen) continue
        expect(page.from).toBe(follower.pages[i - 1]?.through ?? after)
        this.#model.checkFollowed(page)
      }
    }
  }

  async #reopen(): Promise<void> {
    const before = await this.#log.head()
    this.#log = await this.#opened.reopen({ retention: this.#rules })
    expect(await this.#log.head()).toEqual(before)
    this.#followers = []
  }

  async #offset(share: number): Promise<number> {
    return Math.floor(((await this.#log.head()).offset * share) / 100)
  }
}

const presentOf = (epochs: Head['epochs']) => epochs.at(-1)?.epoch ?? ''

/** Random use of a log, every answer held against a model. */
export function properties(open: OpenLog, factory: LogFactory): void {
  describe('any use', () => {
    it('is answered as the model of a log answers', async () => {
      const use = fc.tuple(fc.constantFrom(...ruleSets), fc.array(step, { maxLength: 60, size: 'max' }))
      await fc.assert(
        fc.asyncProperty(use, async ([retention, steps]) => {
          const options: LogOptions = { retention, idempotencyMs: 3_600_000 }
          const run = new Run(await open(options), retention, factory.persistent)
          for (const taken of steps) await run.take(taken)
          await run.end()
        }),
        { numRuns: 40 },
      )
    }, 60_000)
  })
}
