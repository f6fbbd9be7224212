import { cutAfter, epochAt, judge, presentEpoch } from '../log/epochs.js'
import type { EpochEntry, EventLog, Head, NewEvent, Page } from '../log/log.js'
import { hubTypes, type Position, parsePosition, toPositionText } from '../wire/names.js'
import type { BeginSurroundings, Start } from './begin.js'
import { CatchUp } from './catch-up.js'
import type { CommonPast } from './common-past.js'
import { Follower } from './follower.js'
import { furthestBehind } from './furthest-behind.js'
import { Heartbeats } from './heartbeats.js'
import type { Batch } from './held.js'
import { HeldBytes, toBatch } from './held.js'
import type { Behind, Drained } from './hub.js'
import type { StreamSurroundings } from './lease.js'
import { isMark } from './mark.js'
import { Counters, type CutOff } from './observer.js'
import type { HubOptions } from './options.js'
import { Rates } from './rates.js'
import type { RecentEvent } from './recent.js'
import { Recent } from './recent.js'
import type { Gap, SubscribeRequest } from './request.js'
import type { Encoding, Sink } from './sink.js'
import { Streams } from './streams.js'
import type { HubView, Surroundings } from './subscription.js'
import { gapFrame, HubSubscription } from './subscription.js'
import { toTopicEnd } from './topic-end.js'
import { joinFrames } from './view.js'
import { Views } from './views.js'

/**
 * The live flow: follows the log, matches its events to the views that want them, and gives each live subscription its turn's
 * events in one write. Whoever cannot keep up, or begins further back, is handed to `CatchUp` and comes back at the tail.
 */
export class LiveFlow implements Surroundings, BeginSurroundings, StreamSurroundings {
  readonly log: EventLog
  readonly stallMs: number
  readonly subscriptions: Set<HubSubscription> = new Set()
  readonly recent: Recent
  readonly rates: Rates
  readonly views: Views
  readonly counters: Counters = new Counters()
  readonly streams: Streams
  readonly #options: Required<HubOptions>
  readonly #held: HeldBytes
  readonly #heartbeats: Heartbeats
  readonly #catchUp: CatchUp
  readonly #follower: Follower
  readonly #verifying: NodeJS.Timeout
  /** While a stretch of the log has its turn: where that began. */
  turnFrom: number | undefined
  #head: Head
  #tail: number
  /** The highest offset that an append was answered with, in the present history. */
  #appended = 0
  #isClosed = false
  /** Set while draining. */
  #drainRetryMs: (() => number) | undefined
  #reaching: { readonly offset: number; readonly resolve: () => void }[] = []
  #onEmpty: (() => void) | undefined
  /** The last `$cursor` of each encoding: the same for all that are live and silent. */
  readonly #cursorFrames = new Map<Encoding, { readonly offset: number; readonly frame: Uint8Array }>()

  constructor(log: EventLog, options: Required<HubOptions>, head: Head) {
    this.log = log
    this.stallMs = options.stallMs
    this.#options = options
    this.#head = head
    this.#tail = head.offset
    this.recent = new Recent(head.offset, { maxBytes: options.maxRecentBytes, maxEvents: options.maxRecentEvents })
    this.rates = new Rates(options.clock)
    this.views = new Views(options.clock, view => this.#endWindow(view))
    this.#held = new HeldBytes(options.maxHeldBytes)
    this.#heartbeats = new Heartbeats(options.heartbeatMs, options.random)
    this.#catchUp = new CatchUp(this)
    this.streams = new Streams(this)
    this.#follower = new Follower(this)
    this.#verifying = setInterval(() => void this.#follower.verify(), options.heartbeatMs)
    this.#verifying.unref()
  }

  get tail(): number {
    return this.#tail
  }

  get seen(): number {
    return Math.max(this.#tail, this.#appended)
  }

  get head(): Head {
    return this.#head
  }

  get epochs(): readonly EpochEntry[] {
    return this.#head.epochs
  }

  get recentFrom(): number {
    return this.recent.from
  }

  get tick(): number {
    return this.#heartbeats.now
  }

  get heldBytes(): number {
    return this.#held.bytes
  }

  get isPressed(): boolean {
    return this.#held.isPressed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get isDraining(): boolean {
    return this.#drainRetryMs !== undefined
  }

  report(message: string, error?: unknown): void {
    this.#options.report(message, error)
  }

  positionAt(offset: number): string {
    return toPositionText(epochAt(offset, this.#head.epochs), offset)
  }

  retryMs(): number {
    return this.#drainRetryMs?.() ?? this.#options.retryMs
  }

  /** Appends what is published; resolves to the ids of the events. */
  async publish(events: readonly NewEvent[], marks: readonly NewEvent[] = []): Promise<readonly string[]> {
    const { observer } = this.#options
    const began = performance.now()
    let positions: readonly Position[]
    try {
      positions = (await this.append(marks.length > 0 ? [...events, ...marks] : events)).slice(0, events.length)
    } catch (error) {
      observer.appendFailed(error)
      throw error
    }
    observer.appended(events.length, performance.now() - began)
    this.counters.published += events.length
    return positions.map(({ epoch, offset }) => toPositionText(epoch, offset))
  }

  /** Appends, and takes note of what the log has promised to hold. */
  async append(events: readonly NewEvent[]): Promise<readonly Position[]> {
    const positions = await this.log.append(events)
    const last = positions.at(-1)
    if (last && last.epoch === presentEpoch(this.epochs)) this.#appended = Math.max(this.#appended, last.offset)
    return positions
  }

  /** The log did not answer: what came meanwhile was not heard. */
  missed(): void {
    this.streams.postpone()
  }

  /** The head of the log, asked now. */
  askHead(): Promise<Head> {
    return this.#follower.askHead()
  }

  /** Resolves when the hub has passed `offset`, or will not. */
  reached(offset: number): Promise<void> {
    if (this.#tail >= offset) return Promise.resolve()
    return new Promise(resolve => this.#reaching.push({ offset, resolve }))
  }

  attach(request: SubscribeRequest, found: Start, sink: Sink): HubSubscription {
    const view = this.views.enter(request)
    const start = this.#judgeAgain(found, view.isConflated)
    // What was left out before the cursor that it came with was left out by another view, or another hub.
    if (view.isConflated && start.freshness === 'resumed') view.supersededBy = Math.max(view.supersededBy, this.#tail)
    const { cursor, freshness, gap, ended } = start
    const isSnapshot = start.isSnapshot && this.#tail > 0
    const subscription = new HubSubscription(view, sink, this, {
      // What a window has gathered goes out when it ends; "now" is then where that window began.
      cursor: isSnapshot ? 0 : freshness === 'settled' ? Math.min(cursor, view.through(this.#tail)) : cursor,
      freshness,
      snapshotThrough: isSnapshot ? this.#tail : 0,
    })
    this.subscriptions.add(subscription)
    this.counters.opened++
    this.#heartbeats.add(subscription)
    sink.listen(subscription)
    this.streams.look(view.selectors)
    subscription.giveAlone(toBatch(this.#firstBlocks(subscription, gap)))
    if (this.#isClosed) subscription.destroy()
    else if (ended) subscription.finishTopic(ended)
    else if (subscription.phase === 'waiting') this.#catchUp.begin(subscription)
    return subscription
  }

  /** The start as it is now: the log may have gone back since it was found. */
  #judgeAgain(start: Start, isConflated: boolean): Start {
    const { epoch, freshness } = start
    if (judge({ epoch, offset: start.cursor }, this.epochs) === 'good') {
      // Before a conflated cursor, events were left out as superseded by later ones, which may have been lost with its history.
      const mayLack = isConflated && freshness === 'resumed' && epoch !== presentEpoch(this.epochs) && !start.gap
      const requested = toPositionText(epoch, start.cursor)
      return mayLack ? { ...start, gap: { reason: 'rewound', requested } } : start
    }
    const cursor = Math.min(start.cursor, this.#tail, cutAfter([{ epoch, first: 0 }], this.epochs))
    // Only who came with a cursor can have seen what is lost; if that was no good before, it is what the client still has.
    const requested = toPositionText(epoch, start.cursor)
    const gap = start.gap ?? (freshness === 'resumed' ? { reason: 'rewound' as const, requested } : undefined)
    return { ...start, cursor, epoch: epochAt(cursor, this.epochs), gap, ended: undefined }
  }

  /**
   * `$cursor`, and `$gap` if there is one. Until the client has the `$gap`, its cursor must stay where it was, or a cut between the
   * two would make the loss a silent one: so this `$cursor` is the one that was requested, or if that is none, the beginning of all.
   * A snapshot has no cursor before it is complete.
   */
  #firstBlocks(subscription: HubSubscription, gap: Pick<Gap, 'reason' | 'requested'> | undefined): Uint8Array {
    const { view, cursor, snapshotThrough } = subscription
    const { encoding } = view
    if (gap) this.counters.gaps[gap.reason]++
    if (!gap) return snapshotThrough > 0 ? new Uint8Array() : this.cursorFrame(subscription, cursor)
    const resumed = snapshotThrough > 0 ? snapshotThrough : cursor
    const whole: Gap = { ...gap, resumedAt: this.positionAt(resumed) }
    if (snapshotThrough > 0) return gapFrame(view, whole, undefined)
    const requested = parsePosition(gap.requested) ? gap.requested : this.positionAt(0)
    return Buffer.concat([encoding.hubEvent(hubTypes.cursor, requested, ''), gapFrame(view, whole, whole.resumedAt)])
  }

  /** The next stretch of the log: everybody's turn. */
  take(page: Page): void {
    this.#adopt(page)
    if (page.floor > this.#tail) {
      this.#skip(page)
      return
    }
    const touched: HubView[] = []
    for (const event of page.events) {
      const isAside = isMark(event)
      if (isAside || event.end) this.streams.passed(event)
      if (isAside) continue
      const recent = this.recent.push(event, this.positionAt(event.offset))
      this.rates.count(event.topic)
      this.views.match(event.topic, view => {
        if (view.collect(recent)) touched.push(view)
      })
    }
    this.#tail = page.through
    this.turnFrom = page.from
    for (const view of touched) {
      if (view.window) view.window.schedule()
      else this.#giveLive(view, view.takeTurn())
    }
    this.turnFrom = undefined
    this.recent.settle()
    const [oldest] = page.events
    if (oldest) this.#options.observer.wrote(Math.max(0, this.#options.clock() - oldest.time))
    if (this.#reaching.length > 0) this.#settleReaching(this.#tail)
  }

  /** Takes over the head of a page, and goes back if the log did. */
  #adopt(page: Page): void {
    if (presentEpoch(page.head.epochs) === presentEpoch(this.epochs)) {
      if (page.from !== this.#tail) throw new Error(`The log went on after ${page.from}, not after ${this.#tail}.`)
      this.#head = page.head
      return
    }
    const misled = this.#misledBy(cutAfter(this.epochs, page.head.epochs), page.from)
    if (page.from < this.#tail) this.#goBack(page)
    this.#head = page.head
    this.#appended = 0
    this.#cursorFrames.clear()
    for (const { subscription, cursor, requested } of misled) {
      // A snapshot was told no cursor yet, so its client asks again from the start.
      if (subscription.snapshotThrough > 0) subscription.destroy()
      else subscription.sayGap('rewound', requested, cursor)
    }
  }

  /**
   * Those who have lost nothing that they heard, but may lack what they did not: events before their cursor that were left out, since
   * they were superseded by others that are lost now.
   */
  #misledBy(
    cut: number,
    from: number,
  ): { readonly subscription: HubSubscription; readonly cursor: number; readonly requested: string }[] {
    const misled = []
    for (const subscription of this.subscriptions) {
      const { view, through } = subscription
      if (view.supersededBy <= cut || subscription.state === 'closed' || through > from) continue
      misled.push({ subscription, cursor: through, requested: this.positionAt(through) })
    }
    for (const view of this.views) view.supersededBy = Math.min(view.supersededBy, cut)
    return misled
  }

  /**
   * The hub itself was overrun: events were removed before it passed them. Everybody reads the log instead, which knows
   * of each selection whether that concerns it.
   */
  #skip(page: Page): void {
    for (const view of this.views) {
      for (let i = view.live.length - 1; i >= 0; i--) (view.live[i] as HubSubscription).happen('behind')
    }
    this.#tail = page.through
    this.recent.reset(page.through)
    this.streams.postpone()
    for (const view of this.views) this.streams.look(view.selectors)
    this.#settleReaching(this.#tail)
  }

  #goBack(page: Page): void {
    const lost = [...this.subscriptions]
      .filter(subscription => subscription.state !== 'closed' && subscription.through > page.from)
      .map(subscription => ({ subscription, requested: this.positionAt(subscription.through) }))
    for (const view of this.views) {
      if (!view.window) continue
      // What a window has gathered goes with it; what the log still has of that, its members read.
      for (let i = view.live.length - 1; i >= 0; i--) (view.live[i] as HubSubscription).happen('behind')
      for (const member of view.window.reset()) this.enqueue(member)
    }
    this.#head = page.head
    this.#tail = page.from
    this.recent.reset(page.from)
    this.streams.postpone()
    this.#settleReaching(Number.POSITIVE_INFINITY)
    for (const subscription of this.subscriptions) {
      // It was told no cursor yet, so its client asks again from the start.
      if (subscription.snapshotThrough > 0) subscription.destroy()
    }
    for (const { subscription, requested } of lost) {
      if (subscription.snapshotThrough === 0) subscription.sayGap('rewound', requested, page.from)
    }
  }

  /** Gives the live members of a view its events. What fails here must fail for them alone, and not in silence. */
  #giveLive(view: HubView, events: readonly RecentEvent[]): void {
    const last = events.at(-1)
    if (!last) return
    const { live } = view
    const heard = live.length
    const ending = view.topic !== undefined && last.event.end ? [...live] : []
    try {
      view.wroteAt = this.tick
      if (view.past) this.#giveAfterPast(view, view.past, events)
      else this.#giveAll(view, toBatch(joinFrames(events, view.encoding, this.recent)), 0)
      this.counters.live.events += events.length * heard
      for (const member of ending) member.finishTopic(toTopicEnd(last.event))
    } catch (error) {
      this.report(
        'Events could not be written; those who should have heard them are cut off, and come back by cursor.',
        error,
      )
      for (const member of live) member.destroy()
    }
  }

  #giveAll({ live }: HubView, batch: Batch, step: number): void {
    this.counters.live.bytes += batch.bytes.length * live.length
    // Backwards, because whoever leaves is replaced by the last.
    for (let i = live.length - 1; i >= 0; i--) (live[i] as HubSubscription).give(batch, step)
  }

  /** Those in step are given what is packed after what they have, and the others what stands alone. */
  #giveAfterPast(view: HubView, past: CommonPast, events: readonly RecentEvent[]): void {
    const { live, encoding, plain } = view
    const packed = encoding.packing && past.pack(live, joinFrames(events, plain, this.recent), encoding.packing)
    if (!packed) {
      this.#giveAll(view, toBatch(joinFrames(events, encoding, this.recent)), past.step)
      return
    }
    const { step } = past
    const together = toBatch(packed)
    let alone: Batch | undefined
    for (let i = live.length - 1; i >= 0; i--) {
      const member = live[i] as HubSubscription
      const isInStep = member.step === step
      if (!isInStep) alone ??= toBatch(joinFrames(events, encoding, this.recent))
      const batch = isInStep ? together : (alone as Batch)
      this.counters.live.bytes += batch.bytes.length
      member.give(batch, isInStep ? step : 0)
    }
  }

  #endWindow(view: HubView): void {
    const { window, live } = view
    if (!window) return
    if (window.isOverfull) for (let i = live.length - 1; i >= 0; i--) (live[i] as HubSubscription).happen('behind')
    this.#giveLive(view, window.end())
    for (const member of window.takeWaiting()) this.enqueue(member)
  }

  #settleReaching(tail: number): void {
    const reaching = this.#reaching
    this.#reaching = reaching.filter(({ offset }) => offset > tail)
    for (const { offset, resolve } of reaching) if (offset <= tail) resolve()
  }

  enqueue(subscription: HubSubscription): void {
    this.#catchUp.enqueue(subscription)
  }

  cursorFrame(subscription: HubSubscription, offset: number): Uint8Array {
    const { encoding } = subscription.view
    const made = this.#cursorFrames.get(encoding)
    if (made?.offset === offset) return made.frame
    const frame = encoding.hubEvent(hubTypes.cursor, this.positionAt(offset), '')
    this.#cursorFrames.set(encoding, { offset, frame })
    return frame
  }

  hold(subscription: HubSubscription, batch: Batch): void {
    this.#held.hold(subscription, batch)
  }

  release(subscription: HubSubscription): void {
    this.#held.release(subscription)
  }

  retire(subscription: HubSubscription): void {
    this.views.leave(subscription.view)
    this.#heartbeats.remove(subscription)
  }

  forget(subscription: HubSubscription): void {
    this.subscriptions.delete(subscription)
    this.counters.closed++
    if (this.subscriptions.size === 0) this.#onEmpty?.()
  }

  cutOff(why: CutOff): void {
    this.#options.observer.cutOff(why)
  }

  saidGap(reason: Gap['reason']): void {
    this.counters.gaps[reason]++
  }

  /** See `Hub.furthestBehind`. */
  furthestBehind(): Promise<Behind> {
    return furthestBehind(this.subscriptions, this.#tail, this.log, this.#options.clock)
  }

  /** See `Hub.drain`. */
  async drain(deadlineMs: number, retryMs: () => number): Promise<Drained> {
    const { counters } = this
    const closedBefore = counters.closed
    let destroyed = 0
    const drained = (): Drained => ({ letGo: counters.closed - closedBefore - destroyed, destroyed })
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<void>(resolve => {
      timer = setTimeout(resolve, deadlineMs)
    })
    try {
      await Promise.race([this.streams.abandon(), deadline])
      await Promise.race([this.#reachHead(), deadline])
      this.#drainRetryMs = retryMs
      for (const view of this.views) if (view.window) this.#endWindow(view)
      for (const subscription of this.subscriptions) if (subscription.phase === 'live') subscription.finishForDrain()
      if (this.subscriptions.size === 0) return drained()
      const empty = new Promise<void>(resolve => {
        this.#onEmpty = resolve
      })
      await Promise.race([empty, deadline])
      destroyed = this.subscriptions.size
      for (const subscription of this.subscriptions) subscription.destroy()
      await empty
      return drained()
    } finally {
      clearTimeout(timer)
    }
  }

  async #reachHead(): Promise<void> {
    try {
      await this.reached((await this.askHead()).offset)
    } catch (error) {
      this.report('The log does not answer; what it holds reaches clients when they come back.', error)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#verifying)
    this.#heartbeats.close()
    this.#catchUp.close()
    this.streams.close()
    for (const view of this.views) view.window?.close()
    for (const subscription of this.subscriptions) subscription.destroy()
    this.#settleReaching(Number.POSITIVE_INFINITY)
    await this.#follower.close()
  }
}
