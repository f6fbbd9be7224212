import type { Floors, Retention, Rule } from '../retention.js'
import { EventList } from './event-list.js'
import { HeldEvent } from './held-event.js'

/** What an event costs in memory beside its text, at most: itself, and its places in the lists. */
export const eventOverheadBytes = 256

/** What a rule governs now. */
interface Share {
  readonly rule: Rule
  /** Whether the rule has a limit at all, and none of its events has to stay. */
  readonly givesWay: boolean
  /** The events that the rule has not come to yet, oldest first: a queue, so that it looks at each once. */
  readonly queue: EventList
  /** Up to this offset the rule has taken or spared every event that it governs. */
  passed: number
  count: number
  bytes: number
  floor: number
}

/** What the keeper asks of the log whose events it counts. */
export interface Held {
  isNewest(event: HeldEvent): boolean
  remove(event: HeldEvent): void
}

/**
 * Applies the rules of retention. It looks at an event once, when its time has come; with `keepLatest` the newest of a
 * (topic, key) is then spared, and goes when another supersedes it.
 */
export class Keeper {
  readonly #held: Held
  readonly #shares: readonly Share[]
  /** That of topics without a rule: they lost something while they had one. */
  readonly #lastFloor: number

  /** `floors`: what was removed before these rules held. Default: nothing. */
  constructor(retention: Retention, held: Held, floors: Floors = []) {
    this.#held = held
    this.#lastFloor = floors[retention.rules.length] ?? 0
    this.#shares = retention.rules.map((rule, i) => ({
      rule,
      givesWay: !rule.keepLatest && (rule.ephemeral || Math.min(rule.ageMs, rule.count, rule.bytes) !== Infinity),
      queue: new EventList(),
      passed: 0,
      count: 0,
      bytes: 0,
      floor: floors[i] ?? 0,
    }))
  }

  get floors(): Floors {
    return [...this.#shares.map(share => share.floor), this.#lastFloor]
  }

  floorOf(rule: number | undefined): number {
    return rule === undefined ? this.#lastFloor : (this.#shares[rule]?.floor ?? 0)
  }

  /** Whether time alone makes events go. */
  get needsTimer(): boolean {
    return this.#shares.some(({ rule }) => rule.ephemeral || rule.ageMs !== Infinity)
  }

  /** Counts `event` in. Whether its rule is over a limit now. */
  add(rule: number, event: HeldEvent): boolean {
    const share = this.#shares[rule] as Share
    share.queue.append(event)
    share.count++
    share.bytes += HeldEvent.bytesOf(event)
    return isOver(share)
  }

  /** Whether `rule` has come by `event` before, and spared it only because it was the newest of its key. */
  spared(rule: number, event: HeldEvent): boolean {
    const share = this.#shares[rule] as Share
    return share.rule.keepLatest && event.offset <= share.passed
  }

  /** Counts `event` out. */
  removed(rule: number, event: HeldEvent): void {
    const share = this.#shares[rule] as Share
    share.count--
    share.bytes -= HeldEvent.bytesOf(event)
    if (event.offset > share.floor) share.floor = event.offset
  }

  /** What `giveWay` could free, overhead included. */
  get spareBytes(): number {
    return this.#shares.reduce(
      (sum, share) => sum + (share.givesWay ? share.bytes + share.count * eventOverheadBytes : 0),
      0,
    )
  }

  /** Removes the oldest events, whatever their age, of rules that have a limit, until so many bytes are free. */
  giveWay(bytes: number): void {
    const giving = this.#shares.filter(share => share.givesWay)
    for (let freed = 0; freed < bytes; ) {
      let oldest: Share | undefined
      for (const share of giving) {
        const offset = share.queue.first?.offset ?? Infinity
        if (offset < (oldest?.queue.first?.offset ?? Infinity)) oldest = share
      }
      const event = oldest?.queue.first
      if (!oldest || !event) return
      oldest.queue.shift()
      oldest.passed = event.offset
      this.#held.remove(event)
      freed += HeldEvent.bytesOf(event) + eventOverheadBytes
    }
  }

  /** Removes what is over the limits of number and size, looking at `budget` events at most. Whether nothing is left to do. */
  relieve(budget: number): boolean {
    return this.#apply(budget, isOver)
  }

  /** Removes all that the rules do not keep at `now`, ephemeral events up to `through`; bounded as `relieve`. */
  trim(now: number, through: number, budget: number): boolean {
    return this.#apply(
      budget,
      (share, next) =>
        isOver(share) || now - next.time > share.rule.ageMs || (share.rule.ephemeral && next.offset <= through),
    )
  }

  #apply(budget: number, isDue: (share: Share, next: HeldEvent) => boolean): boolean {
    let left = budget
    for (const share of this.#shares) {
      for (let next = share.queue.first; next && isDue(share, next); next = share.queue.first) {
        if (left-- === 0) return false
        share.queue.shift()
        share.passed = next.offset
        if (!(share.rule.keepLatest && this.#held.isNewest(next))) this.#held.remove(next)
      }
    }
    return true
  }
}

function isOver(share: Share): boolean {
  return share.count > share.rule.count || share.bytes > share.rule.bytes
}
