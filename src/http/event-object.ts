import type { Hub } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import { checkEventId, checkKey, checkTopic, checkType, utf8Length } from '../wire/names.js'
import { compactJson, type ScannedObject, type ScanOptions, scanJson } from './json-scan.js'
import { nearest } from './nearest.js'

/** What the hub publishes. */
export type NewEvent = Parameters<Hub['publish']>[0][number]

/** What an event may be made of. */
export interface EventBounds {
  readonly maxEventBytes: number
  readonly maxEvents: number
  readonly maxJsonDepth: number
}

const members = ['topic', 'data', 'type', 'key', 'eventId', 'end']
const given = ['id', 'time', 'offset', 'position']

/** The events of a JSON body, and whether it is an array of them. All are checked; throws on the first that is none. */
export function readEventObjects(
  text: string,
  bounds: EventBounds,
): { readonly events: readonly NewEvent[]; readonly isArray: boolean } {
  const { scanned, value } = parse(text, { maxDepth: bounds.maxJsonDepth })
  if (!Array.isArray(value)) return { events: [toEvent(value, scanned[0], text, bounds, '')], isArray: false }
  const { maxEvents } = bounds
  if (value.length > maxEvents) {
    throw new TidingsError('too-many-events', `An array has at most ${maxEvents} events, this one ${value.length}.`)
  }
  return { events: value.map((one, i) => toEvent(one, scanned[i], text, bounds, `[${i}]: `)), isArray: true }
}

/** The event that line `line` of a body is. */
export function readEventLine(text: string, line: number, bounds: EventBounds): NewEvent {
  const { scanned, value } = parse(text, { maxDepth: bounds.maxJsonDepth, firstLine: line })
  return toEvent(value, scanned[0], text, bounds, `Line ${line}: `)
}

function parse(
  text: string,
  options: ScanOptions,
): { readonly scanned: readonly (ScannedObject | undefined)[]; readonly value: unknown } {
  const scanned = scanJson(text, options)
  return { scanned, value: JSON.parse(text) }
}

function toEvent(
  value: unknown,
  scanned: ScannedObject | undefined,
  text: string,
  bounds: EventBounds,
  where: string,
): NewEvent {
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !scanned) {
      throw new TidingsError('invalid-event', 'An event is an object: {"topic": ..., "data": ...}.')
    }
    const names = Object.keys(value)
    for (const name of names) if (!members.includes(name)) throw unknownMember(name)
    if (names.length !== scanned.members) {
      throw new TidingsError('invalid-event', 'A member of the event is there more than once.')
    }
    return checkEvent({ ...value }, text, scanned, bounds)
  } catch (error) {
    if (where === '' || !(error instanceof TidingsError)) throw error
    throw new TidingsError(error.code, where + error.message, { cause: error })
  }
}

function checkEvent(
  value: Readonly<Record<string, unknown>>,
  text: string,
  scanned: ScannedObject,
  bounds: EventBounds,
): NewEvent {
  const topic = textMember(value, 'topic')
  if (topic === undefined) throw new TidingsError('invalid-event', 'An event has a "topic".')
  if (!('data' in value)) throw new TidingsError('invalid-event', 'An event has "data"; that may be an empty text.')
  const { end } = value
  if (end !== undefined && typeof end !== 'boolean') throw new TidingsError('invalid-event', '"end" is true or false.')
  const data = typeof value['data'] === 'string' ? value['data'] : serialize(value['data'], text, scanned)
  return toNewEvent(
    {
      topic,
      data,
      type: textMember(value, 'type'),
      key: textMember(value, 'key'),
      eventId: textMember(value, 'eventId'),
      end,
    },
    bounds,
  )
}

/** An event with checked names and size. Throws `invalid-topic`, `reserved-topic`, `invalid-event` or `too-large`. */
export function toNewEvent(event: NewEvent, bounds: Pick<EventBounds, 'maxEventBytes'>): NewEvent {
  const { topic, data, type, key, eventId, end } = event
  checkTopic(topic)
  if (type !== undefined) checkType(type)
  if (key !== undefined) checkKey(key)
  if (eventId !== undefined) checkEventId(eventId)
  if (!data.isWellFormed()) {
    throw new TidingsError('invalid-event', 'The data has half a surrogate pair, which no UTF-8 can say.')
  }
  if (utf8Length(data) > bounds.maxEventBytes) {
    throw new TidingsError('too-large', `The data of an event has at most ${bounds.maxEventBytes} bytes.`)
  }
  return {
    topic,
    data,
    ...(type !== undefined && { type }),
    ...(key !== undefined && { key }),
    ...(eventId !== undefined && { eventId }),
    ...(end && { end }),
  }
}

/** As `JSON.stringify` does; where that would alter a number, the value keeps the text in which it came. */
function serialize(data: unknown, text: string, scanned: ScannedObject): string {
  return scanned.hasLossyNumber ? compactJson(text.slice(scanned.dataFrom, scanned.dataTo)) : JSON.stringify(data)
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
