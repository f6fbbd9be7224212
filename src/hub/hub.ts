import type { NewEvent } from '../log/log.js'
import type { Start } from './begin.js'
import type { LeaseOptions, StreamLease } from './lease.js'
import type { Counters } from './observer.js'
import type { Gap, SubscribeRequest } from './request.js'
import type { Sink } from './sink.js'

export type { NewEvent } from '../log/log.js'

/** What matches events to subscriptions and fans them out. It knows no HTTP, and keeps no event of its own. */
export interface Hub {
  /**
   * Appends to the log; resolves to the ids of the events, in their order. Rejects with `invalid-topic`, `reserved-topic` and
   * `invalid-event` before anything is appended, as `EventLog.append`, and with `draining`.
   */
  publish(events: readonly NewEvent[]): Promise<readonly string[]>
  /**
   * Opens a topic for one producer, who holds it until it ends; from whoever held it before, it is taken. While he lives, he says so in the
   * topic, where no reader hears it; when that was not said for the time of the lease, whichever hub notices ends the topic as `abandoned`.
   * Rejects with `invalid-topic`, `reserved-topic`, `topic-ended`, `invalid-setting`, `draining`, and as `EventLog.append`.
   */
  openStream(topic: string, options: LeaseOptions): Promise<StreamLease>
  /**
   * Ends a stream as `stopped`, also one whose producer is with another hub of the log. Resolves to whether there was one, and it had not
   * ended otherwise. Rejects as `openStream`.
   */
  stopStream(topic: string): Promise<boolean>
  /**
   * Finds where a subscription begins. `ended`: the one exact topic has ended and the cursor has seen it, there is nothing to
   * hear any more. While the log is away, subscriptions begin all the same and wait for it; only those with a time, or with a cursor
   * that this hub has not come to, are rejected with `log-unavailable`.
   */
  begin(request: SubscribeRequest): Promise<Beginning>
  /** Gives a subscription its sink. At once: the first block is written before this returns. */
  attach(beginning: Beginning & { readonly kind: 'open' }, sink: Sink): Subscription
  /** Reads once, from the oldest event on without cursor and `since`. With `waitMs`, an empty page waits for the first matching event, until `signal` aborts or the hub drains. */
  page(request: Omit<SubscribeRequest, 'encoding' | 'conflateMs'>, options: PageOptions): Promise<PageResult>
  /** What a client should wait before it comes again: jittered by 20 %, raised while the hub drains. */
  retryMs(): number
  topics(options: { readonly after?: string | undefined; readonly limit: number }): Promise<readonly TopicStatus[]>
  topic(topic: string): Promise<TopicStatus | undefined>
  /** How many subscriptions of this hub hear a topic. */
  subscribers(topic: string): number
  /** Costs a look at each view. */
  readonly status: HubStatus
  /** What it has done; the same object always, which moves on. */
  readonly counters: Readonly<Counters>
  /**
   * How far the reader is behind that is furthest behind: a look at each subscription, and one read of one event. While the log
   * does not answer, `ms` is 0.
   */
  furthestBehind(): Promise<Behind>
  /** Resolves to whether the log answers now. */
  ready(): Promise<boolean>
  /**
   * Takes no more subscriptions, ends the streams that were opened here as `abandoned`, raises `retry`, lets the last events out, ends all
   * subscriptions; what is left at the deadline is destroyed. Resolves when no subscription is left, every time to the same.
   */
  drain(deadlineMs: number): Promise<Drained>
  /** Stops following the log. Does not close it: who opened it closes it. */
  close(): Promise<void>
}

/** A subscription that has its place, and waits for its sink. Good for this turn of the event loop and any later one. */
export type Beginning =
  | { readonly kind: 'ended' }
  | { readonly kind: 'open'; readonly request: SubscribeRequest; readonly start: Start }

export interface Subscription {
  readonly state: 'catching-up' | 'live' | 'closed'
  /** All up to here was given; nothing while the newest of each topic and key are being given (`since=latest`). */
  readonly position: string | undefined
  /** Ends the stream with `$expired`: what the caller may read has run out. */
  expire(): void
  /** Ends the stream. */
  close(): void
}

/** What of an `AbortSignal` is asked for. A signal for each who waits is half a kilobyte; this may be had for less. */
export interface StopSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', call: () => void): void
  removeEventListener(type: 'abort', call: () => void): void
}

export interface PageOptions {
  /** 1 to 1000. */
  readonly limit: number
  readonly waitMs?: number | undefined
  readonly signal?: StopSignal | undefined
}

/** An event as JSON forms show it; absent members are left out. */
export interface EventObject {
  readonly id?: string
  readonly topic: string
  readonly time: number
  readonly type?: string
  readonly key?: string
  readonly eventId?: string
  readonly data: string
  readonly end?: true
}

export interface PageResult {
  readonly events: readonly EventObject[]
  /** What to send next as the cursor. */
  readonly cursor: string
  readonly more: boolean
  readonly gap: Gap | null
  /** The one exact topic has ended, and all of it is seen with this page. */
  readonly ended: boolean
}

export interface TopicStatus {
  readonly topic: string
  readonly events: number
  readonly first: string
  readonly last: string
  readonly ended: boolean
  /** Subscriptions that hear the topic, of this hub and of those that `subscribersElsewhere` counts. */
  readonly subscribers: number
  /** Events a second that this process has seen, over the last ten seconds. */
  readonly rate: number
}

/** A place behind the head of the log. */
export interface Behind {
  /** Offsets of the whole log, whether they match or not: an upper bound of the events. */
  readonly events: number
  /** The age of the next event there. */
  readonly ms: number
}

/** How the subscriptions went that there were when draining began. */
export interface Drained {
  /** They had what was coming to them, and were told to come back later, or left by themselves. */
  readonly letGo: number
  /** They were cut off at the deadline; their clients resume. */
  readonly destroyed: number
}

export interface HubStatus {
  readonly draining: boolean
  readonly subscriptions: number
  readonly catchingUp: number
  /** The subscriptions that are not ending, by the name of their encoding, such as `event-stream`. */
  readonly encodings: Readonly<Record<string, { readonly live: number; readonly catchingUp: number }>>
  /** The position that live subscriptions have reached. */
  readonly tail: string
  /** Bytes that sinks hold back, as counted against the bound. */
  readonly heldBytes: number
  /** What the recent events and their frames come to, as counted against the bound. */
  readonly recentBytes: number
  readonly recentEvents: number
}
