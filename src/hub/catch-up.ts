import { presentEpoch } from '../log/epochs.js'
import type { EpochEntry, EventLog, LogEvent, Page } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import { hubTypes } from '../wire/names.js'
import type { Batch } from './held.js'
import { toBatch } from './held.js'
import { isMark } from './mark.js'
import type { Counters } from './observer.js'
import type { Recent, RecentEvent } from './recent.js'
import { type Shareable, SharedReads } from './shared-reads.js'
import type { Encoding } from './sink.js'
import type { HubSubscription, HubView } from './subscription.js'
import { readLastEvent, type TopicEnd, toTopicEnd } from './topic-end.js'
import { joinFrames } from './view.js'

/** How much one turn of the loop does before the live flow has its turn again. */
const maxStepsPerTurn = 64
const maxBytesPerTurn = 1024 * 1024
/** Data of one write: large enough that a write is worth its price. */
const batchBytes = 64 * 1024
const pressedBatchBytes = 8 * 1024
const maxBatchEvents = 1000
/**
 * Recent events of so much data are written one by one, each with its one frame, which is there already: joined, it would be copied for
 * each reader. Measured: 100 readers that fell 20 MB behind in events of 16 kB and read again, in the same time, at 70 MiB less.
 */
const aloneBytes = 8 * 1024
/** Whoever is no further behind than this is served from the recent events, and others by the log's indexes. */
const maxRecentWalk = 4096
const maxReads = 16
/** Rest after a read that failed, and after one that brought nothing because the log's reader lags behind its follower. */
const failedRestMs = 250
const laggingRestMs = 10

/** A complete stretch of the log for one view, after some cursor. */
interface Stretch {
  readonly batch: Batch | undefined
  /** How many events are in the batch. */
  readonly count: number
  /** Of so much data, which may have been packed. */
  readonly madeOf: number
  readonly through: number
  /** With what the view's topic ended, if that is in here. */
  readonly end: TopicEnd | undefined
  /** With what the view's topic ended, wherever that is, if the log was trimmed above the cursor. */
  readonly ended?: TopicEnd | undefined
  /** Where it was read, if it was not in the recent events. */
  readonly page: Page | undefined
}

/** One that was read from the log. */
interface ReadStretch extends Stretch, Shareable {}

export interface CatchUpSurroundings {
  readonly log: EventLog
  readonly recent: Recent
  readonly tail: number
  readonly epochs: readonly EpochEntry[]
  readonly isPressed: boolean
  readonly isDraining: boolean
  readonly counters: Pick<Counters, 'catchUp'>
  positionAt(offset: number): string
  /** Resolves when the hub has passed `offset`, or will not. */
  reached(offset: number): Promise<void>
  report(message: string, error: unknown): void
}

/**
 * Lets those behind read on: one after the other, a bounded batch each, a bounded amount a turn, so that a herd that comes back
 * does not hold up the live flow. Those of one view that stand at the same place share one read and one batch.
 */
export class CatchUp {
  readonly #hub: CatchUpSurroundings
  #line: HubSubscription[] = []
  #next = 0
  #isScheduled = false
  #pause: NodeJS.Timeout | undefined
  #reads = 0
  /** Stretches made in this turn, by view and cursor. */
  #stretches = new Map<HubView, Map<number, Stretch>>()
  readonly #shared = new SharedReads<ReadStretch>()

  constructor(hub: CatchUpSurroundings) {
    this.#hub = hub
  }

  /** A new subscription: live at once if it begins where the live flow is. */
  begin(subscription: HubSubscription): void {
    const { view, snapshotThrough, cursor } = subscription
    if (snapshotThrough > 0 || cursor !== view.through(this.#hub.tail)) {
      this.enqueue(subscription)
      return
    }
    subscription.happen('turn')
    this.#arrive(subscription)
  }

  enqueue(subscription: HubSubscription): void {
    this.#line.push(subscription)
    this.#schedule()
  }

  close(): void {
    clearTimeout(this.#pause)
    this.#line = []
  }

  #schedule(): void {
    if (this.#isScheduled || this.#pause) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#turn()
    })
  }

  #turn(): void {
    let bytes = 0
    for (let steps = 0; steps < maxStepsPerTurn && bytes < maxBytesPerTurn; steps++) {
      if (this.#next >= this.#line.length || this.#reads >= maxReads) break
      const subscription = this.#line[this.#next++] as HubSubscription
      if (subscription.phase === 'waiting') bytes += this.#tryStep(subscription)
    }
    this.#stretches = new Map()
    this.#hub.recent.settle()
    if (this.#next >= this.#line.length) {
      this.#line = []
      this.#next = 0
    } else if (this.#next > 1024 && this.#next * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#next)
      this.#next = 0
    }
    if (this.#line.length > 0 && this.#reads < maxReads) this.#schedule()
  }

  /** What fails for one must not reach the others, nor the event loop. */
  #tryStep(subscription: HubSubscription): number {
    try {
      return this.#step(subscription)
    } catch (error) {
      this.#cutOff(subscription, error)
      return 0
    }
  }

  #cutOff(subscription: HubSubscription, error: unknown): void {
    this.#hub.report('Events could not be read or written for one who is catching up, who is cut off.', error)
    subscription.destroy()
  }

  /** One subscription reads once. Returns the bytes that were written at once. */
  #step(subscription: HubSubscription): number {
    const { view, cursor } = subscription
    const through = view.through(this.#hub.tail)
    if (subscription.snapshotThrough === 0 && cursor > through) {
      if (view.window && cursor <= this.#hub.tail) view.window.wait(subscription)
      else void this.#hub.reached(cursor).then(() => this.enqueue(subscription))
      return 0
    }
    subscription.happen('turn')
    if (subscription.snapshotThrough > 0) {
      void this.#read(subscription, () => this.#readSnapshot(subscription))
      return 0
    }
    if (cursor >= through) {
      this.#arrive(subscription)
      return 0
    }
    const { recent } = this.#hub
    const found = this.#stretches.get(view)?.get(cursor)
    const made = found ?? this.#fromRecent(view, cursor, through, recent)
    if (made) {
      this.#give(subscription, made)
      const written = made.batch?.bytes.length ?? 0
      return found ? written : Math.max(written, made.madeOf)
    }
    void this.#read(subscription, () => this.#shared.share(view, cursor, () => this.#readLog(view, cursor, through)))
    return 0
  }

  #fromRecent(view: HubView, cursor: number, through: number, recent: Recent): Stretch | undefined {
    if (cursor < recent.from) return undefined
    const start = recent.indexAfter(cursor)
    const end = recent.indexAfter(through)
    if (end - start > maxRecentWalk) return undefined
    const superseding = view.isConflated ? newestOf(recent, start) : undefined
    if (superseding) view.supersededBy = Math.max(view.supersededBy, this.#hub.tail)
    const events: RecentEvent[] = []
    const maxBytes = this.#batchBytes
    let bytes = 0
    let reached = through
    for (let i = start; i < end; i++) {
      const entry = recent.at(i) as RecentEvent
      if (!view.selects(entry.event.topic) || (superseding && !superseding.has(entry))) continue
      const size = entry.event.data.length
      const last = events.at(-1)
      if (last && size >= aloneBytes) {
        reached = last.event.offset
        break
      }
      events.push(entry)
      bytes += size
      if (size >= aloneBytes || bytes >= maxBytes || events.length >= maxBatchEvents) {
        reached = i + 1 < end ? entry.event.offset : through
        break
      }
    }
    const stretch: Stretch = {
      batch: events.length > 0 ? toBatch(joinFrames(events, view.encoding, recent)) : undefined,
      count: events.length,
      madeOf: bytes,
      through: reached,
      end: endOf(view, events.at(-1)?.event),
      page: undefined,
    }
    let byCursor = this.#stretches.get(view)
    if (!byCursor) {
      byCursor = new Map()
      this.#stretches.set(view, byCursor)
    }
    byCursor.set(cursor, stretch)
    return stretch
  }

  get #batchBytes(): number {
    return this.#hub.isPressed ? pressedBatchBytes : batchBytes
  }

  async #readLog(view: HubView, cursor: number, through: number): Promise<ReadStretch> {
    const page = await this.#hub.log.read(cursor, {
      selectors: view.selectors,
      through,
      maxEvents: maxBatchEvents,
      maxBytes: this.#batchBytes,
      newest: view.isConflated,
    })
    const reached = page.through < through ? meetingPoint(page) : page.through
    const events = page.events.filter(event => event.offset <= reached && !isMark(event))
    const { plain } = view
    const frames = events.map(event => plain.event(event, this.#hub.positionAt(event.offset)))
    // Who goes on at the head after a gap must not go on past the end of its topic.
    const last =
      view.topic !== undefined && page.floor > cursor ? await readLastEvent(this.#hub.log, view.topic) : undefined
    return {
      ...toShareable(frames, view.encoding),
      count: events.length,
      through: reached,
      end: endOf(view, events.at(-1)),
      ended: last && toTopicEnd(last),
      page,
      // What is the newest now may be superseded when another reader comes to write it.
      isWorthKeeping: reached > cursor && !view.isConflated,
    }
  }

  async #readSnapshot(subscription: HubSubscription): Promise<ReadStretch> {
    const { view, cursor, snapshotThrough } = subscription
    const page = await this.#hub.log.read(cursor, {
      selectors: view.selectors,
      through: snapshotThrough,
      maxEvents: maxBatchEvents,
      maxBytes: this.#batchBytes,
      newest: true,
    })
    const events = page.events.filter(event => !isMark(event))
    const { plain } = view
    const frames = events.map(event => plain.event(event, undefined))
    if (page.through >= snapshotThrough) {
      frames.push(plain.hubEvent(hubTypes.cursor, this.#hub.positionAt(snapshotThrough), ''))
    }
    return {
      ...toShareable(frames, view.encoding),
      count: events.length,
      isWorthKeeping: false,
      through: page.through,
      end: endOf(view, events.at(-1)),
      page,
    }
  }

  async #read(subscription: HubSubscription, read: () => Promise<ReadStretch>): Promise<void> {
    const { cursor, view } = subscription
    const isNewestOnly = view.isConflated || subscription.snapshotThrough > 0
    this.#reads++
    try {
      const stretch = await read()
      // The log may lose again, before the hub has come to it, what others were left out for.
      const judgedBy = isNewestOnly ? (stretch.page?.head.offset ?? 0) : 0
      await this.#hub.reached(judgedBy)
      if (subscription.phase !== 'reading') return
      if (stretch.through === cursor) this.#rest(laggingRestMs)
      // The log went back meanwhile, and took the cursor along.
      const isMoved = subscription.cursor !== cursor
      if (isMoved || judgedBy > this.#hub.tail || this.#isOfAnotherHistory(stretch)) {
        subscription.happen('more')
      } else {
        if (view.isConflated) view.supersededBy = Math.max(view.supersededBy, judgedBy)
        this.#give(subscription, stretch)
      }
    } catch (error) {
      // What is wrong with these events is no reason for the others to rest.
      if (!(error instanceof TidingsError && error.code === 'log-unavailable')) return this.#cutOff(subscription, error)
      this.#hub.report('Reading the log failed; those who are catching up wait for it.', error)
      this.#rest(failedRestMs)
      if (subscription.phase === 'reading') subscription.happen('more')
    } finally {
      this.#reads--
      if (this.#line.length > 0) this.#schedule()
      else if (this.#reads === 0) this.#shared.forget()
    }
  }

  /** The log was read in a history that the hub has not come to, or has left: its offsets are other positions than the hub's. */
  #isOfAnotherHistory({ page }: Stretch): boolean {
    if (!page || presentEpoch(page.head.epochs) === presentEpoch(this.#hub.epochs)) return false
    this.#shared.forget()
    this.#rest(laggingRestMs)
    return true
  }

  #rest(ms: number): void {
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined
      if (this.#line.length > 0) this.#schedule()
    }, ms).unref()
  }

  #give(subscription: HubSubscription, stretch: Stretch): void {
    const { page } = stretch
    const isSnapshot = subscription.snapshotThrough > 0
    if (page && !isSnapshot && page.floor > subscription.cursor && this.#skipTrimmed(subscription, stretch, page))
      return
    subscription.cursor = stretch.through
    subscription.freshness = 'settled'
    if (isSnapshot && subscription.cursor >= subscription.snapshotThrough) {
      subscription.cursor = subscription.snapshotThrough
      subscription.snapshotThrough = 0
    }
    if (stretch.batch) {
      const { catchUp } = this.#hub.counters
      catchUp.events += stretch.count
      catchUp.bytes += stretch.batch.bytes.length
      subscription.giveAlone(stretch.batch)
      subscription.view.window?.gave()
    }
    if (stretch.end) subscription.finishTopic(stretch.end)
    else if (subscription.phase === 'reading') this.#arrive(subscription)
  }

  /** The log was trimmed above the cursor. Whether the page that was read is to be dropped. */
  #skipTrimmed(subscription: HubSubscription, { ended }: Stretch, page: Page): boolean {
    const { freshness, cursor, view } = subscription
    if (freshness === 'floating') return false
    const head = view.through(this.#hub.tail)
    const requested = this.#hub.positionAt(cursor)
    // A reader that was overrun while connected goes on at the head: it is too slow for what is left.
    subscription.sayGap('trimmed', requested, freshness === 'resumed' ? Math.min(page.floor, head) : head)
    subscription.freshness = 'settled'
    if (ended && ended.offset <= subscription.cursor) subscription.finishTopic(ended)
    else if (subscription.phase === 'reading') this.#arrive(subscription)
    return true
  }

  /** Live, if nothing is left to read; else back into the line. */
  #arrive(subscription: HubSubscription): void {
    const { view } = subscription
    const hasReached = subscription.snapshotThrough === 0 && subscription.cursor === view.through(this.#hub.tail)
    if (!hasReached) subscription.happen('more')
    else if (this.#hub.isDraining) subscription.finishForDrain()
    else subscription.happen('reached')
  }
}

/**
 * Where to end a page that could go on: at the roundest offset in its second half, in powers of two. So readers of one view that began at
 * different places come to stand at the same ones after a page or two, and share every read from there on.
 */
function meetingPoint({ from, through, events }: Page): number {
  const least = events[events.length >> 1]?.offset ?? from
  let step = 1
  while (Math.floor(through / (step * 2)) * (step * 2) > least) step *= 2
  return Math.floor(through / step) * step
}

/** The end of the view's topic, if it is the last event of a stretch: nothing of the topic comes after its end. */
function endOf(view: HubView, last: LogEvent | undefined): TopicEnd | undefined {
  return view.topic !== undefined && last?.end ? toTopicEnd(last) : undefined
}

/** What a stretch costs beside its frames and its events, whose text is about as much again. */
const stretchCost = 1024

/** Frames as one batch, and what it keeps alive. */
function toShareable(
  frames: readonly Uint8Array[],
  { packing }: Encoding,
): { readonly batch: Batch | undefined; readonly madeOf: number; readonly bytes: number } {
  const [first] = frames
  if (!first) return { batch: undefined, madeOf: 0, bytes: stretchCost }
  const bytes = frames.length === 1 ? first : Buffer.concat(frames)
  const batch = toBatch(packing ? packing.pack(bytes) : bytes)
  return { batch, madeOf: bytes.length, bytes: stretchCost + 2 * bytes.length }
}

/** Of the events from index `start` on, those that no later one of their topic and key supersedes. */
function newestOf(recent: Recent, start: number): Set<RecentEvent> {
  const newest = new Map<string, RecentEvent>()
  for (let i = start; ; i++) {
    const entry = recent.at(i)
    if (!entry) return new Set(newest.values())
    newest.set(entry.state, entry)
  }
}
