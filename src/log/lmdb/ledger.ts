import { createHash } from 'node:crypto'
import type { Retention } from '../retention.js'
import { type Catalog, readHead } from './catalog.js'
import {
  decodeRule,
  encodeHead,
  encodeRule,
  encodeTopic,
  eventKeyBytes,
  type HeadRecord,
  latestKey,
  metaKeys,
  noValue,
  offsetTopicKey,
  packNumbers,
  type RuleRecord,
  readOffset,
  ruleKey,
  type Store,
  type TopicRecord,
  topicIdKey,
  topicKey,
  topicOffsetKey,
} from './layout.js'
import { recordBytes, recordKey } from './record.js'

/** A topic within one transaction. */
export interface LedgerTopic extends TopicRecord {
  readonly rule: number
  /** Bytes of its name. */
  readonly nameBytes: number
  /** By key, the newest event that this transaction added. */
  readonly newest: Map<string, Newest>
  /** `gone`: it lost its last event, and is to be taken off the books. */
  state: 'as-read' | 'changed' | 'gone'
}

interface Newest {
  readonly topic: LedgerTopic
  readonly key: Buffer
  offset: number
}

/** lmdb-js copies a key before `put` returns, so that the two of each event need no memory of their own. */
const keyAtHand: Buffer = Buffer.alloc(eventKeyBytes)

export interface Remembered {
  readonly offset: number
  readonly time: number
  readonly digest: string
}

/**
 * The books of the log within one write transaction: what is read is read once, what is changed is written once, by `save`.
 * Every change of an event goes through here, so that the indexes and the counts agree with the events.
 *
 * To be used inside a transaction's callback only, and thrown away with it.
 */
export class Ledger {
  readonly head: HeadRecord
  readonly #store: Store
  readonly #catalog: Catalog
  readonly #retention: Retention
  readonly #topics = new Map<string, LedgerTopic>()
  readonly #rules = new Map<number, { readonly record: RuleRecord; readonly asRead: Buffer | undefined }>()
  /** The newest event of each topic and key that this transaction added. */
  readonly #newest: Newest[] = []
  readonly #headAsRead: Buffer

  constructor(store: Store, catalog: Catalog, retention: Retention) {
    this.#store = store
    this.#catalog = catalog
    this.#retention = retention
    this.head = readHead(store)
    this.#headAsRead = encodeHead(this.head)
  }

  rule(index: number): RuleRecord {
    let rule = this.#rules.get(index)
    if (!rule) {
      const asRead = this.#store.meta.get(ruleKey(index))
      rule = { record: asRead ? decodeRule(asRead) : { cursor: 0, floor: 0, events: 0, bytes: 0 }, asRead }
      this.#rules.set(index, rule)
    }
    return rule.record
  }

  /** The topic, if it holds events. */
  topic(name: string): LedgerTopic | undefined {
    let topic = this.#topics.get(name)
    if (!topic) {
      const found = this.#catalog.find(name)
      if (!found) return undefined
      topic = {
        ...found,
        rule: this.#ruleOf(name),
        nameBytes: Buffer.byteLength(name),
        newest: new Map(),
        state: 'as-read',
      }
      this.#topics.set(name, topic)
    }
    return topic.state === 'gone' ? undefined : topic
  }

  #ruleOf(name: string): number {
    return this.#retention.ruleOf(name) ?? this.#retention.rules.length
  }

  #begin(name: string): LedgerTopic {
    const rule = this.#ruleOf(name)
    // Of events that a topic of this name once held, nothing is known any more but the floor of the rule.
    const floor = this.rule(rule).floor
    const id = this.head.nextTopicId++
    this.#catalog.forget(id)
    const nameBytes = Buffer.byteLength(name)
    const topic: LedgerTopic = {
      topic: name,
      id,
      events: 0,
      bytes: 0,
      end: 0,
      floor,
      rule,
      nameBytes,
      newest: new Map(),
      state: 'changed',
    }
    this.#topics.set(name, topic)
    this.#store.names.put(topicIdKey(id), Buffer.from(name))
    this.head.catalog++
    return topic
  }

  /** Puts the event at the next offset. The record has its time. */
  add(name: string, key: string, record: Buffer, end: boolean): number {
    const topic = this.topic(name) ?? this.#begin(name)
    const offset = ++this.head.offset
    const bytes = topic.nameBytes + recordBytes(record)
    const rule = this.rule(topic.rule)
    this.#store.events.put(offsetTopicKey(offset, topic.id, keyAtHand), record)
    this.#store.byTopic.put(topicOffsetKey(topic.id, offset, keyAtHand), noValue)
    topic.state = 'changed'
    topic.events++
    topic.bytes += bytes
    rule.events++
    rule.bytes += bytes
    if (end) topic.end = offset
    const newest = topic.newest.get(key)
    if (newest) {
      newest.offset = offset
    } else {
      const added = { topic, key: Buffer.from(key), offset }
      topic.newest.set(key, added)
      this.#newest.push(added)
    }
    return offset
  }

  /** Whether the event is the newest of its topic and key. Of events of earlier transactions. */
  isNewest(topicId: number, offset: number): boolean {
    return this.#store.newestByTopic.doesExist(topicOffsetKey(topicId, offset))
  }

  /** Takes the event off the books, as retention does: the floors rise to it. */
  remove(offset: number, topicId: number, record: Buffer): void {
    const topic = this.topic(this.#catalog.name(topicId))
    if (!topic) return
    const rule = this.rule(topic.rule)
    const bytes = topic.nameBytes + recordBytes(record)
    this.#store.events.remove(offsetTopicKey(offset, topicId))
    this.#store.byTopic.remove(topicOffsetKey(topicId, offset))
    if (this.isNewest(topicId, offset)) {
      this.#store.newest.remove(offsetTopicKey(offset, topicId))
      this.#store.newestByTopic.remove(topicOffsetKey(topicId, offset))
      this.#store.latest.remove(latestKey(topicId, recordKey(record, offset)))
    }
    topic.state = 'changed'
    topic.events--
    topic.bytes -= bytes
    topic.floor = Math.max(topic.floor, offset)
    if (topic.end === offset) topic.end = 0
    rule.events--
    rule.bytes -= bytes
    rule.floor = Math.max(rule.floor, offset)
    if (topic.events === 0) {
      topic.state = 'gone'
      this.head.catalog++
    }
  }

  remembered(token: Buffer): Remembered | undefined {
    const value = this.#store.once.get(token)
    return value && { offset: readOffset(value, 0), time: readOffset(value, 8), digest: value.toString('utf8', 16) }
  }

  remember(token: Buffer, offset: number, time: number, digest: string): void {
    const known = this.remembered(token)
    if (known) this.forget(known.offset, token)
    this.#store.once.put(token, Buffer.concat([packNumbers(offset, time), Buffer.from(digest)]))
    this.#store.onceOrder.put(packNumbers(offset), token)
    this.head.tokens++
  }

  /** The tokens that were remembered first, at most `limit`. */
  oldestTokens(limit: number): { readonly offset: number; readonly token: Buffer }[] {
    return [...this.#store.onceOrder.getRange({ limit })].map(({ key, value }) => ({
      offset: readOffset(key),
      token: value,
    }))
  }

  forget(offset: number, token: Buffer): void {
    this.#store.once.remove(token)
    this.#store.onceOrder.remove(packNumbers(offset))
    this.head.tokens--
  }

  /** Writes what has changed. Nothing if nothing has. */
  save(): void {
    for (const { topic, key, offset } of this.#newest) this.#supersede(topic, key, offset)
    for (const topic of this.#topics.values()) {
      if (topic.state === 'changed') this.#store.topics.put(topicKey(topic.topic), encodeTopic(topic))
      else if (topic.state === 'gone') {
        this.#store.topics.remove(topicKey(topic.topic))
        this.#store.names.remove(topicIdKey(topic.id))
      }
    }
    for (const [index, { record, asRead }] of this.#rules) {
      const value = encodeRule(record)
      if (!asRead?.equals(value)) this.#store.meta.put(ruleKey(index), value)
    }
    const head = encodeHead(this.head)
    if (!head.equals(this.#headAsRead)) this.#store.meta.put(metaKeys.head, head)
  }

  #supersede(topic: LedgerTopic, key: Buffer, offset: number): void {
    const mark = latestKey(topic.id, key)
    const value = this.#store.latest.get(mark)
    if (value) {
      const old = readOffset(value)
      this.#store.newest.remove(offsetTopicKey(old, topic.id))
      this.#store.newestByTopic.remove(topicOffsetKey(topic.id, old))
      // Retention has passed it and kept it only as the newest of its key, which it was until now.
      if (old <= this.rule(topic.rule).cursor && this.#retention.rules[topic.rule]?.keepLatest) {
        const record = this.#store.events.get(offsetTopicKey(old, topic.id))
        if (record) this.remove(old, topic.id, record)
      }
    }
    this.#store.latest.put(mark, packNumbers(offset))
    this.#store.newest.put(offsetTopicKey(offset, topic.id), noValue)
    this.#store.newestByTopic.put(topicOffsetKey(topic.id, offset), noValue)
  }
}

/** The key under which a token is remembered. */
export function tokenKey(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
