import type { HeldEvent } from './held-event.js'

/** Events a segment has at most. Big enough that few segments are searched, small enough that moving one's slots is cheap. */
const segmentLength = 512

/** Neighbours that have no more than this together become one, so that what is left of many segments does not keep them all. */
const mergedLength = 128

/** Slots at the beginning of the first segment that may be empty in any case; beyond, no more than every other one. */
const maxEmpty = 32

/** Events, but for empty slots at the beginning of a list's first segment. */
type Segment = (HeldEvent | undefined)[]

/**
 * Events by offset, in segments: appending and taking the first away cost the same however many there are, finding and
 * removing one in the middle the logarithm of it.
 */
export class EventList {
  /** None is without an event. */
  readonly #segments: Segment[] = []
  /** Where the first segment begins: taking from the front moves no slots. (`Array.shift` took a third of an append's time.) */
  #start = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): HeldEvent | undefined {
    return this.#segments[0]?.[this.#start]
  }

  get last(): HeldEvent | undefined {
    return this.#segments.at(-1)?.at(-1)
  }

  /** `event` has a higher offset than all that are there. */
  append(event: HeldEvent): void {
    const segment = this.#segments[this.#segments.length - 1]
    if (segment && segment.length < segmentLength) segment.push(event)
    else this.#segments.push([event])
    this.#size++
  }

  /** Takes the first event away. */
  shift(): void {
    const segment = this.#segments[0]
    if (!segment) return
    segment[this.#start++] = undefined
    this.#size--
    if (this.#start === segment.length) {
      this.#segments.shift()
      this.#start = 0
    } else if (this.#start > maxEmpty && this.#start * 2 > segment.length) {
      segment.copyWithin(0, this.#start)
      segment.length -= this.#start
      this.#start = 0
    }
  }

  /** Takes the event at `offset` away, if it is there. */
  remove(offset: number): void {
    if (this.first?.offset === offset) {
      this.shift()
      return
    }
    const at = this.#segmentOf(offset)
    const segment = this.#segments[at]
    if (!segment) return
    const index = indexAfter(segment, offset, this.#startOf(at)) - 1
    if (segment[index]?.offset !== offset) return
    segment.copyWithin(index, index + 1)
    segment.pop()
    this.#size--
    if (segment.length === 0) this.#segments.splice(at, 1)
    else this.#merge(at)
  }

  /** A place in the list, at the first event after `offset`. Good until the list changes. */
  after(offset: number): Walk {
    const at = Math.max(0, this.#segmentOf(offset))
    const segment = this.#segments[at]
    return new Walk(this.#segments, at, segment ? indexAfter(segment, offset, this.#startOf(at)) : 0)
  }

  /** The last event with a time before `time`; times go up with the offsets. */
  lastBefore(time: number): HeldEvent | undefined {
    const segments = this.#segments
    const at = placeAfter(0, segments.length, i => this.#firstOf(i).time < time) - 1
    const segment = segments[at]
    if (!segment) return undefined
    const count = placeAfter(this.#startOf(at), segment.length, i => (segment[i] as HeldEvent).time < time)
    return segment[count - 1]
  }

  #startOf(at: number): number {
    return at === 0 ? this.#start : 0
  }

  #firstOf(at: number): HeldEvent {
    return (this.#segments[at] as Segment)[this.#startOf(at)] as HeldEvent
  }

  /** The index of the last segment that begins at `offset` or below; -1: all begin above. */
  #segmentOf(offset: number): number {
    const last = this.#segments.length - 1
    // Readers and removals are mostly at one of the ends.
    if (last < 0 || this.#firstOf(last).offset <= offset) return last
    let low = 0
    let high = last
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#firstOf(middle).offset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #merge(at: number): void {
    for (const lower of [at, at - 1]) {
      const first = this.#segments[lower]
      const second = this.#segments[lower + 1]
      if (!first || !second || first.length + second.length > mergedLength) continue
      this.#segments.splice(lower, 2, [...first.slice(this.#startOf(lower)), ...second])
      if (lower === 0) this.#start = 0
      return
    }
  }
}

/** A place in a list. */
export class Walk {
  readonly #segments: readonly Segment[]
  #at: number
  #index: number
  /** The event here; nothing: the list ends. */
  current: HeldEvent | undefined

  constructor(segments: readonly Segment[], at: number, index: number) {
    this.#segments = segments
    this.#at = at
    this.#index = index - 1
    this.advance()
  }

  advance(): void {
    let event = this.#segments[this.#at]?.[++this.#index]
    if (event === undefined) {
      this.#index = 0
      event = this.#segments[++this.#at]?.[0]
    }
    this.current = event
  }
}

/** The index of the first event of `segment` above `offset`, from `start` on. */
function indexAfter(segment: Segment, offset: number, start: number): number {
  // Without holes the place is a subtraction away.
  const guess = start + offset - (segment[start] as HeldEvent).offset
  if (guess >= start && segment[guess]?.offset === offset) return guess + 1
  let low = start
  let high = segment.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((segment[middle] as HeldEvent).offset <= offset) low = middle + 1
    else high = middle
  }
  return low
}

/** The first index from `low` to `high` that `holds` is not true of; it is true of all before it, and of none after. */
function placeAfter(low: number, high: number, holds: (index: number) => boolean): number {
  let from = low
  let to = high
  while (from < to) {
    const middle = (from + to) >>> 1
    if (holds(middle)) from = middle + 1
    else to = middle
  }
  return from
}
