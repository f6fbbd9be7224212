import type { Selector } from '../wire/selector.js'
import { CommonPast, PastRoom, type Walker } from './common-past.js'
import type { ConflationWindow } from './conflation.js'
import type { Recent, RecentEvent } from './recent.js'
import { exactTopic, toTest } from './selection.js'
import type { Encoding } from './sink.js'

/** Who has a place among the live members of a view. */
export interface LiveMember extends Walker {
  /** The view's; below 0: none. */
  liveIndex: number
}

/**
 * What subscriptions of equal selectors, encoding and conflation have in common: they hear the same bytes.
 * All live members stand at the same place, so no cursor is kept for each, and a turn's events are put together once.
 */
export class View<M extends LiveMember> {
  /** Equal names are one view. */
  readonly name: string
  readonly selectors: readonly Selector[]
  readonly encoding: Encoding
  /** Behind the live flow, only the newest of each topic and key is given. */
  readonly isConflated: boolean
  /** Set with a conflation window above 0. */
  readonly window: ConflationWindow<M> | undefined
  /** The one exact topic that the selectors are, if so: then it can end. */
  readonly topic: string | undefined
  readonly selects: (topic: string) => boolean
  readonly live: M[] = []
  /** Live or catching up. */
  members = 0
  /**
   * The highest offset by which an event of this view was ever left out as superseded. If the log loses what is there, the
   * event that was left out is the newest again, and its reader past it.
   */
  supersededBy = 0
  /** Of frames that are packed: what the live members were last given. */
  readonly past: CommonPast | undefined
  /** Tick of the last write to all live members. */
  wroteAt = 0
  /** Events of this turn, for the live members. */
  #turn: RecentEvent[] = []

  constructor(
    name: string,
    selectors: readonly Selector[],
    encoding: Encoding,
    conflation: { readonly isConflated: boolean; readonly window: ConflationWindow<M> | undefined },
    room: PastRoom = new PastRoom(),
  ) {
    this.name = name
    this.selectors = selectors
    this.encoding = encoding
    this.isConflated = conflation.isConflated
    this.window = conflation.window
    this.topic = exactTopic(selectors)
    this.selects = toTest(selectors)
    this.past = encoding.packing && new CommonPast(room)
  }

  /** The encoding as it is before its frames are packed. */
  get plain(): Encoding {
    return this.encoding.packing?.of ?? this.encoding
  }

  /** The offset that the live members have passed, when the hub has passed `tail`. */
  through(tail: number): number {
    return this.window ? this.window.through(tail) : tail
  }

  /** Takes an event of the turn; whether it is the turn's first. Several selectors of one view may offer it the same event. */
  collect(recent: RecentEvent): boolean {
    if (this.live.length === 0) return false
    if (this.window) return this.window.collect(recent)
    const last = this.#turn.at(-1)
    if (last !== recent) this.#turn.push(recent)
    return last === undefined
  }

  /** The turn's events, which are forgotten with this. */
  takeTurn(): readonly RecentEvent[] {
    const turn = this.#turn
    this.#turn = []
    return turn
  }

  join(member: M): void {
    member.liveIndex = this.live.length
    this.live.push(member)
  }

  leave(member: M): void {
    const at = member.liveIndex
    if (at < 0) return
    const last = this.live.pop() as M
    if (last !== member) {
      this.live[at] = last
      last.liveIndex = at
    }
    member.liveIndex = -1
    // What is written to the others from now on, it is not given.
    member.step = 0
    if (this.live.length > 0) return
    this.#turn = []
    this.past?.forget()
  }
}

/** Of so many events in one write, at most, the packed frame of each is kept with it when there is no time to pack them together. */
const maxSingles = 64

/**
 * The frames of events, one after the other, as one write. Packed, an event by itself is so once for all views; several are together, which is
 * fewer bytes, while there is time for it.
 */
export function joinFrames(events: readonly RecentEvent[], encoding: Encoding, recent: Recent): Uint8Array {
  const [first] = events
  if (first && events.length === 1) return recent.frame(first, encoding)
  const { packing } = encoding
  if (packing) {
    const frames = joinFrames(events, packing.of, recent)
    const packed = packing.packTogether(frames)
    if (packed) return packed
    if (events.length > maxSingles) return packing.pack(frames)
  }
  return Buffer.concat(events.map(event => recent.frame(event, encoding)))
}
