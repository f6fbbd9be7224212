import type { IncomingMessage } from 'node:http'
import { TidingsError } from '../wire/errors.js'
import type { Access, Caller } from './access.js'
import { http2Version, type RawHead } from './raw-head.js'
import type { HttpLimits } from './settings.js'
import { parseTarget } from './target.js'
import { decodeUtf8 } from './utf8.js'

/** The head of a request, read and admitted. */
export interface RequestHead {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly caller: Caller
  /** Of the headers that matter, each at most once; others as Node.js joins them. */
  readonly headers: IncomingMessage['headers']
  /** `Last-Event-ID` as text; nothing if it is absent or empty. */
  readonly lastEventId: string | undefined
}

// Headers of which a second one would leave it open which counts. (Content-Length: Node.js refuses the second.)
const single = ['host', 'origin', 'content-type', 'last-event-id', 'idempotency-key', 'access-control-request-method']
const singleByLength = new Map(single.map((name, i) => [name.length, { name, bit: 1 << i }]))

/**
 * Throws `bad-request`, `uri-too-long`, `headers-too-large`, `host-not-allowed` or `invalid-utf8`; what else a caller may do is
 * the route's to decide.
 */
export function readRequestHead(raw: RawHead, access: Access, limits: HttpLimits): RequestHead {
  const { method = '', url = '', headers, rawHeaders, httpVersion } = raw
  if (httpVersion !== '1.1' && httpVersion !== '1.0' && httpVersion !== http2Version) {
    throw new TidingsError('bad-request', 'This server speaks HTTP/2, HTTP/1.1 and HTTP/1.0.')
  }
  if (url.length > limits.maxUrlBytes) {
    throw new TidingsError('uri-too-long', `The request target has at most ${limits.maxUrlBytes} bytes.`)
  }
  checkHeaders(rawHeaders, limits)
  const { path, query, authority } = parseTarget(url)
  const caller = access.identify({
    host: headers.host,
    authority,
    origin: headers.origin,
    mayLackHost: httpVersion === '1.0',
  })
  return { method, path, query, caller, headers, lastEventId: lastEventIdOf(headers) }
}

function checkHeaders(raw: readonly string[], limits: HttpLimits): void {
  if (raw.length / 2 > limits.maxHeaders && countLines(raw) > limits.maxHeaders) {
    throw new TidingsError('headers-too-large', `A request has at most ${limits.maxHeaders} headers.`)
  }
  let seen = 0
  let bytes = 0
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    bytes += name.length + (raw[i + 1] as string).length + 4
    // No two of them are equally long.
    const one = singleByLength.get(name.length)
    if (one === undefined || name.toLowerCase() !== one.name) continue
    if (seen & one.bit) throw new TidingsError('bad-request', `The header ${one.name} is given more than once.`)
    seen |= one.bit
  }
  if (bytes > limits.maxHeaderBytes) {
    throw new TidingsError('headers-too-large', `The headers of a request have at most ${limits.maxHeaderBytes} bytes.`)
  }
}

/** HTTP/2 has a line for each cookie (RFC 9113, 8.2.3): all of them count as one. */
function countLines(raw: readonly string[]): number {
  const cookies = raw.filter((name, i) => i % 2 === 0 && name.length === 6 && name.toLowerCase() === 'cookie').length
  return raw.length / 2 - Math.max(0, cookies - 1)
}

function lastEventIdOf(headers: IncomingMessage['headers']): string | undefined {
  const value = headers['last-event-id']
  if (typeof value !== 'string' || value === '') return undefined
  // Node.js gives a byte as a character; EventSource sends the id as UTF-8 (WHATWG, "last event ID string").
  return decodeUtf8(Buffer.from(value, 'latin1'), 'the header Last-Event-ID')
}
