import { TidingsError } from '../../wire/errors.js'
import { compileRetention } from '../retention.js'
import {
  decodeRule,
  decodeTopic,
  latestKey,
  metaKeys,
  offsetTopicKey,
  packNumbers,
  type RuleRecord,
  readOffset,
  ruleKey,
  type Table,
  topicIdKey,
  topicIdOf,
  topicKey,
  topicOffsetKey,
} from './layout.js'
import { createPace, type Progress } from './pace.js'
import type { Reader } from './reader.js'
import { recordBytes, recordKey, recordTime } from './record.js'
import { leftRules } from './rules.js'
import { parseEpochs } from './session.js'

/** How the books of a log compare with its events. */
export interface Agreement {
  /** What does not agree, in words, the first 20. */
  readonly problems: readonly string[]
  /** How many there are in all. */
  readonly found: number
}

const maxProblems = 20
const chunkKeys = 1_024

/** How many names of topics are remembered by id while the events are passed. */
const maxNames = 65_536

/**
 * Passes all events, and sees whether the indexes, the counts and the marks that the log keeps beside them say the same. Some
 * 10 µs an event, and memory that does not grow with the log.
 */
export async function compareBooks(reader: Reader, onProgress?: Progress): Promise<Agreement> {
  const { store, at, head, pages } = reader
  const hasNewest = reader.version > 1
  const problems: string[] = []
  let found = 0
  const say = (problem: string) => {
    if (found++ < maxProblems) problems.push(problem)
  }
  const same = (what: string, actual: number, due: number) => {
    if (actual !== due) say(`${what}: ${actual}, but it should be ${due}`)
  }
  const has = (table: Table, key: Buffer) => table.get(key, at) !== undefined
  const pace = createPace(onProgress)
  const steps = pages.entries.events + pages.entries.topics + pages.entries.onceOrder
  let step = 0

  /** The keys of a table, in chunks, so that no cursor of LMDB stays open. */
  function* keysOf(table: Table): Generator<Buffer> {
    let start: Buffer | undefined
    for (;;) {
      const from = start === undefined ? {} : { start, exclusiveStart: true }
      const keys = [...table.getKeys({ ...from, ...at, limit: chunkKeys })]
      yield* keys
      start = keys.at(-1)
      if (keys.length < chunkKeys) return
    }
  }

  const names = new Map<number, string | undefined>()
  const nameOf = (topicId: number): string | undefined => {
    if (!names.has(topicId)) {
      if (names.size >= maxNames) names.clear()
      names.set(topicId, store.names.get(topicIdKey(topicId), at)?.toString())
    }
    return names.get(topicId)
  }

  async function passEvents(): Promise<number> {
    let previous = 0
    let time = 0
    let bytes = 0
    let newest = 0
    for (const key of keysOf(store.events)) {
      if (++step % 256 === 0) await pace(step, steps)
      const offset = readOffset(key)
      const topicId = topicIdOf(key)
      const event = `the event at offset ${offset}`
      if (offset <= previous) say(`two events stand at offset ${offset}`)
      if (offset > head.offset) say(`${event} stands above the head, ${head.offset}`)
      previous = offset
      const name = nameOf(topicId)
      if (name === undefined) say(`${event} is of topic ${topicId}, which has no name`)
      const record = store.events.get(key, at)
      if (!record) {
        say(`${event} cannot be found`)
        continue
      }
      if (!has(store.byTopic, topicOffsetKey(topicId, offset))) say(`${event} is missing in the index by topic`)
      try {
        const eventKey = recordKey(record, offset)
        if (hasNewest && passNewest(event, offset, topicId, eventKey)) newest++
      } catch (error) {
        if (!(error instanceof TidingsError)) throw error
        say(`${event} is damaged: its record is not as long as it says`)
        continue
      }
      if (recordTime(record) < time) say(`${event} is older than the one before it`)
      time = Math.max(time, recordTime(record))
      bytes += Buffer.byteLength(name ?? '') + recordBytes(record)
    }
    if (time > head.time) say(`the last event has the time ${time}, which is after that of the head, ${head.time}`)
    if (hasNewest) {
      for (const table of ['newest', 'newestByTopic', 'latest'] as const) {
        same(`the entries of the index "${table}"`, pages.entries[table], newest)
      }
    }
    return bytes
  }

  /** Whether the event is the newest of its topic and key, and all indexes say the same. */
  function passNewest(event: string, offset: number, topicId: number, key: Buffer): boolean {
    const latest = store.latest.get(latestKey(topicId, key), at)
    const isNewest = latest !== undefined && readOffset(latest) === offset
    if (!latest || readOffset(latest) < offset) say(`${event} is newer than what is noted as the newest of its key`)
    const noted = [
      has(store.newest, offsetTopicKey(offset, topicId)),
      has(store.newestByTopic, topicOffsetKey(topicId, offset)),
    ]
    if (noted.some(each => each !== isNewest)) {
      say(`${event} is${isNewest ? ' not' : ''} among the newest, but it should${isNewest ? '' : ' not'} be`)
    }
    return isNewest
  }

  async function passTopics(bytesHeld: number): Promise<void> {
    const retention = compileRetention(leftRules(store))
    const rules: RuleRecord[] = Array.from({ length: retention.rules.length + 1 }, () => ({
      cursor: 0,
      floor: 0,
      events: 0,
      bytes: 0,
    }))
    let events = 0
    let bytes = 0
    for (const key of keysOf(store.topics)) {
      if (++step % 64 === 0) await pace(step, steps)
      const value = store.topics.get(key, at)
      if (!value) continue
      const topic = decodeTopic(value)
      const what = `the topic ${topic.topic}`
      if (!topicKey(topic.topic).equals(key) || nameOf(topic.id) !== topic.topic) say(`${what} is listed wrongly`)
      if (topic.id >= head.nextTopicId) say(`${what} has a number that was not given yet`)
      const range = { start: topicOffsetKey(topic.id, 0), end: topicOffsetKey(topic.id + 1, 0), ...at }
      same(`the events of ${what} in the index by topic`, store.byTopic.getKeysCount(range), topic.events)
      if (topic.end > 0 && !has(store.byTopic, topicOffsetKey(topic.id, topic.end))) {
        say(`${what} ends at offset ${topic.end}, where it has no event`)
      }
      const rule = rules[retention.ruleOf(topic.topic) ?? retention.rules.length] as RuleRecord
      rule.events += topic.events
      rule.bytes += topic.bytes
      events += topic.events
      bytes += topic.bytes
    }
    same('the events of all topics', events, pages.entries.events)
    same('the bytes of all topics', bytes, bytesHeld)
    same('the entries of the index by topic', pages.entries.byTopic, pages.entries.events)
    same('the names of topics', pages.entries.names, pages.entries.topics)
    for (const [i, due] of rules.entries()) {
      const value = store.meta.get(ruleKey(i), at)
      const rule = value ? decodeRule(value) : { events: 0, bytes: 0, cursor: 0, floor: 0 }
      const what = `of retention rule ${i}`
      same(`the events ${what}`, rule.events, due.events)
      same(`the bytes ${what}`, rule.bytes, due.bytes)
      if (Math.max(rule.cursor, rule.floor) > head.offset) say(`the marks ${what} stand above the head, ${head.offset}`)
    }
  }

  async function passTokens(): Promise<void> {
    for (const key of keysOf(store.onceOrder)) {
      if (++step % 256 === 0) await pace(step, steps)
      const token = store.onceOrder.get(key, at)
      const remembered = token && store.once.get(token, at)
      if (!remembered?.subarray(0, 8).equals(packNumbers(readOffset(key)))) {
        say(`what was published once at offset ${readOffset(key)} is not remembered as such`)
      }
    }
    same('the keys of what was published once', pages.entries.once, pages.entries.onceOrder)
    same('the count of what was published once', head.tokens, pages.entries.onceOrder)
  }

  function passEpochs(): void {
    const value = store.meta.get(metaKeys.epochs, at)
    const epochs = value ? parseEpochs(value) : []
    if (epochs.length === 0) say('there is no epoch')
    for (const [i, { epoch, first }] of epochs.entries()) {
      if (first < (epochs[i - 1]?.first ?? 0)) say(`the epoch ${epoch} begins before the one before it`)
      if (first > head.offset + 1) say(`the epoch ${epoch} begins above the head`)
    }
  }

  passEpochs()
  await passTopics(await passEvents())
  await passTokens()
  return { problems, found }
}
