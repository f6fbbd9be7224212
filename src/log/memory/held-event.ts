import type { LogEvent, NewEvent } from '../log.js'

/** An event as this process holds it: made once, shared by all who read it, never changed. */
export class HeldEvent implements LogEvent {
  readonly offset: number
  readonly time: number
  readonly topic: string
  readonly data: string
  readonly type: string
  readonly key: string
  readonly eventId: string
  readonly end: boolean
  readonly #bytes: number

  constructor(offset: number, time: number, topic: string, key: string, event: NewEvent, bytes: number) {
    this.offset = offset
    this.time = time
    this.topic = topic
    this.data = event.data
    this.type = event.type ?? ''
    this.key = key
    this.eventId = event.eventId ?? ''
    this.end = event.end === true
    this.#bytes = bytes
  }

  /** What the event counts against the `bytes` of its rule. No member of the event, so that it shows in no copy of it. */
  static bytesOf(event: HeldEvent): number {
    return event.#bytes
  }
}
