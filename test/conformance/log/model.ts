import { expect } from 'vitest'
import type { LogEvent, NewEvent, Page, ReadOptions, RetentionRule, TopicInfo } from '../../../src/log/log.js'
import { compileRetention, eventBytes, type Retention } from '../../../src/log/retention.js'
import type { Position } from '../../../src/wire/names.js'
import { matches, matchesAny, type Selector } from '../../../src/wire/selector.js'

/** Why an append has to be refused. */
export type Refusal = 'topic-ended' | 'idempotency-conflict'

/**
 * A log as the port describes it, with nothing but a list of events and as slow as that is.
 *
 * A driver may apply retention whenever it likes. The model does so when it is told to trim; until then there are events that
 * may be gone (`held`) and events that must be there (what would be left if it were trimmed now).
 */
export class LogModel {
  #retention: Retention
  readonly #now: () => number
  /** All that was ever appended. */
  readonly history: LogEvent[] = []
  held: readonly LogEvent[] = []
  readonly removed: LogEvent[] = []
  /** What was removed under rules that hold no more: others may answer for it now. */
  #inherited = 0
  readonly #once = new Map<string, { readonly digest: string; readonly position: Position }>()

  constructor(rules: readonly RetentionRule[], now: () => number) {
    this.#retention = compileRetention(rules)
    this.#now = now
  }

  get lastTime(): number {
    return this.history.at(-1)?.time ?? 0
  }

  /** Why the log may refuse the batch, of what is surely held; nothing: it must append. */
  refusalsOf(batch: readonly NewEvent[]): readonly Refusal[] {
    const ended = new Set(this.mustHold().flatMap(event => (event.end ? [event.topic] : [])))
    const said = new Map<string, string>()
    const refusals = new Set<Refusal>()
    for (const { topic, end, once } of batch) {
      if (once) {
        const digest = this.#once.get(once.token)?.digest ?? said.get(once.token)
        if (digest !== undefined && digest !== once.digest) refusals.add('idempotency-conflict')
        if (digest !== undefined) continue
        said.set(once.token, once.digest)
      }
      if (ended.has(topic)) refusals.add('topic-ended')
      if (end) ended.add(topic)
    }
    return [...refusals]
  }

  /** Takes over what the log answered, and holds it to what an append promises. */
  appended(batch: readonly NewEvent[], positions: readonly Position[], epoch: string): void {
    expect(positions).toHaveLength(batch.length)
    const time = Math.max(this.lastTime, this.#now())
    for (const [i, event] of batch.entries()) {
      const position = positions[i] as Position
      const repeated = event.once && this.#once.get(event.once.token)
      if (repeated) {
        expect(position).toEqual(repeated.position)
        continue
      }
      expect(position.epoch).toBe(epoch)
      expect(position.offset).toBeGreaterThan(this.history.at(-1)?.offset ?? 0)
      if (event.once) this.#once.set(event.once.token, { digest: event.once.digest, position })
      const { topic, data, type = '', key = '', eventId = '', end = false } = event
      const added = { offset: position.offset, time, topic, data, type, key, eventId, end }
      this.history.push(added)
      this.held = [...this.held, added]
    }
  }

  trim(): void {
    const left = this.mustHold()
    const kept = new Set(left)
    this.removed.push(...this.held.filter(event => !kept.has(event)))
    this.held = left
  }

  /** After a trim only, when it is known what the rules before have removed. */
  setRetention(rules: readonly RetentionRule[]): void {
    this.#retention = compileRetention(rules)
    this.#inherited = Math.max(0, ...this.removed.map(event => event.offset))
  }

  /** What is left when every rule is applied now. */
  mustHold(): readonly LogEvent[] {
    const now = Math.max(this.lastTime, this.#now())
    const newest = this.#newest()
    const gone = new Set<LogEvent>()
    for (const [i, rule] of this.#retention.rules.entries()) {
      const governed = this.held.filter(event => this.#retention.ruleOf(event.topic) === i)
      let count = governed.length
      let bytes = governed.reduce((sum, event) => sum + eventBytes(event), 0)
      for (const event of governed) {
        if (rule.keepLatest && newest.has(event)) continue
        if (!rule.ephemeral && now - event.time <= rule.ageMs && count <= rule.count && bytes <= rule.bytes) continue
        gone.add(event)
        count--
        bytes -= eventBytes(event)
      }
    }
    return this.held.filter(event => !gone.has(event))
  }

  /** The last event of each topic and key that was ever appended. */
  #newest(): ReadonlySet<LogEvent> {
    const last = new Map<string, LogEvent>()
    for (const event of this.history) last.set(JSON.stringify([event.topic, event.key]), event)
    return new Set(last.values())
  }

  /** Holds a page to what a read promises. */
  checkRead(after: number, options: ReadOptions, page: Page): void {
    const { selectors, maxEvents, maxBytes, newest } = options
    const end = Math.min(options.through ?? page.head.offset, page.head.offset)
    expect(page.head.offset).toBe(this.history.at(-1)?.offset ?? 0)
    expect(page.head.time).toBe(this.lastTime)
    expect(page.from).toBe(after)
    if (after >= end) expect(page).toMatchObject({ through: after, events: [] })
    else expect(page.through).toBeGreaterThan(after)
    expect(page.through).toBeLessThanOrEqual(Math.max(after, end))
    expect(page.events.length).toBeLessThanOrEqual(maxEvents)
    const butLast = page.events.slice(0, -1).reduce((sum, event) => sum + Buffer.byteLength(event.data), 0)
    expect(butLast).toBeLessThan(maxBytes)
    const wanted = newest ? this.#newest() : undefined
    const asked = (event: LogEvent) =>
      event.offset > after &&
      event.offset <= page.through &&
      (!selectors || matchesAny(selectors, event.topic)) &&
      (!wanted || wanted.has(event))
    this.#checkBetween(page.events, this.mustHold().filter(asked), this.held.filter(asked))
    this.checkFloor(selectors, page.floor)
  }

  /** Not below what was surely removed; not above what any rule has removed that may govern what is selected. */
  checkFloor(selectors: readonly Selector[] | undefined, floor: number): void {
    const surely = this.removed.filter(event => !selectors || matchesAny(selectors, event.topic))
    expect(floor).toBeGreaterThanOrEqual(surely.at(-1)?.offset ?? 0)
    const must = new Set(this.mustHold())
    const rules = new Set(this.#retention.rulesFor(selectors))
    const maybe = this.history.filter(
      event => !must.has(event) && rules.has(this.#retention.ruleOf(event.topic) ?? this.#retention.rules.length),
    )
    expect(floor).toBeLessThanOrEqual(Math.max(this.#inherited, maybe.at(-1)?.offset ?? 0))
  }

  /** Holds a follower's page to what was appended between its ends. */
  checkFollowed(page: Page): void {
    const asked = (event: LogEvent) => event.offset > page.from && event.offset <= page.through
    this.#checkBetween(page.events, this.mustHold().filter(asked), this.history.filter(asked))
  }

  /** After a trim only, when it is known what is held. */
  topics(after: string | undefined, limit: number, selectors: readonly Selector[] | undefined): readonly TopicInfo[] {
    const infos = new Map<string, TopicInfo>()
    for (const { topic, offset, end } of this.held) {
      if (selectors && !selectors.some(selector => matches(selector, topic))) continue
      const info = infos.get(topic)
      infos.set(topic, {
        topic,
        events: (info?.events ?? 0) + 1,
        first: info?.first ?? offset,
        last: offset,
        end: end ? offset : info?.end,
      })
    }
    return [...infos.values()]
      .filter(info => after === undefined || info.topic > after)
      .sort((a, b) => (a.topic < b.topic ? -1 : 1))
      .slice(0, limit)
  }

  /** Any offset that parts what is held at `time` is a good answer. */
  checkOffsetBefore(time: number, offset: number): void {
    for (const event of this.held)
      expect([event.offset, event.offset <= offset]).toEqual([event.offset, event.time < time])
    expect(offset).toBeLessThanOrEqual(this.history.at(-1)?.offset ?? 0)
  }

  #checkBetween(given: readonly LogEvent[], must: readonly LogEvent[], may: readonly LogEvent[]): void {
    const offsets = new Set(given.map(event => event.offset))
    expect(given).toEqual(may.filter(event => offsets.has(event.offset)))
    expect(must.filter(event => !offsets.has(event.offset))).toEqual([])
  }
}
