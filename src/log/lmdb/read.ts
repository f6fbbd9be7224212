import type { Selector } from '../../wire/selector.js'
import type { LogEvent, Page, ReadOptions } from '../log.js'
import {
  type HeadRecord,
  offsetOf,
  offsetTopicKey,
  readOffset,
  type Store,
  type Table,
  topicIdOf,
  topicOffsetKey,
} from './layout.js'
import { decodeRecord, recordTime } from './record.js'
import type { Session } from './session.js'

/** Selectors that match so many topics are answered from the index by topic; those that match more, from one scan with a filter. */
export const maxMergedTopics = 128

/** How many keys of `events` a read looks at, at most: some 2 ms. */
export const maxExamined = 4_096

/** An event as the indexes name it. */
interface Place {
  readonly offset: number
  readonly topicId: number
}

/** Places in ascending order. Nothing: there are no more up to where the read goes. */
interface Places {
  next(): Place | undefined
  /** All up to here was examined, when `next` has given up early. */
  readonly examined: number | undefined
}

/** What tests count: how many keys and records reads have looked at. */
export interface ReadWork {
  keys: number
  records: number
}

export function readPage(session: Session, after: number, options: ReadOptions, work?: ReadWork): Page {
  return session.read(record => {
    const head = session.toHead(record)
    const floor = floorOf(session, options.selectors)
    const through = Math.min(options.through ?? record.offset, record.offset)
    if (after >= through) return { from: after, through: after, events: [], floor, head }
    const places = placesOf(session, record, after, through, options, work)
    const events: LogEvent[] = []
    let bytes = 0
    for (let place = places.next(); place; place = places.next()) {
      const value = session.store.events.get(offsetTopicKey(place.offset, place.topicId))
      if (work) work.records++
      if (!value) continue
      events.push(decodeRecord(value, place.offset, session.catalog.name(place.topicId)))
      bytes += value.length
      if (events.length >= options.maxEvents || bytes >= options.maxBytes) {
        return { from: after, through: place.offset, events, floor, head }
      }
    }
    return { from: after, through: places.examined ?? through, events, floor, head }
  })
}

export function floorOf(session: Session, selectors: readonly Selector[] | undefined): number {
  return session.retention.floorFor(selectors, session.floors(), topic => session.catalog.find(topic)?.floor)
}

function placesOf(
  session: Session,
  head: HeadRecord,
  after: number,
  through: number,
  { selectors, newest }: ReadOptions,
  work: ReadWork | undefined,
): Places {
  const { store, catalog } = session
  const byOffset = newest ? store.newest : store.events
  if (!selectors) return scan(byOffset, after, through, undefined, work)
  const ids = catalog.resolve(selectors, maxMergedTopics, head)
  if (ids) return merge(newest ? store.newestByTopic : store.byTopic, ids, after, through, work)
  return scan(byOffset, after, through, catalog.filter(selectors), work)
}

/** In the order of the log, looking at a bounded number of keys. */
function scan(
  table: Table,
  after: number,
  through: number,
  filter: ((topicId: number) => boolean) | undefined,
  work: ReadWork | undefined,
): Places {
  const keys = chunks(table, offsetTopicKey(after + 1, 0), offsetTopicKey(through + 1, 0), maxExamined)
  let left = maxExamined
  let examined: number | undefined
  return {
    next() {
      for (let key = keys(); key; key = keys()) {
        if (work) work.keys++
        const place = { offset: readOffset(key), topicId: topicIdOf(key) }
        if (--left === 0) examined = place.offset
        if (!filter || filter(place.topicId)) return place
      }
      return undefined
    },
    get examined() {
      return examined
    },
  }
}

/** From the index by topic, of several topics at once. */
function merge(
  table: Table,
  topicIds: readonly number[],
  after: number,
  through: number,
  work: ReadWork | undefined,
): Places {
  const sources = topicIds.map(topicId => {
    const keys = chunks(table, topicOffsetKey(topicId, after + 1), topicOffsetKey(topicId, through + 1), Infinity)
    const advance = () => {
      const key = keys()
      if (work && key) work.keys++
      return key ? offsetOf(key) : Infinity
    }
    return { topicId, offset: advance(), advance }
  })
  return {
    next() {
      let first = sources[0]
      for (const source of sources) if (first && source.offset < first.offset) first = source
      if (!first || first.offset === Infinity) return undefined
      const place = { offset: first.offset, topicId: first.topicId }
      first.offset = first.advance()
      return place
    },
    examined: undefined,
  }
}

const firstChunk = 16
const greatestChunk = 1_024

/**
 * The keys of a range, read in chunks that grow, so that no cursor of LMDB stays open and few keys are read in vain.
 * Ends after `max` keys.
 */
function chunks(table: Table, start: Buffer, end: Buffer, max: number): () => Buffer | undefined {
  let chunk: Buffer[] = []
  let at = 0
  let size = firstChunk
  let left = max
  let begin = start
  let inclusive = true
  let exhausted = false
  return () => {
    if (at === chunk.length) {
      if (exhausted || left <= 0) return undefined
      const limit = Math.min(size, left)
      chunk = [...table.getKeys({ start: begin, end, limit, exclusiveStart: !inclusive })]
      at = 0
      left -= chunk.length
      exhausted = chunk.length < limit
      size = Math.min(size * 4, greatestChunk)
      inclusive = false
      const last = chunk[chunk.length - 1]
      if (!last) return undefined
      begin = last
    }
    return chunk[at++]
  }
}

/** The greatest offset of an event with a time before `time`; 0: there is none. By halves, as time never goes back. */
export function offsetBefore(session: Session, time: number): number {
  return session.read(head => {
    let before = 0
    let low = 1
    let high = head.offset
    while (low <= high) {
      const middle = Math.floor((low + high) / 2)
      const event = firstFrom(session.store, middle, high)
      if (event && event.time < time) {
        before = event.offset
        low = event.offset + 1
      } else {
        high = middle - 1
      }
    }
    return before
  })
}

function firstFrom(store: Store, offset: number, through: number): { offset: number; time: number } | undefined {
  const range = { start: offsetTopicKey(offset, 0), end: offsetTopicKey(through + 1, 0), limit: 1 }
  for (const { key, value } of store.events.getRange(range)) return { offset: readOffset(key), time: recordTime(value) }
  return undefined
}
