import { hubTypes } from '../wire/names.js'
import type { Freshness } from './begin.js'
import type { Beating } from './heartbeats.js'
import type { Batch, Holder } from './held.js'
import { toBatch } from './held.js'
import type { Subscription } from './hub.js'
import type { Happening, State } from './lifecycle.js'
import { next } from './lifecycle.js'
import type { CutOff } from './observer.js'
import type { Gap } from './request.js'
import type { Sink, SinkListener } from './sink.js'
import type { TopicEnd } from './topic-end.js'
import type { View } from './view.js'

/** How long a reader may take no byte of what it was left with, where `stallMs` sets no time. */
const lastWordsMs = 60_000

/** A view of the hub's subscriptions. */
export type HubView = View<HubSubscription>

/** What a subscription needs of its hub. */
export interface Surroundings {
  /** The offset that the hub has passed. */
  readonly tail: number
  /** Now, in ticks of the heartbeats. */
  readonly tick: number
  readonly stallMs: number
  readonly isDraining: boolean
  positionAt(offset: number): string
  /** `$cursor` at the hub's tail, or at another offset. */
  cursorFrame(subscription: HubSubscription, offset: number): Uint8Array
  retryMs(): number
  /** Puts the subscription into the line of those that wait to read. */
  enqueue(subscription: HubSubscription): void
  hold(subscription: HubSubscription, batch: Batch): void
  release(subscription: HubSubscription): void
  /** It is about to be cut off. */
  cutOff(why: CutOff): void
  /** It is being told of a gap. */
  saidGap(reason: Gap['reason']): void
  /** It is to hear no more. Called once. */
  retire(subscription: HubSubscription): void
  /** Its sink is gone. Called once, after `retire`. */
  forget(subscription: HubSubscription): void
}

/** One reader: a cursor, and the sink that its bytes go to. It has no queue, no timer and no promise of its own. */
export class HubSubscription implements Subscription, SinkListener, Holder, Beating {
  phase: State = 'waiting'
  /** All up to here was given; while live, what the view's live members have passed counts instead. */
  cursor: number
  freshness: Freshness
  /** While above 0: the newest of each topic and key up to here is being given (`since=latest`). */
  snapshotThrough: number
  held: Batch | undefined = undefined
  liveIndex = -1
  step = 0
  wroteAt = 0
  wheelSlot = 0
  wheelIndex = -1
  readonly view: HubView
  readonly #sink: Sink
  readonly #hub: Surroundings

  constructor(
    view: HubView,
    sink: Sink,
    hub: Surroundings,
    start: { readonly cursor: number; readonly freshness: Freshness; readonly snapshotThrough: number },
  ) {
    this.view = view
    this.#sink = sink
    this.#hub = hub
    this.cursor = start.cursor
    this.freshness = start.freshness
    this.snapshotThrough = start.snapshotThrough
  }

  get state(): 'catching-up' | 'live' | 'closed' {
    if (this.phase === 'live') return 'live'
    return this.phase === 'ending' || this.phase === 'closed' ? 'closed' : 'catching-up'
  }

  /** All up to here was given, live or not. */
  get through(): number {
    return this.phase === 'live' ? this.view.through(this.#hub.tail) : this.cursor
  }

  get position(): string | undefined {
    return this.snapshotThrough > 0 ? undefined : this.#hub.positionAt(this.through)
  }

  /** Moves to the state that the table names, and does what entering and leaving states entails. */
  happen(happening: Happening): void {
    const before = this.phase
    const after = next(before, happening)
    if (after === before) return
    if (before === 'live') {
      this.cursor = this.through
      this.view.leave(this)
      if (this.view.live.length === 0) this.view.window?.reset().forEach(member => void this.#hub.enqueue(member))
    }
    this.phase = after
    if (after === 'live') {
      // Also who began at the head, and was never given a stretch: of what it misses from here on, it is told.
      this.freshness = 'settled'
      this.view.join(this)
    }
    if (after === 'waiting') this.#hub.enqueue(this)
    if (before !== 'ending' && (after === 'ending' || after === 'closed')) this.#hub.retire(this)
    if (after === 'closed') this.#hub.forget(this)
  }

  /** Gives the sink bytes; those of one batch are the same bytes for all that are given it. `step`: that of those who are given all the same. */
  give(batch: Batch, step = 0): void {
    this.step = step
    if (this.#sink.write(batch.bytes)) return
    // What the hub says beside a batch that is held already is small, and does not take its place in the count.
    if (!this.held) this.#hub.hold(this, batch)
    this.#sink.watchStall(this.#hub.stallMs)
    this.happen('full')
  }

  /** Gives the sink bytes while the subscription is not, or not only, hearing with the live members of its view. */
  giveAlone(batch: Batch): void {
    this.wroteAt = this.#hub.tick
    this.give(batch)
  }

  /** Says that matching events may be missing, and goes on after `resumed`. */
  sayGap(reason: Gap['reason'], requested: string, resumed: number): void {
    const resumedAt = this.#hub.positionAt(resumed)
    this.cursor = resumed
    this.#hub.saidGap(reason)
    this.giveAlone(toBatch(gapFrame(this.view, { reason, requested, resumedAt }, resumedAt)))
  }

  /** Ends the stream with last words, which a sink takes even while it holds bytes back. */
  finish(lastWords?: Uint8Array): void {
    if (this.state === 'closed') return
    this.happen('finish')
    if (lastWords) this.#sink.write(lastWords)
    // Also where readers may otherwise stand still for ever: this one has nothing to come back to.
    this.#sink.watchStall(this.#hub.stallMs || lastWordsMs)
    this.#sink.end()
  }

  /** Ends the stream because its topic has ended. The cursor of the last words is past that, and never goes back. */
  finishTopic({ offset, data }: TopicEnd): void {
    const seen = this.#hub.positionAt(Math.max(offset, this.through))
    this.finish(this.view.encoding.hubEvent(hubTypes.end, seen, data))
  }

  /** Ends the stream and asks the client to come back later. */
  finishForDrain(): void {
    this.finish(this.view.encoding.retry?.(this.#hub.retryMs()))
  }

  expire(): void {
    // A snapshot that is not complete has no cursor: its client asks for it again.
    this.finish(this.view.encoding.hubEvent(hubTypes.expired, this.position, ''))
  }

  close(): void {
    this.finish()
  }

  /** Drops the connection, and what it holds. */
  destroy(): void {
    this.#sink.destroy()
  }

  evict(): void {
    this.#hub.cutOff('evicted')
    this.destroy()
  }

  lastWriteAt(): number {
    return this.phase === 'live' ? Math.max(this.wroteAt, this.view.wroteAt) : this.wroteAt
  }

  beat(): boolean {
    if (this.state === 'closed') return false
    // A sink that holds bytes back has something to send already, a snapshot has no cursor to show, and while a read is
    // under way its page is the next thing to be said.
    if (this.phase === 'live' || (this.phase === 'waiting' && this.snapshotThrough === 0)) {
      this.give(toBatch(this.#hub.cursorFrame(this, this.through)))
    }
    return true
  }

  drained(): void {
    if (this.held) this.#hub.release(this)
    if (this.phase !== 'ending') this.#sink.watchStall(0)
    this.happen('drained')
  }

  stalled(): void {
    this.#hub.cutOff('stalled')
    this.destroy()
  }

  closed(): void {
    if (this.held) this.#hub.release(this)
    this.happen('gone')
  }
}

/** `$gap`. `id` is the place where the stream goes on, or nothing where that is no cursor yet. */
export function gapFrame(view: HubView, gap: Gap, id: string | undefined): Uint8Array {
  return view.encoding.hubEvent(hubTypes.gap, id, JSON.stringify(gap))
}
