import { createParser, type ParsedEvent, type ParserOptions } from '../../../src/wire/parse.js'

/** All that a parser said about a stream, in its order. */
export interface Reading {
  readonly events: readonly ParsedEvent[]
  readonly retries: readonly number[]
  readonly comments: readonly string[]
  readonly lastEventId: string
}

/** What the parser makes of the chunks. */
export function readChunks(chunks: Iterable<Uint8Array>, options: Partial<ParserOptions> = {}): Reading {
  const events: ParsedEvent[] = []
  const retries: number[] = []
  const comments: string[] = []
  const parser = createParser({
    onEvent: event => events.push(event),
    onRetry: ms => retries.push(ms),
    onComment: text => comments.push(text),
    ...options,
  })
  for (const chunk of chunks) parser.push(chunk)
  parser.close()
  return { events, retries, comments, lastEventId: parser.lastEventId }
}

/**
 * What the standard makes of a stream, as plainly as its text says it: the whole stream at once, decoded at once, line by
 * line. Slow, and nothing but right.
 */
export function readPlainly(stream: Uint8Array): Reading {
  const events: ParsedEvent[] = []
  const retries: number[] = []
  const comments: string[] = []
  let [dataBuffer, typeBuffer, idBuffer, topicBuffer, lastEventId] = ['', '', '', '', '']
  // Decoding takes the BOM away. What follows the last line end is no line.
  const lines = new TextDecoder('utf-8').decode(stream).split(/\r\n|\n|\r/)
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      lastEventId = idBuffer
      if (dataBuffer !== '') {
        const data = dataBuffer.endsWith('\n') ? dataBuffer.slice(0, -1) : dataBuffer
        events.push({ type: typeBuffer || 'message', data, id: idBuffer, topic: topicBuffer })
      }
      dataBuffer = ''
      typeBuffer = ''
      topicBuffer = ''
      continue
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (colon === 0) comments.push(value)
    else if (field === 'event') typeBuffer = value
    else if (field === 'data') dataBuffer += `${value}\n`
    else if (field === 'id' && !value.includes('\0')) idBuffer = value
    else if (field === 'retry' && /^[0-9]+$/.test(value)) {
      retries.push(Number(BigInt(value) > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value))
    } else if (field === 'topic') topicBuffer = value
  }
  return { events, retries, comments, lastEventId }
}

/** Cuts `stream` into pieces of `size` bytes. */
export function cutEvery(stream: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < stream.length; at += size) chunks.push(stream.slice(at, at + size))
  return chunks
}

/** Cuts `stream` into pieces of the lengths that `next` gives, from 0 on. */
export function cutBy(stream: Uint8Array, next: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < stream.length; ) {
    const length = next()
    chunks.push(stream.slice(at, at + length))
    at += length
  }
  return chunks
}
