/**
 * Is told what a hub does, as it does it: for figures and for operators. Nothing here is called for each delivery or each event.
 * Each call returns at once and never throws: what it does holds up the events.
 */
export interface HubObserver {
  /** An append was answered: so many events, after so long. */
  appended(events: number, tookMs: number): void
  /** An append was rejected with `error`. */
  appendFailed(error: unknown): void
  /** A turn of the live flow was written. `lagMs`: from the time of its oldest event to now, by the clock; never below 0. */
  wrote(lagMs: number): void
  /** A reader was cut off: it took no byte for `stallMs`, or others needed the room that it held the longest. */
  cutOff(why: CutOff): void
}

export type CutOff = 'stalled' | 'evicted'

/** Listens to nothing. */
export const nobody: HubObserver = {
  appended: () => undefined,
  appendFailed: () => undefined,
  wrote: () => undefined,
  cutOff: () => undefined,
}

/** What was given to sinks, counted by write: an event that three sinks were given counts three times. */
export interface Deliveries {
  events: number
  bytes: number
}

/**
 * What a hub has done since it was started. The numbers only grow. Of deliveries, the hub's own events (`$cursor`, `$gap`) are
 * not counted.
 */
export class Counters {
  /** Events whose append was answered, through this hub. */
  published = 0
  /** To readers at the head of the log, a view's at once. */
  readonly live: Deliveries = { events: 0, bytes: 0 }
  /** To readers that were behind. */
  readonly catchUp: Deliveries = { events: 0, bytes: 0 }
  /** Subscriptions that were begun, and those whose sink is gone. */
  opened = 0
  closed = 0
  /** How many times a reader was told that it missed something. */
  readonly gaps = { trimmed: 0, unknown: 0, rewound: 0 }
}
