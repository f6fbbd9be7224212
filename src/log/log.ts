import type { Position } from '../wire/names.js'
import type { Selector } from '../wire/selector.js'

/** What a publisher says. The names are checked before a log sees them; a log keeps what it is given. */
export interface NewEvent {
  readonly topic: string
  /** Well-formed Unicode text. */
  readonly data: string
  readonly type?: string | undefined
  /** Events of one topic and one key are successive states of one thing. Default: empty. */
  readonly key?: string | undefined
  readonly eventId?: string | undefined
  /** The last event of its topic: while it is held, the topic takes no other. */
  readonly end?: boolean | undefined
  /** Makes a repeat of this append harmless. */
  readonly once?: Once | undefined
}

/** Names one event of one request, so that the request can be repeated when its answer was lost. */
export interface Once {
  /** Equal tokens name the same event. At most 600 characters. */
  readonly token: string
  /** What was said under the token; another digest under a token that is remembered is a conflict. */
  readonly digest: string
}

/** An event as the log holds it. Every member is always there, so that all have one shape. */
export interface LogEvent {
  readonly offset: number
  /** Milliseconds since 1970, given at append: the greater of the last event's and the clock. */
  readonly time: number
  readonly topic: string
  readonly data: string
  /** Empty: none. */
  readonly type: string
  readonly key: string
  /** Empty: none. */
  readonly eventId: string
  readonly end: boolean
}

/** A history of the log, and the offset of the first event that it can have. */
export interface EpochEntry {
  readonly epoch: string
  readonly first: number
}

/**
 * Where the log stands.
 *
 * A log never gives an offset twice within one history; a history begins above every offset that the log still has,
 * not above every offset that it ever gave, which is why a cursor needs its epoch.
 */
export interface Head {
  /** The highest offset given so far; 0: none. */
  readonly offset: number
  /** The time of that event; 0: none. */
  readonly time: number
  /** Oldest first, never empty, the last is the present one; at most 64, older ones are forgotten. A new array only when it changes. */
  readonly epochs: readonly EpochEntry[]
}

/** A stretch of the log, complete in itself: all matching events with `from < offset <= through`, in order. */
export interface Page {
  readonly from: number
  readonly through: number
  readonly events: readonly LogEvent[]
  /**
   * Matching events up to this offset may have been removed by retention; 0: none were.
   * A reader whose cursor is below it may have missed something. As of the moment of the read.
   */
  readonly floor: number
  /** The head of the log at the moment of the read: the reader has come to the end when `through` is not below it. */
  readonly head: Head
}

export interface ReadOptions {
  /** Default: every topic. */
  readonly selectors?: readonly Selector[] | undefined
  /** No event above this offset. Default: the head. */
  readonly through?: number | undefined
  /** At least 1. */
  readonly maxEvents: number
  /** The page ends after the first event with which its data come to this many bytes (as the driver counts them). At least 1. */
  readonly maxBytes: number
  /** Only events that are the newest of their topic and key at the moment of the read; what is skipped costs nothing. Default: all. */
  readonly newest?: boolean | undefined
}

export interface TopicInfo {
  readonly topic: string
  /** Events held. */
  readonly events: number
  /** Offsets of the first and last event held. */
  readonly first: number
  readonly last: number
  /** Offset of the event that ended the topic; nothing while it is open. */
  readonly end: number | undefined
}

/** How much a log holds. */
export interface LogUsage {
  readonly events: number
  /** As `RetentionRule.bytes` counts them. */
  readonly bytes: number
  /** The time of the oldest event; 0: there is none. */
  readonly oldestTime: number
  /** What the events take in the store, with all that is kept beside them. */
  readonly storedBytes: number
  /** What they may take: an append that would go beyond is rejected with `log-full`. */
  readonly maxStoredBytes: number
}

/**
 * The order of all events of a hub, and the only place where they are kept.
 *
 * Offsets only increase, and may have holes; a page says from where to where it is complete, so a reader knows that it
 * missed nothing. Every driver passes `test/conformance/log`.
 *
 * All methods reject with `TidingsError` `log-unavailable` while the log's store does not answer, and after `close`.
 */
export interface EventLog {
  /** For operators: the driver and the place, such as `lmdb:.tidings`. */
  readonly name: string

  /**
   * Appends all the events in the order given, or none. Resolves to their positions when the driver's durability holds
   * and every reader can see them; no reader sees them before. Events appended in one turn of the event loop may share a commit.
   *
   * An event whose `once` is remembered is not appended again: its position is the first one's.
   * Rejects with `topic-ended` (a topic of the batch has ended, or ends earlier in the batch), `idempotency-conflict`,
   * `log-full`, `overloaded` (too much waits to be appended), or `log-unavailable`, after which it is unknown whether they were
   * appended.
   */
  append(events: readonly NewEvent[]): Promise<readonly Position[]>

  /**
   * The next matching events after the cursor `after` (0: from the first on). A page may be empty, and yet move `through`:
   * a read examines a bounded part of the log. `through` is `after` only if there is nothing after it to read.
   * The replay of one topic costs what that topic holds, not what others hold.
   */
  read(after: number, options: ReadOptions): Promise<Page>

  /**
   * Pages of all events after `after`, each beginning where the one before ended, as they are appended, without end.
   * A page holds at most about 256 KiB of data, or one event. A follower that retention overran is told by a `floor` above
   * the page's `from`. When a new epoch begins, a page says so in its head at once,
   * empty if need be; its `from` is then below what was given before if the log lost events. Ends when `signal` aborts.
   */
  follow(after: number, signal: AbortSignal): AsyncIterable<Page>

  head(): Promise<Head>

  /**
   * Begins a new history after the present head, if the present epoch is still `expected`; resolves to the head after it,
   * whoever began it.
   */
  beginEpoch(expected: string): Promise<Head>

  /** The greatest offset of an event with a time before `time`; 0: there is none. */
  offsetBefore(time: number): Promise<number>

  /** The greatest offset of a matching event that retention may have removed; 0: none. What `read` says as `floor`. */
  floor(selectors: readonly Selector[] | undefined): Promise<number>

  /** The topic, if it holds an event. */
  topic(topic: string): Promise<TopicInfo | undefined>

  /** Topics that hold an event and match, by name in code-unit order, after `after`, at most `limit`. */
  topics(options: {
    readonly after?: string | undefined
    readonly limit: number
    readonly selectors?: readonly Selector[] | undefined
  }): Promise<readonly TopicInfo[]>

  /** Costs the same however much that is. */
  usage(): Promise<LogUsage>

  /** Applies retention now, not at its next turn, and resolves when it is done. */
  trim(): Promise<void>

  /**
   * Keeps from now on what these rules keep, as if the log had been opened with them: what they do not keep goes at the next turns
   * of retention, what was removed does not come back. No floor sinks; one may rise where rules share topics in another way than
   * before. Resolves when the rules hold. Rejects with `invalid-setting`, with the path of what is wrong; nothing has changed then.
   * Holds up others for as long as it takes to count anew what each rule governs: some 0.4 µs an event in memory, 5 µs a topic in a file.
   */
  setRetention(rules: readonly RetentionRule[]): Promise<void>

  /** Lets what was asked finish, and gives the store back. Followers end. */
  close(): Promise<void>
}

/**
 * What the log keeps, by the first rule whose selector matches the topic. Without any limit a rule keeps all.
 * The limits of a rule hold for all the events it governs together, not for each topic.
 */
export interface RetentionRule {
  readonly selector: string
  /** No event older than this. */
  readonly ageMs?: number | undefined
  /** No more events than this; the oldest go first. */
  readonly count?: number | undefined
  /** No more bytes (topic, key, type, event id and data as UTF-8) than this; the oldest go first. */
  readonly bytes?: number | undefined
  /** Never drop the newest event of a (topic, key). */
  readonly keepLatest?: boolean | undefined
  /** Drop each event at the next turn of retention: it is for those who listen now. */
  readonly ephemeral?: boolean | undefined
}

/** What every driver takes. */
export interface LogOptions {
  /** First match wins; topics that no rule matches are kept without limit. */
  readonly retention?: readonly RetentionRule[] | undefined
  /** How long a `once` is remembered at least, unless there are more than `maxOnce`. Default: 120,000. */
  readonly idempotencyMs?: number | undefined
  /** How many tokens are remembered; the oldest go first. Default: 100,000. */
  readonly maxOnce?: number | undefined
  /** Time between two turns of retention. Default: 1,000. */
  readonly trimIntervalMs?: number | undefined
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined
}
