import type { NewEvent } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import { checkEventId, checkKey, checkTopic, checkType, utf8Length } from '../wire/names.js'
import { compactJson, type ScannedElement, scanJson } from './json-scan.js'
import { nearest } from './nearest.js'

export type { NewEvent }

/** What an event may be made of. */
export interface EventBounds {
  readonly maxEventBytes: number
  readonly maxEvents: number
  readonly maxJsonDepth: number
}

const members = ['topic', 'data', 'type', 'key', 'eventId', 'end']
const given = ['id', 'time', 'offset', 'position']

/** Bytes of the text of one event object: an escape is up to six for one, and the rest is for the other members. */
export function maxEventTextBytes(maxEventBytes: number): number {
  return maxEventBytes * 6 + 16 * 1024
}

/** The events of a JSON body, and whether it is an array of them. All are checked; throws on the first that is none. */
export function readEventObjects(
  text: string,
  bounds: EventBounds,
): { readonly events: readonly NewEvent[]; readonly isArray: boolean } {
  const flat = tryReadFlat(text)
  if (flat && 'topic' in flat) return { events: [checkFlat(flat, bounds)], isArray: false }
  if (flat && flat.length <= bounds.maxEvents) {
    return { events: flat.map((event, i) => located(`[${i}]: `, () => checkFlat(event, bounds))), isArray: true }
  }
  const { isArray, elements } = scanJson(text, { maxDepth: bounds.maxJsonDepth, maxElements: bounds.maxEvents })
  const events = elements.map((element, i) =>
    located(isArray ? `[${i}]: ` : '', () => readEvent(text, element, bounds)),
  )
  return { events, isArray }
}

/** The event that line `line` of a body is. */
export function readEventLine(text: string, line: number, bounds: EventBounds): NewEvent {
  const where = `Line ${line}: `
  const flat = tryReadFlat(text)
  if (flat && 'topic' in flat) return located(where, () => checkFlat(flat, bounds))
  const isArray = text.trimStart().startsWith('[')
  const element = isArray ? undefined : scanLine(text, line, bounds)
  if (!element) throw new TidingsError('invalid-event', `${where}A line is one event object, not an array.`)
  return located(where, () => readEvent(text, element, bounds))
}

function scanLine(text: string, line: number, { maxJsonDepth }: EventBounds): ScannedElement | undefined {
  return scanJson(text, { maxDepth: maxJsonDepth, maxElements: 1, firstLine: line }).elements[0]
}

/** Says in errors where the event is that `read` reads. */
function located(where: string, read: () => NewEvent): NewEvent {
  try {
    return read()
  } catch (error) {
    if (where === '' || !(error instanceof TidingsError)) throw error
    throw new TidingsError(error.code, where + error.message, { cause: error })
  }
}

const flatMembers = ['topic', 'data', 'type', 'key', 'eventId'] as const

type FlatEvent = Pick<NewEvent, (typeof flatMembers)[number]>

/** Parsing makes up to forty bytes of one, as of brackets in brackets: longer texts are scanned first. */
const maxFlatChars = 16 * 1024

/**
 * What a text says that is an object of texts without escapes, as most events are, or an array of such; nothing if it is anything
 * else, or no JSON. What `scanJson` is for cannot be there: no number, no depth, and no member twice, since without a backslash each
 * quote is JSON's own, and there are four for a member. An event of 130 characters in an array costs 0.7 µs so, and 2.1 µs scanned.
 */
function tryReadFlat(text: string): FlatEvent | readonly FlatEvent[] | undefined {
  if (text.length > maxFlatChars || text.includes('\\')) return undefined
  const value = tryParse(text)
  let quotes = 0
  if (Array.isArray(value)) for (const element of value) quotes += flatQuotes(element)
  else quotes = flatQuotes(value)
  return quotes === quotesIn(text) ? (value as FlatEvent | readonly FlatEvent[]) : undefined
}

/** The quotes with which an event of texts is written; no number if it is anything else. */
function flatQuotes(value: unknown): number {
  if (typeof value !== 'object' || value === null) return Number.NaN
  let quotes = 0
  for (const name in value) {
    if (
      !(flatMembers as readonly string[]).includes(name) ||
      typeof (value as Record<string, unknown>)[name] !== 'string'
    )
      return Number.NaN
    quotes += 4
  }
  return Object.hasOwn(value, 'topic') && Object.hasOwn(value, 'data') ? quotes : Number.NaN
}

function quotesIn(text: string): number {
  let quotes = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes++
  return quotes
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}

function checkFlat({ topic, data, type, key, eventId }: FlatEvent, bounds: EventBounds): NewEvent {
  const event = { topic, data, type, key, eventId }
  checkNames(event)
  checkData(data, bounds)
  return event
}

function readEvent(text: string, element: ScannedElement, bounds: EventBounds): NewEvent {
  const { from, to, isObject, members: written } = element
  if (!isObject) throw new TidingsError('invalid-event', 'An event is an object: {"topic": ..., "data": ...}.')
  if (to - from > maxEventTextBytes(bounds.maxEventBytes)) throw dataTooLarge(bounds)
  const value: unknown = JSON.parse(text.slice(from, to))
  const event = value as Readonly<Record<string, unknown>>
  const names = Object.keys(event)
  for (const name of names) if (!members.includes(name)) throw unknownMember(name)
  if (names.length !== written) {
    throw new TidingsError('invalid-event', 'A member of the event is there more than once.')
  }
  return checkEvent(event, text, element, bounds)
}

function dataTooLarge({ maxEventBytes }: Pick<EventBounds, 'maxEventBytes'>): TidingsError {
  return new TidingsError('too-large', `The data of an event has at most ${maxEventBytes} bytes.`)
}

function checkEvent(
  value: Readonly<Record<string, unknown>>,
  text: string,
  scanned: ScannedElement,
  bounds: EventBounds,
): NewEvent {
  const topic = textMember(value, 'topic')
  if (topic === undefined) throw new TidingsError('invalid-event', 'An event has a "topic".')
  if (!Object.hasOwn(value, 'data'))
    throw new TidingsError('invalid-event', 'An event has "data"; that may be an empty text.')
  const { end } = value
  if (end !== undefined && typeof end !== 'boolean') throw new TidingsError('invalid-event', '"end" is true or false.')
  const data = typeof value['data'] === 'string' ? value['data'] : serialize(value['data'], text, scanned)
  const event = {
    topic,
    data,
    type: textMember(value, 'type'),
    key: textMember(value, 'key'),
    eventId: textMember(value, 'eventId'),
    end: end || undefined,
  }
  checkNames(event)
  checkData(data, bounds)
  return event
}

/** Throws `invalid-topic`, `reserved-topic` or `invalid-event` unless an event may be named so. */
export function checkNames({ topic, type, key, eventId }: Omit<NewEvent, 'data'>): void {
  checkTopic(topic)
  if (type !== undefined) checkType(type)
  if (key !== undefined) checkKey(key)
  if (eventId !== undefined) checkEventId(eventId)
}

/** Throws `invalid-event` or `too-large` unless an event may have this data. */
function checkData(data: string, bounds: EventBounds): void {
  if (!data.isWellFormed()) {
    throw new TidingsError('invalid-event', 'The data has half a surrogate pair, which no UTF-8 can say.')
  }
  const { maxEventBytes } = bounds
  // A character is at most three bytes, so they are counted only where the answer is open.
  if (data.length * 3 > maxEventBytes && utf8Length(data) > maxEventBytes) throw dataTooLarge(bounds)
}

/** As `JSON.stringify` does; where that would alter a number, the value keeps the text in which it came. */
function serialize(data: unknown, text: string, scanned: ScannedElement): string {
  return scanned.hasLossyNumber ? compactJson(text.slice(scanned.valueFrom, scanned.valueTo)) : JSON.stringify(data)
}

function textMember(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const member = value[name]
  if (member === undefined || typeof member === 'string') return member
  throw new TidingsError('invalid-event', `"${name}" is a text.`)
}

function unknownMember(name: string): TidingsError {
  const shown = JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}...` : name)
  if (given.includes(name)) {
    return new TidingsError(
      'unknown-member',
      `${shown} is given by the hub; leave it out. A name of your own is "eventId".`,
    )
  }
  const meant = nearest(name, members)
  return new TidingsError(
    'unknown-member',
    `Unknown member ${shown}${meant ? `, did you mean "${meant}"` : ''}. There are: ${members.join(', ')}.`,
  )
}
