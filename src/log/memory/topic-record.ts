import type { TopicInfo } from '../log.js'
import { EventList } from './event-list.js'
import type { HeldEvent } from './held-event.js'

/** What the log knows of a topic that holds an event. */
export class TopicRecord {
  readonly topic: string
  /** The rule that governs it; another one when the rules change. */
  rule: number | undefined
  readonly events: EventList = new EventList()
  /** The highest offset that may have been removed from it. */
  floor: number
  /** Offset of the event that ended it: the last one, so that it is held for as long as the topic holds any. */
  end: number | undefined
  /** The newest event, while all have one key, as most topics have. */
  #only: HeldEvent | undefined
  #keys: { readonly byKey: Map<string, HeldEvent>; readonly list: EventList } | undefined

  constructor(topic: string, rule: number | undefined, floor: number) {
    this.topic = topic
    this.rule = rule
    this.floor = floor
  }

  /** The newest event of each key. */
  get newest(): EventList {
    if (this.#keys) return this.#keys.list
    const list = new EventList()
    if (this.#only) list.append(this.#only)
    return list
  }

  newestOf(key: string): HeldEvent | undefined {
    if (this.#keys) return this.#keys.byKey.get(key)
    return this.#only?.key === key ? this.#only : undefined
  }

  append(event: HeldEvent): void {
    this.events.append(event)
    if (event.end) this.end = event.offset
    if (!this.#keys) {
      if (!this.#only || this.#only.key === event.key) {
        this.#only = event
        return
      }
      this.#keys = { byKey: new Map([[this.#only.key, this.#only]]), list: this.newest }
    }
    const { byKey, list } = this.#keys
    const before = byKey.get(event.key)
    if (before) list.remove(before.offset)
    byKey.set(event.key, event)
    list.append(event)
  }

  remove(event: HeldEvent): void {
    this.events.remove(event.offset)
    if (event.offset > this.floor) this.floor = event.offset
    if (this.newestOf(event.key) !== event) return
    if (this.#keys) {
      this.#keys.byKey.delete(event.key)
      this.#keys.list.remove(event.offset)
    } else {
      this.#only = undefined
    }
  }

  info(): TopicInfo {
    return {
      topic: this.topic,
      events: this.events.size,
      first: this.events.first?.offset ?? 0,
      last: this.events.last?.offset ?? 0,
      end: this.end,
    }
  }
}
