import type { Database, RootDatabase } from 'lmdb'

/*
 * What is in the file. Numbers in keys are big-endian, so that their order is the order of the bytes.
 *
 *   events         offset, topic id  -> record (record.ts)
 *   byTopic        topic id, offset  -> nothing
 *   newest         offset, topic id  -> nothing: events that are the newest of their topic and key
 *   newestByTopic  topic id, offset  -> nothing: the same ones
 *   latest         topic id, key     -> offset of the newest
 *   topics         name (topicKey)   -> id, counts, end, floor, name
 *   names          topic id          -> name
 *   once           SHA-256 of token  -> offset, time, digest
 *   onceOrder      offset            -> SHA-256 of token, the order in which tokens are forgotten
 *   meta           a word            -> head, epochs, rules, format
 *
 * The topic stands in the key of an event, so that a filter and retention skip an event without reading its record.
 * A topic id is given once and never again, so what is remembered of one is never wrong.
 */

/** The version of all this. A log of an older version is brought up to it at open, one of a newer is refused. */
export const formatVersion = 2

export type Table = Database<Buffer, Buffer>

export const tableNames = [
  'meta',
  'events',
  'byTopic',
  'newest',
  'newestByTopic',
  'latest',
  'topics',
  'names',
  'once',
  'onceOrder',
] as const

export type Tables = { readonly [Name in (typeof tableNames)[number]]: Table }

/** The open file. */
export interface Store extends Tables {
  readonly root: RootDatabase<Buffer, Buffer>
}

/** Nothing: the value of a key that says all. */
export const noValue: Buffer = Buffer.alloc(0)

const offsetBytes = 8
const topicIdBytes = 6
/** The length of a key that is an offset and a topic id. */
export const eventKeyBytes: number = offsetBytes + topicIdBytes
const twoTo32 = 2 ** 32

function writeOffset(into: Buffer, offset: number, at: number): void {
  into.writeUInt32BE(Math.floor(offset / twoTo32), at)
  into.writeUInt32BE(offset % twoTo32, at + 4)
}

/** A number of up to 53 bits that stands at `at`. */
export function readOffset(from: Buffer, at: number = 0): number {
  return from.readUInt32BE(at) * twoTo32 + from.readUInt32BE(at + 4)
}

/** `numbers`, 8 bytes each. */
export function packNumbers(...numbers: readonly number[]): Buffer {
  const packed = Buffer.allocUnsafe(numbers.length * offsetBytes)
  numbers.forEach((number, i) => {
    writeOffset(packed, number, i * offsetBytes)
  })
  return packed
}

function writeTopicId(into: Buffer, topicId: number, at: number): void {
  into.writeUInt16BE(Math.floor(topicId / twoTo32), at)
  into.writeUInt32BE(topicId % twoTo32, at + 2)
}

/** A key of `events` or `newest`; in `into`, if there is one, which has the length of such a key. */
export function offsetTopicKey(
  offset: number,
  topicId: number,
  into: Buffer = Buffer.allocUnsafe(eventKeyBytes),
): Buffer {
  writeOffset(into, offset, 0)
  writeTopicId(into, topicId, offsetBytes)
  return into
}

/** The topic id in a key of `events` or `newest`. */
export function topicIdOf(key: Buffer): number {
  return key.readUIntBE(offsetBytes, topicIdBytes)
}

/** A key of `byTopic` or `newestByTopic`; in `into`, if there is one, which has the length of such a key. */
export function topicOffsetKey(
  topicId: number,
  offset: number,
  into: Buffer = Buffer.allocUnsafe(eventKeyBytes),
): Buffer {
  writeTopicId(into, topicId, 0)
  writeOffset(into, offset, topicIdBytes)
  return into
}

/** The offset in a key of `byTopic` or `newestByTopic`. */
export function offsetOf(key: Buffer): number {
  return readOffset(key, topicIdBytes)
}

/** A key of `names`. */
export function topicIdKey(topicId: number): Buffer {
  const key = Buffer.allocUnsafe(topicIdBytes)
  key.writeUIntBE(topicId, 0, topicIdBytes)
  return key
}

/** A key of `latest`. */
export function latestKey(topicId: number, key: Buffer): Buffer {
  return Buffer.concat([topicIdKey(topicId), key])
}

const surrogate = /[\ud800-\udfff]/

/**
 * A key of `topics`. UTF-8, but with each surrogate encoded by itself, in three bytes: so the order of the bytes is the order of
 * the code units, as the port has it. 1024 bytes of UTF-8 come to 1536 bytes at most, which is below the limit of a key (1978).
 */
export function topicKey(topic: string): Buffer {
  if (!surrogate.test(topic)) return Buffer.from(topic)
  const parts: Buffer[] = []
  for (let i = 0; i < topic.length; i++) {
    const unit = topic.charCodeAt(i)
    parts.push(
      unit < 0xd800 || unit > 0xdfff
        ? Buffer.from(topic.charAt(i))
        : Buffer.of(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)),
    )
  }
  return Buffer.concat(parts)
}

export interface TopicRecord {
  readonly topic: string
  readonly id: number
  events: number
  /** As retention counts them. */
  bytes: number
  /** Offset of the event that ended the topic; 0: none. */
  end: number
  /** The greatest offset that retention has removed of it, or may have removed before it had this id. */
  floor: number
}

export function encodeTopic(topic: TopicRecord): Buffer {
  return Buffer.concat([
    packNumbers(topic.id, topic.events, topic.bytes, topic.end, topic.floor),
    Buffer.from(topic.topic),
  ])
}

export function decodeTopic(value: Buffer): TopicRecord {
  return {
    id: readOffset(value, 0),
    events: readOffset(value, 8),
    bytes: readOffset(value, 16),
    end: readOffset(value, 24),
    floor: readOffset(value, 32),
    topic: value.toString('utf8', 40),
  }
}

/** What the log as a whole stands at; it changes with every commit. */
export interface HeadRecord {
  offset: number
  time: number
  /** The id that the next new topic gets. */
  nextTopicId: number
  /** Changes whenever a topic comes or goes. */
  catalog: number
  /** How many tokens are remembered. */
  tokens: number
}

export function encodeHead(head: HeadRecord): Buffer {
  return packNumbers(head.offset, head.time, head.nextTopicId, head.catalog, head.tokens)
}

export function decodeHead(value: Buffer): HeadRecord {
  return {
    offset: readOffset(value, 0),
    time: readOffset(value, 8),
    nextTopicId: readOffset(value, 16),
    catalog: readOffset(value, 24),
    tokens: readOffset(value, 32),
  }
}

/** Where retention stands with one rule, or with the topics that none governs. */
export interface RuleRecord {
  /** Every event that the rule governs up to this offset was judged: removed, or kept as the newest of its key. */
  cursor: number
  /** The greatest offset that was removed. */
  floor: number
  events: number
  bytes: number
}

export function encodeRule(rule: RuleRecord): Buffer {
  return packNumbers(rule.cursor, rule.floor, rule.events, rule.bytes)
}

export function decodeRule(value: Buffer): RuleRecord {
  return {
    cursor: readOffset(value, 0),
    floor: readOffset(value, 8),
    events: readOffset(value, 16),
    bytes: readOffset(value, 24),
  }
}

/** Keys of `meta`. */
export const metaKeys: {
  readonly format: Buffer
  readonly head: Buffer
  readonly epochs: Buffer
  /** The rules as JSON, to know at open whether they are still the same. */
  readonly rules: Buffer
  /** There while the log is open with the durability `async`: the boot id of the machine. */
  readonly run: Buffer
  /** Which file was written last (`readIdentity`), to know a copy of it. */
  readonly file: Buffer
  /** There while a migration is under way: how far it has come. */
  readonly migration: Buffer
} = {
  format: Buffer.from('format'),
  head: Buffer.from('head'),
  epochs: Buffer.from('epochs'),
  rules: Buffer.from('rules'),
  run: Buffer.from('run'),
  file: Buffer.from('file'),
  migration: Buffer.from('migration'),
}

/** The key in `meta` of the `RuleRecord` of a rule. */
export function ruleKey(rule: number): Buffer {
  return Buffer.from(`rule ${rule}`)
}
