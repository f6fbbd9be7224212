import type { LogEvent } from '../log/log.js'
import type { Encoding } from './sink.js'

/** What an event costs beside its text: objects and references, as measured roughly on 64-bit V8. */
const eventOverheadBytes = 256

/** An event of the live flow, with the frames that were made of it. What nobody asked for yet is not made: most events have few readers. */
export class RecentEvent {
  readonly event: LogEvent
  /** Its position. */
  readonly id: string
  bytes: number
  #state: string | undefined
  #encodings: Encoding[] | undefined
  #frames: Uint8Array[] | undefined

  constructor(event: LogEvent, id: string, bytes: number) {
    this.event = event
    this.id = id
    this.bytes = bytes
  }

  /** Its topic and key, as conflation tells events apart: made once, however many windows and readers ask. */
  get state(): string {
    this.#state ??= `${this.event.topic}\n${this.event.key}`
    return this.#state
  }

  /** The frame that was made for an encoding; nothing if none was. */
  found(encoding: Encoding): Uint8Array | undefined {
    const at = this.#encodings?.indexOf(encoding) ?? -1
    return at >= 0 ? this.#frames?.[at] : undefined
  }

  made(encoding: Encoding, frame: Uint8Array): void {
    if (this.#encodings && this.#frames) {
      this.#encodings.push(encoding)
      this.#frames.push(frame)
    } else {
      this.#encodings = [encoding]
      this.#frames = [frame]
    }
    this.bytes += frame.length
  }
}

/**
 * The newest stretch of the live flow: every event with `from < offset`, in order, none left out.
 * Each is encoded once per kind of sink, here. Whoever is only a little behind catches up from here, with frames that are
 * made already, instead of reading the log.
 */
export class Recent {
  readonly #maxBytes: number
  readonly #maxEvents: number
  /** What was dropped is undefined here, so that nothing keeps it. */
  #events: (RecentEvent | undefined)[] = []
  #start = 0
  #bytes = 0
  #from: number

  constructor(from: number, bounds: { readonly maxBytes: number; readonly maxEvents: number }) {
    this.#from = from
    this.#maxBytes = bounds.maxBytes
    this.#maxEvents = bounds.maxEvents
  }

  /** Cursors from here on can be served. */
  get from(): number {
    return this.#from
  }

  get bytes(): number {
    return this.#bytes
  }

  get length(): number {
    return this.#events.length - this.#start
  }

  push(event: LogEvent, id: string): RecentEvent {
    // UTF-16 is counted, the larger of V8's two ways to hold text.
    const bytes = eventOverheadBytes + 2 * (event.data.length + event.topic.length + event.key.length)
    const recent = new RecentEvent(event, id, bytes)
    this.#events.push(recent)
    this.#bytes += bytes
    return recent
  }

  /** The frame of an event for one kind of sink: made at the first call, the same bytes ever after. */
  frame(recent: RecentEvent, encoding: Encoding): Uint8Array {
    const found = recent.found(encoding)
    if (found) return found
    const { packing } = encoding
    const frame = packing ? packing.pack(this.frame(recent, packing.of)) : encoding.event(recent.event, recent.id)
    recent.made(encoding, frame)
    if (recent.event.offset > this.#from) this.#bytes += frame.length
    return frame
  }

  /** Index of the first event after the cursor `offset`, for `at`; good until the next `settle` or `reset`. */
  indexAfter(offset: number): number {
    let low = this.#start
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#events[middle] as RecentEvent).event.offset <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  at(index: number): RecentEvent | undefined {
    return this.#events[index]
  }

  /** Drops the oldest until the bounds hold. Called between events' turns, never while a walk is under way. */
  settle(): void {
    while (this.length > 0 && (this.#bytes > this.#maxBytes || this.length > this.#maxEvents)) {
      const oldest = this.#events[this.#start] as RecentEvent
      this.#events[this.#start++] = undefined
      this.#bytes -= oldest.bytes
      this.#from = oldest.event.offset
    }
    if (this.#start > 1024 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start)
      this.#start = 0
    }
  }

  /** Forgets all, and begins again after `from`. */
  reset(from: number): void {
    this.#events = []
    this.#start = 0
    this.#bytes = 0
    this.#from = from
  }
}
