/** What all connections heard, added up. */
export interface Tally {
  /** Events, each counted once a connection. */
  heard: number
  /** Never heard, and nothing said so. */
  lost: number
  /** Never heard, and the hub said so (`$gap`). */
  told: number
  /** Not heard by connections that were away at the end: they would have come back. */
  unheard: number
  /** Heard again. */
  repeated: number
  /** Heard again right after a `$gap`: the log had lost it, and it was published once more. */
  replayed: number
  /** Heard after what was published after them. */
  disordered: number
}

export function createTally(): Tally {
  return { heard: 0, lost: 0, told: 0, unheard: 0, repeated: 0, replayed: 0, disordered: 0 }
}

/** So many of a connection's missing events are remembered; of more it is not known whether they are late or repeated. */
const maxRemembered = 1_000

/** Checks the numbers that one connection hears: each topic counts from 0. */
export class Sequence {
  readonly #tally: Tally
  #next = 0
  #isTold = false
  #missing: Map<number, 'lost' | 'told'> | undefined

  constructor(tally: Tally) {
    this.#tally = tally
  }

  /** How many were heard, or are known to be missing. */
  get next(): number {
    return this.#next
  }

  /** The hub said that events may be missing from here on, up to the next that comes. */
  tellGap(): void {
    this.#isTold = true
  }

  /** Whether it was heard for the first time. */
  hear(number: number): boolean {
    const tally = this.#tally
    if (number === this.#next) {
      this.#next++
      this.#isTold = false
      tally.heard++
      return true
    }
    if (number > this.#next) {
      this.#miss(number)
      this.#next = number + 1
      tally.heard++
      return true
    }
    const kind = this.#missing?.get(number)
    if (kind === undefined) {
      if (this.#isTold) tally.replayed++
      else tally.repeated++
      return false
    }
    this.#missing?.delete(number)
    tally[kind]--
    tally.disordered++
    tally.heard++
    return true
  }

  /** Nothing more will come. `published`: how many of the topic are in the log. */
  finish(published: number, isConnected: boolean): void {
    const missing = published - this.#next
    if (missing <= 0) return
    const kind = this.#isTold ? 'told' : isConnected ? 'lost' : 'unheard'
    this.#tally[kind] += missing
    this.#next = published
  }

  #miss(number: number): void {
    const kind = this.#isTold ? 'told' : 'lost'
    this.#isTold = false
    this.#tally[kind] += number - this.#next
    this.#missing ??= new Map()
    for (let each = this.#next; each < number && this.#missing.size < maxRemembered; each++) {
      this.#missing.set(each, kind)
    }
  }
}
