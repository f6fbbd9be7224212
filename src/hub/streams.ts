import type { LogEvent } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import { parseSelector, type Selector } from '../wire/selector.js'
import { Lease, type LeaseOptions, type StreamLease, type StreamSurroundings } from './lease.js'
import { type LeaseMark, toLeaseMark } from './mark.js'
import { outcomeOf, toEnding } from './topic-end.js'

/** A stream whose signs of life this hub listens for. */
interface Watch {
  holder: string
  leaseMs: number
  /** By this process's own clock, which goes evenly: nobody's time of day is asked, and no two are compared. */
  until: number
  /** Marks that were seen. */
  marks: number
}

const sweepMs = 250
const maxWatched = 100_000
/** Selectors that are remembered to have been looked at. */
const maxLooked = 10_000

/**
 * The topics that are streams: each has one producer, which says that it lives by marks in the topic itself.
 *
 * Every hub on the log hears the marks, and ends the topic as `abandoned` when there were none for the time of the lease. The first end in
 * the log counts, so it does no harm that several do so, or that its producer ends it at the same time.
 */
export class Streams {
  readonly #hub: StreamSurroundings
  readonly #own = new Map<string, Lease>()
  readonly #watched = new Map<string, Watch>()
  /** Selectors whose streams are all watched that are open. */
  readonly #looked = new Set<string>()
  readonly #asked = new Map<string, Selector>()
  #isLooking = false
  #isClosed = false
  #sweeping: NodeJS.Timeout | undefined

  constructor(hub: StreamSurroundings) {
    this.#hub = hub
  }

  /** Opens a topic for one producer. Rejects as the log does, and with `topic-ended`. */
  async open(topic: string, options: LeaseOptions): Promise<StreamLease> {
    const lease = new Lease(this.#hub, topic, options, over => {
      if (this.#own.get(topic) === over) this.#own.delete(topic)
    })
    await lease.open()
    this.#own.get(topic)?.lose('abandoned')
    this.#own.set(topic, lease)
    if (this.#isClosed) lease.lose('abandoned')
    return lease
  }

  /** Ends a stream as `stopped`, whichever hub its producer has. Resolves to whether there was one to stop. Rejects as the log does. */
  async stop(topic: string): Promise<boolean> {
    const own = this.#own.get(topic)
    if (own) return (await own.end('stopped', [])) === 'stopped'
    if (!this.#watched.has(topic) && !(await this.#find(parseSelector(topic))).has(topic)) return false
    try {
      await this.#hub.append([toEnding(topic, 'stopped')])
      return true
    } catch (error) {
      if (error instanceof TidingsError && error.code === 'topic-ended') return false
      throw error
    }
  }

  /** A mark, or the end of a topic, has passed the hub. */
  passed(event: LogEvent): void {
    const { topic, offset } = event
    const own = this.#own.get(topic)
    if (event.end) {
      this.#watched.delete(topic)
      own?.lose(outcomeOf(event) ?? 'stopped')
      return
    }
    const mark = toLeaseMark(event)
    if (!mark) return
    if (own && mark.isOpening && mark.holder !== own.holder && offset > own.openedAt) own.lose('abandoned')
    this.#watch(topic, mark)
  }

  /** What these select has a reader here. What was said of it before, the hub may not have heard. */
  look(selectors: readonly Selector[]): void {
    if (this.#isClosed) return
    for (const selector of selectors) {
      const { text } = selector
      if (!this.#watched.has(text) && !this.#looked.has(text)) this.#asked.set(text, selector)
    }
    if (this.#asked.size > 0 && !this.#isLooking) void this.#lookAll()
  }

  /** Marks may have been missed, or could not be written: all leases begin anew. */
  postpone(): void {
    this.#looked.clear()
    for (const watch of this.#watched.values()) watch.until = performance.now() + watch.leaseMs
  }

  /** Ends the streams whose producers are here, which are about to go. Resolves when that is in the log. */
  async abandon(): Promise<void> {
    await Promise.all([...this.#own.values()].map(lease => lease.end('abandoned', [])))
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeping)
    for (const lease of this.#own.values()) lease.lose('abandoned')
  }

  #watch(topic: string, { holder, leaseMs, isOpening }: LeaseMark): void {
    const until = performance.now() + leaseMs
    const watch = this.#watched.get(topic)
    if (watch) {
      // Of a producer from whom the topic was taken, no sign of life counts.
      if (watch.holder !== holder && !isOpening) return
      Object.assign(watch, { holder, leaseMs, until, marks: watch.marks + 1 })
    } else if (this.#watched.size < maxWatched && !this.#isClosed) {
      this.#watched.set(topic, { holder, leaseMs, until, marks: 1 })
      this.#sweeping ??= setInterval(() => this.#sweep(), sweepMs).unref()
    }
  }

  #sweep(): void {
    const now = performance.now()
    for (const [topic, watch] of this.#watched) {
      // Its producer lives, since this process does.
      if (watch.until > now || this.#own.has(topic)) continue
      watch.until = now + watch.leaseMs
      void this.#expire(topic, watch)
    }
    if (this.#watched.size > 0) return
    clearInterval(this.#sweeping)
    this.#sweeping = undefined
  }

  async #expire(topic: string, watch: Watch): Promise<void> {
    const { marks } = watch
    try {
      // A hub that lags, or was stopped for a while, may have marks before it that it has not come to.
      await this.#hub.reached((await this.#hub.askHead()).offset)
      if (this.#isClosed || watch.marks !== marks || this.#watched.get(topic) !== watch) return
      await this.#hub.append([toEnding(topic, 'abandoned')])
      this.#watched.delete(topic)
    } catch (error) {
      if (error instanceof TidingsError && error.code === 'topic-ended') this.#watched.delete(topic)
      // Where the log does not answer this hub, it may not answer the producer's either.
      else watch.until = performance.now() + watch.leaseMs
    }
  }

  async #lookAll(): Promise<void> {
    this.#isLooking = true
    for (const [text, selector] of this.#asked) {
      try {
        const found = await this.#find(selector)
        for (const [topic, mark] of found) if (!this.#watched.has(topic)) this.#watch(topic, mark)
        if (this.#looked.size >= maxLooked) this.#looked.clear()
        if (!found.has(text)) this.#looked.add(text)
      } catch {
        // The next reader asks again.
      }
      this.#asked.delete(text)
      if (this.#isClosed) break
    }
    this.#isLooking = false
  }

  /** The newest marks of topics that have not ended. Costs what the newest of each topic and key cost. */
  async #find(selector: Selector): Promise<ReadonlyMap<string, LeaseMark>> {
    const found = new Map<string, LeaseMark>()
    const info = selector.glob ? undefined : await this.#hub.log.topic(selector.text)
    if (!selector.glob && (!info || info.end !== undefined)) return found
    for (let after = 0; !this.#isClosed; ) {
      const options = { selectors: [selector], newest: true, maxEvents: 1_000, maxBytes: 1024 * 1024 }
      const page = await this.#hub.log.read(after, options)
      for (const event of page.events) {
        const mark = toLeaseMark(event)
        if (mark && found.size < maxWatched) found.set(event.topic, mark)
        else if (event.end) found.delete(event.topic)
      }
      if (page.through >= page.head.offset || page.through === after) break
      after = page.through
    }
    return found
  }
}
