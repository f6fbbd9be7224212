import { LineCutter } from '../../http/lines.js'
import { hubTypes } from '../../wire/names.js'
import { createParser } from '../../wire/parse.js'

/** Is told what a subscriber hears, whatever the form. */
export interface Hearing {
  onEvent(data: string): void
  /** The hub says how far the subscriber has come; the first time, it listens. */
  onCursor(): void
  onGap(): void
  /** What the hub asks to wait before coming back, and why, where the form can say so. */
  onRetry(ms: number): void
  onComment(text: string): void
}

/** The body of one response. */
export interface BodyReader {
  /** Takes bytes, and keeps no reference to them. Throws if they are not of the form. */
  push(bytes: Uint8Array): void
  /** The body is whole. */
  end(): void
  /** What to send to go on from here. */
  readonly cursor: string
}

/** A form that events are heard in. */
export interface Transport {
  readonly accept: string
  /** Whether each response is one answer, after which the next one is asked for on the same connection. */
  readonly isPolling: boolean
  /** What follows the topic in a request that goes on from `cursor`; without one, from now on. */
  query(cursor: string): string
  createReader(hearing: Hearing, cursor: string): BodyReader
}

/** More than the largest event that a hub takes. */
const maxBytes = 32 * 1024 * 1024

/** What a bench can listen with, by the name that `--transport` takes. */
export const transports: Readonly<Record<string, Transport>> = {
  'event-stream': {
    accept: 'text/event-stream',
    isPolling: false,
    query: () => '',
    createReader: readEventStream,
  },
  ndjson: {
    accept: 'application/x-ndjson',
    isPolling: false,
    query: () => '',
    createReader: readLines,
  },
  'long-poll': {
    accept: 'application/json',
    isPolling: true,
    // The first one only asks where the log is.
    query: cursor => (cursor === '' ? '?since=now&limit=1' : '?wait=30&limit=1000'),
    createReader: readPage,
  },
}

function readEventStream(hearing: Hearing, cursor: string): BodyReader {
  const parser = createParser({
    lastEventId: cursor,
    maxChars: maxBytes,
    onEvent: ({ type, data }) => hear(hearing, type === 'message' ? undefined : type, data),
    onRetry: ms => hearing.onRetry(ms),
    onComment: text => hearing.onComment(text),
  })
  return {
    push: bytes => parser.push(bytes),
    end: () => parser.close(),
    get cursor() {
      return parser.lastEventId
    },
  }
}

function readLines(hearing: Hearing, from: string): BodyReader {
  const cutter = new LineCutter(maxBytes)
  let cursor = from
  return {
    push(bytes) {
      // The cutter holds an unfinished line as it was given.
      for (const line of cutter.cut(Buffer.from(bytes))) {
        const { id, type, data } = parseObject(line.text ?? '')
        if (typeof id === 'string') cursor = id
        hear(hearing, typeof type === 'string' ? type : undefined, String(data))
      }
      if (cutter.isTooLong) throw new Error('a line does not end')
    },
    end: () => undefined,
    get cursor() {
      return cursor
    },
  }
}

function readPage(hearing: Hearing, from: string): BodyReader {
  const parts: Uint8Array[] = []
  let size = 0
  let cursor = from
  return {
    push(bytes) {
      size += bytes.length
      if (size > maxBytes) throw new Error('a page does not end')
      parts.push(Buffer.from(bytes))
    },
    end() {
      const page = parseObject(Buffer.concat(parts).toString())
      if (typeof page['cursor'] !== 'string' || !Array.isArray(page['events'])) throw new Error('its answer is no page')
      cursor = page['cursor']
      if (page['gap'] !== null) hearing.onGap()
      for (const event of page['events']) hear(hearing, undefined, String(event.data))
      hearing.onCursor()
    },
    get cursor() {
      return cursor
    },
  }
}

function hear(hearing: Hearing, type: string | undefined, data: string): void {
  if (type === undefined) hearing.onEvent(data)
  else if (type === hubTypes.cursor) hearing.onCursor()
  else if (type === hubTypes.gap) hearing.onGap()
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Error('it sends no JSON object')
  return { ...value }
}
