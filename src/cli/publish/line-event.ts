import { type EventBounds, readEventLine } from '../../http/event-object.js'
import { decodeUtf8, withoutMark } from '../../http/utf8.js'
import { TidingsError } from '../../wire/errors.js'
import type { InputLine } from './line-cutter.js'

/** The longest line that is sent: no hub can be set up to take more data in one event. */
export const maxLineBytes: number = 16 * 1024 * 1024

/** A line of the input as the hub is given it: an event object on one line. */
export interface LineEvent {
  readonly number: number
  readonly json: string
  /** Of what is sent. */
  readonly bytes: number
}

/** What the events of lines have in common. */
export interface LineTemplate {
  readonly topic: string
  readonly type: string | undefined
  readonly key: string | undefined
}

/** Makes an event of a line; nothing of one that is empty. Throws a `TidingsError` if there can be none. */
export type ToLineEvent = (line: InputLine) => LineEvent | undefined

// The hub knows its own limits; here is refused what no hub takes.
const widest: EventBounds = { maxEventBytes: maxLineBytes, maxEvents: 1, maxJsonDepth: 512 }

/** Lines are the data of events, as they are. */
export function textLines({ topic, type, key }: LineTemplate): ToLineEvent {
  const before = `{"topic":${JSON.stringify(topic)},"data":`
  const after = `${type === undefined ? '' : `,"type":${JSON.stringify(type)}`}${key === undefined ? '' : `,"key":${JSON.stringify(key)}`}}`
  return line => {
    const text = textOf(line)
    return text === '' ? undefined : toLineEvent(line, before + JSON.stringify(text) + after)
  }
}

/** Lines are event objects, as `POST /events` takes them; `topic` is that of those that name none. */
export function objectLines(topic: string | undefined): ToLineEvent {
  return line => {
    const written = textOf(line)
    if (written.trim() === '') return undefined
    const text = topic === undefined ? written : withTopic(written, topic)
    readEventLine(text, line.number, widest)
    return toLineEvent(line, text)
  }
}

/** An event object with `"end": true`. */
export function withEnd({ number, json }: LineEvent): LineEvent {
  return toLineEvent({ number, bytes: undefined }, `${json.slice(0, -1)},"end":true}`)
}

function toLineEvent({ number }: InputLine, json: string): LineEvent {
  return { number, json, bytes: Buffer.byteLength(json) + 1 }
}

function textOf({ number, bytes }: InputLine): string {
  if (!bytes) throw new TidingsError('too-large', `A line has at most ${maxLineBytes} bytes.`)
  const text = decodeUtf8(bytes, 'the line')
  // What stands at the head of a file to say that it is UTF-8 is no part of its first line.
  return number === 1 ? withoutMark(text) : text
}

/** The text is changed rather than the object, since numbers are to stay as they are written. */
function withTopic(text: string, topic: string): string {
  const names = memberNames(text)
  if (!names || names.includes('topic')) return text
  const at = text.indexOf('{') + 1
  return `${text.slice(0, at)}"topic":${JSON.stringify(topic)}${names.length > 0 ? ',' : ''}${text.slice(at)}`
}

/** The members of the object that `text` is; nothing if it is none, which the check of the event then words. */
function memberNames(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
