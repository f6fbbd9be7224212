import type { Selector } from '../../wire/selector.js'
import { matchesAny } from '../../wire/selector.js'
import type { Page, ReadOptions } from '../log.js'
import type { EventList, Walk } from './event-list.js'
import { HeldEvent } from './held-event.js'
import type { MemoryStore } from './store.js'

/** Events that one read examines at most. */
export const maxExamined = 8192

/** Data that one page of a follower holds at most, unless one event has more. */
export const followPageBytes: number = 256 * 1024

export function readPage(store: MemoryStore, after: number, options: ReadOptions): Page {
  const { selectors, maxEvents, maxBytes, newest } = options
  const { head } = store
  const end = Math.min(options.through ?? head.offset, head.offset)
  const floor = store.floor(selectors)
  if (after >= end) return { from: after, through: after, events: [], floor, head }
  const topics = exactTopics(selectors)
  const walk = topics
    ? new Merge(topics.flatMap(topic => listOf(store, topic, newest) ?? []).map(list => list.after(after)))
    : (newest ? store.newest : store.events).after(after)
  const wanted = topics ? undefined : selectors
  const events: HeldEvent[] = []
  let through = after
  let bytes = 0
  let examined = 0
  while (examined < maxExamined && events.length < maxEvents && bytes < maxBytes) {
    const event = walk.current
    if (!event || event.offset > end) break
    walk.advance()
    examined++
    through = event.offset
    if (wanted && !matchesAny(wanted, event.topic)) continue
    events.push(event)
    bytes += HeldEvent.bytesOf(event)
  }
  if (!walk.current || walk.current.offset > end) through = end
  return { from: after, through, events, floor, head }
}

/** All the events after `after`, as far as a page goes. */
export function followPage(store: MemoryStore, after: number): Page {
  const { head } = store
  const walk = store.events.after(after)
  const events: HeldEvent[] = []
  let bytes = 0
  for (;;) {
    const event = walk.current
    if (!event) break
    bytes += HeldEvent.bytesOf(event)
    if (bytes > followPageBytes && events.length > 0) break
    events.push(event)
    walk.advance()
  }
  const last = events[events.length - 1]
  const through = walk.current && last ? last.offset : Math.max(after, head.offset)
  return { from: after, through, events, floor: store.floor(undefined), head }
}

function listOf(store: MemoryStore, topic: string, newest: boolean | undefined): EventList | undefined {
  const record = store.record(topic)
  return newest ? record?.newest : record?.events
}

/** The topics, if all selectors are exact. */
function exactTopics(selectors: readonly Selector[] | undefined): readonly string[] | undefined {
  if (!selectors) return undefined
  const topics = new Set<string>()
  for (const selector of selectors) {
    if (selector.glob) return undefined
    topics.add(selector.text)
  }
  return [...topics]
}

/** Several places in several lists that share no event, walked as one list. */
class Merge {
  readonly #walks: Walk[]
  current: HeldEvent | undefined

  constructor(walks: Walk[]) {
    this.#walks = walks
    this.current = this.#lowest()?.current
  }

  advance(): void {
    this.#lowest()?.advance()
    this.current = this.#lowest()?.current
  }

  #lowest(): Walk | undefined {
    const walks = this.#walks
    let lowest: Walk | undefined
    for (let i = walks.length - 1; i >= 0; i--) {
      const walk = walks[i] as Walk
      if (!walk.current) walks.splice(i, 1)
      else if (!lowest?.current || walk.current.offset < lowest.current.offset) lowest = walk
    }
    return lowest
  }
}
