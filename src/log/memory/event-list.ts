import type { HeldEvent } from './held-event.js'

/** Events a segment has at most. Big enough that few segments are searched, small enough that moving one's slots is cheap. */
const segmentLength = 512

/** Neighbours that have no more than this together become one, so that what is left of many segments does not keep them all. */
const mergedLength = 128

/**
 * Events by offset, in segments: appending and taking the first away cost the same however many there are, finding and
 * removing one in the middle the logarithm of it.
 */
export class EventList {
  /** None is empty. */
  readonly #segments: HeldEvent[][] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): HeldEvent | undefined {
    return this.#segments[0]?.[0]
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
  shift(): HeldEvent | undefined {
    const segment = this.#segments[0]
    if (!segment) return undefined
    const event = segment.shift()
    if (segment.length === 0) this.#segments.shift()
    this.#size--
    return event
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
    const index = indexAfter(segment, offset) - 1
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
    return new Walk(this.#segments, at, segment ? indexAfter(segment, offset) : 0)
  }

  /** The last event with a time before `time`; times go up with the offsets. */
  lastBefore(time: number): HeldEvent | undefined {
    const segments = this.#segments
    const at = countWhile(segments.length, i => firstOf(segments, i).time < time) - 1
    const segment = segments[at]
    if (!segment) return undefined
    return segment[countWhile(segment.length, i => (segment[i] as HeldEvent).time < time) - 1]
  }

  /** The index of the last segment that begins at `offset` or below; -1: all begin above. */
  #segmentOf(offset: number): number {
    const segments = this.#segments
    const last = segments.length - 1
    // Readers and removals are mostly at one of the ends.
    if (last < 0 || firstOf(segments, last).offset <= offset) return last
    let low = 0
    let high = last
    while (low < high) {
      const middle = (low + high) >>> 1
      if (firstOf(segments, middle).offset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #merge(at: number): void {
    const segment = this.#segments[at] as HeldEvent[]
    const next = this.#segments[at + 1]
    if (next && segment.length + next.length <= mergedLength) {
      this.#segments.splice(at, 2, [...segment, ...next])
      return
    }
    const before = this.#segments[at - 1]
    if (before && segment.length + before.length <= mergedLength) {
      this.#segments.splice(at - 1, 2, [...before, ...segment])
    }
  }
}

/** A place in a list. */
export class Walk {
  readonly #segments: readonly (readonly HeldEvent[])[]
  #at: number
  #index: number
  /** The event here; nothing: the list ends. */
  current: HeldEvent | undefined

  constructor(segments: readonly (readonly HeldEvent[])[], at: number, index: number) {
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

function firstOf(segments: readonly (readonly HeldEvent[])[], at: number): HeldEvent {
  return (segments[at] as readonly HeldEvent[])[0] as HeldEvent
}

/** How many events of `segment` are at `offset` or below. */
function indexAfter(segment: readonly HeldEvent[], offset: number): number {
  // Without holes the place is a subtraction away.
  const guess = offset - (segment[0] as HeldEvent).offset
  if (guess >= 0 && segment[guess]?.offset === offset) return guess + 1
  let low = 0
  let high = segment.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((segment[middle] as HeldEvent).offset <= offset) low = middle + 1
    else high = middle
  }
  return low
}

/** How many of the indexes below `length` `holds` is true of, if it is true of none after one of which it is false. */
function countWhile(length: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low
}
