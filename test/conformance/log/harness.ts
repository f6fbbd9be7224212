import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect } from 'vitest'
import type { EventLog, LogEvent, LogOptions, NewEvent, Page, ReadOptions } from '../../../src/log/log.js'
import type { Position } from '../../../src/wire/names.js'
import { parseSelector, type Selector } from '../../../src/wire/selector.js'

/** How the suite comes by a log of one driver. */
export interface LogFactory {
  /** Opens the log in `directory`, which is there and empty the first time, and was left by `close` every other time. */
  open(options: LogOptions & { readonly directory: string }): Promise<EventLog>
  /** Whether a log that is opened again holds what it held when it was closed. */
  readonly persistent: boolean
  /** Whether pages end anywhere, so that nothing can be said of how much one read gives. Default: false. */
  readonly endsPagesEarly?: boolean | undefined
}

/** A clock that stands still until it is told otherwise. */
export class TestClock {
  now = 1_700_000_000_000
  advance(ms: number): void {
    this.now += ms
  }
}

/** A log that is open for one case. */
export interface OpenedLog {
  readonly log: EventLog
  readonly clock: TestClock
  /** Closes the log, and opens it again, with other settings if need be. */
  reopen(options?: LogOptions): Promise<EventLog>
  /** Closes the log and removes what it left, as happens after each case anyway. */
  close(): Promise<void>
}

export type OpenLog = (options?: LogOptions) => Promise<OpenedLog>

/** Opens logs of `factory` for the cases of a suite, and closes them and removes what they left after each. */
export function openerOf(factory: LogFactory): OpenLog {
  const opened = new Set<OpenedLog>()
  afterEach(async () => {
    for (const { close } of opened) await close()
  })
  return async (options = {}) => {
    const clock = new TestClock()
    const directory = await mkdtemp(join(tmpdir(), 'tidings-log-'))
    // Cases say themselves when retention has its turn.
    const settings = { trimIntervalMs: 3_600_000, clock: () => clock.now, ...options }
    let log = await factory.open({ ...settings, directory })
    const one: OpenedLog = {
      log,
      clock,
      reopen: async other => {
        await log.close()
        log = await factory.open({ ...settings, ...other, directory })
        return log
      },
      close: async () => {
        opened.delete(one)
        await log.close()
        await rm(directory, { recursive: true, force: true })
      },
    }
    opened.add(one)
    return one
  }
}

export const select = (...texts: readonly string[]): readonly Selector[] => texts.map(parseSelector)

/** Events of one topic, with data `topic 0`, `topic 1`, ... */
export const eventsOf = (topic: string, count: number, more: Partial<NewEvent> = {}): readonly NewEvent[] =>
  Array.from({ length: count }, (_, i) => ({ topic, data: `${topic} ${i}`, ...more }))

/** Appends, and gives the offsets. */
export async function appendTo(log: EventLog, ...events: readonly NewEvent[]): Promise<readonly number[]> {
  return (await log.append(events)).map(position => position.offset)
}

/** Holds a page to what every page promises. */
export function checkPage(page: Page, from: number): void {
  expect(page.from).toBe(from)
  expect(page.through).toBeGreaterThanOrEqual(page.from)
  let before = page.from
  for (const event of page.events) {
    expect(event.offset).toBeGreaterThan(before)
    before = event.offset
  }
  expect(page.through).toBeGreaterThanOrEqual(before)
  expect(page.head.epochs.length).toBeGreaterThan(0)
  expect(page.head.epochs.length).toBeLessThanOrEqual(64)
}

/** Everything that a reader sees who reads page after page, from `after` to the head. */
export async function readAll(
  log: EventLog,
  options: Partial<ReadOptions> = {},
  after = 0,
): Promise<readonly LogEvent[]> {
  const events: LogEvent[] = []
  let cursor = after
  for (;;) {
    const page = await log.read(cursor, { maxEvents: 1000, maxBytes: 1 << 20, ...options })
    checkPage(page, cursor)
    events.push(...page.events)
    const end = Math.min(options.through ?? page.head.offset, page.head.offset)
    expect(page.through).toBeLessThanOrEqual(Math.max(end, cursor))
    if (page.through >= end) return events
    expect(page.through).toBeGreaterThan(cursor)
    cursor = page.through
  }
}

export const dataOf = (events: readonly { readonly data: string }[]): readonly string[] => events.map(e => e.data)
export const offsetsOf = (events: readonly (LogEvent | Position)[]): readonly number[] => events.map(e => e.offset)

/** One who follows a log, and keeps what came. */
export class Follower {
  readonly pages: Page[] = []
  readonly #abort = new AbortController()
  readonly #pages: AsyncIterator<Page>
  #next: Promise<IteratorResult<Page>> | undefined

  constructor(log: EventLog, after: number) {
    this.#pages = log.follow(after, this.#abort.signal)[Symbol.asyncIterator]()
    // Following begins with the first wish for a page.
    this.#next = this.#pages.next()
    // A rejection is for who takes the page.
    this.#next.catch(() => undefined)
  }

  get events(): readonly LogEvent[] {
    return this.pages.flatMap(page => page.events)
  }

  async next(): Promise<IteratorResult<Page>> {
    const next = this.#next ?? this.#pages.next()
    this.#next = undefined
    const result = await next
    if (!result.done) this.pages.push(result.value)
    return result
  }

  /** Takes pages until what came fulfils `enough`. */
  async until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      const result = await this.next()
      if (result.done) throw new Error('The log ended a follower that it should go on with.')
    }
  }

  /** Takes pages until `offset` is passed. */
  through(offset: number): Promise<void> {
    return this.until(() => (this.pages.at(-1)?.through ?? 0) >= offset)
  }

  stop(): void {
    this.#abort.abort()
  }
}
