import { TidingsError } from './errors.js'

/** Bounds of names, in bytes of UTF-8 unless said otherwise. */
export const nameLimits = {
  topicBytes: 1024,
  typeBytes: 128,
  keyBytes: 256,
  eventIdChars: 256,
} as const

/** The types of the hub's own events; every type that begins with `$` is the hub's. */
export const hubTypes = { cursor: '$cursor', gap: '$gap', end: '$end', expired: '$expired' } as const

/** What nearly all topics look like, and what has no fault. */
const plainTopic = /^[\w-]+(?:\/[\w-]+)*$/
const controlOrFormat = /[\p{Cc}\p{Cf}]/u
const control = /\p{Cc}/u
const visibleAscii = /^[!-~]+$/
const positionForm = /^([0-9a-z]{1,16})-(0|[1-9][0-9]{0,15})$/

/** Length of `text`, which is well-formed, in bytes of UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1
  }
  return bytes
}

function isLongerThan(text: string, bytes: number): boolean {
  // A UTF-16 unit is one to three bytes, so they are counted only where the answer is open.
  return text.length > bytes || (text.length * 3 > bytes && utf8Length(text) > bytes)
}

/**
 * Why `topic` is no topic, or nothing if it is one: 1 to 1024 bytes of UTF-8 without control or format characters
 * (C0, C1, DEL, Unicode `Cf`), no segment `.` or `..`. Names of the hub (`$...`) are topics too.
 */
export function topicFault(topic: string): string | undefined {
  if (typeof topic !== 'string') return 'a topic is a text'
  if (topic.length <= nameLimits.topicBytes && plainTopic.test(topic)) return undefined
  if (topic === '') return 'a topic has at least one character'
  if (isLongerThan(topic, nameLimits.topicBytes)) return `a topic has at most ${nameLimits.topicBytes} bytes`
  if (!topic.isWellFormed()) return 'a topic is well-formed Unicode, this one has half a surrogate pair'
  if (controlOrFormat.test(topic)) return 'a topic has no control or format characters'
  for (const segment of topic.split('/')) {
    if (segment === '.' || segment === '..') return `a topic has no segment "${segment}"`
  }
  return undefined
}

/** Throws `invalid-topic` unless `topic` can be published to through the native interface, `reserved-topic` if it is the hub's. */
export function checkTopic(topic: string): void {
  const fault =
    topicFault(topic) ?? (topic.includes('*') ? 'a topic has no "*", which stands for others in selectors' : undefined)
  if (fault) throw new TidingsError('invalid-topic', `Not a topic: ${fault}.`)
  if (topic.startsWith('$')) {
    throw new TidingsError('reserved-topic', 'Topics that begin with "$" belong to the hub; choose another name.')
  }
}

/** Throws `invalid-event` unless `type` may be the type of a published event (the SSE `event` field). */
export function checkType(type: string): void {
  const fault = typeFault(type)
  if (fault) throw new TidingsError('invalid-event', `Not a type: ${fault}.`)
}

function typeFault(type: string): string | undefined {
  if (typeof type !== 'string') return 'a type is a text'
  if (type === '') return 'a type has at least one character; leave it out for none'
  if (isLongerThan(type, nameLimits.typeBytes)) return `a type has at most ${nameLimits.typeBytes} bytes`
  if (!type.isWellFormed() || control.test(type)) return 'a type is Unicode text without control characters'
  if (type.startsWith('$')) return 'types that begin with "$" belong to the hub'
  return type === 'error' || type === 'open' ? `"${type}" is a name that EventSource uses itself` : undefined
}

/** Throws `invalid-event` unless `key` may be the key of an event; the empty key is the default one. */
export function checkKey(key: string): void {
  const fault = keyFault(key)
  if (fault) throw new TidingsError('invalid-event', `Not a key: ${fault}.`)
}

function keyFault(key: string): string | undefined {
  if (typeof key !== 'string') return 'a key is a text'
  if (isLongerThan(key, nameLimits.keyBytes)) return `a key has at most ${nameLimits.keyBytes} bytes`
  return !key.isWellFormed() || control.test(key) ? 'a key is Unicode text without control characters' : undefined
}

/** Epochs have a digit in them, so that names that people give, such as `order-17`, are free. */
function looksLikePosition(eventId: string): boolean {
  const epoch = positionForm.exec(eventId)?.[1]
  return epoch !== undefined && /[0-9]/.test(epoch)
}

/** Throws `invalid-event` unless `eventId` may be a publisher's own name for an event. */
export function checkEventId(eventId: string): void {
  const fault = eventIdFault(eventId)
  if (fault) throw new TidingsError('invalid-event', `Not an event id: ${fault}.`)
}

function eventIdFault(eventId: string): string | undefined {
  if (typeof eventId !== 'string') return 'it is a text'
  if (eventId === '') return 'it has at least one character; leave it out for none'
  if (eventId.length > nameLimits.eventIdChars) return `it has at most ${nameLimits.eventIdChars} characters`
  if (!visibleAscii.test(eventId)) return 'its characters are U+0021 to U+007E'
  return looksLikePosition(eventId)
    ? 'it looks like a position of the hub (a word with a digit in it, a hyphen, a number); write it otherwise, such as with "/" or ":"'
    : undefined
}

/** A place in one total order of the whole hub: a history of the log, and an offset in it. */
export interface Position {
  readonly epoch: string
  readonly offset: number
}

/** `<epoch>-<offset>`, the `id` of every event. */
export function toPositionText(epoch: string, offset: number): string {
  return `${epoch}-${offset}`
}

/** The position that `text` spells, or nothing if it spells none. */
export function parsePosition(text: string): Position | undefined {
  const match = positionForm.exec(text)
  const epoch = match?.[1]
  const offset = Number(match?.[2])
  return epoch !== undefined && Number.isSafeInteger(offset) ? { epoch, offset } : undefined
}
