import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { Socket } from 'node:net'
import type { Sink } from '../hub/sink.js'
import { TidingsError } from '../wire/errors.js'
import { KeptSink } from './sinks/kept-sink.js'
import { ResponseSink } from './sinks/response-sink.js'

/** What a response is, whose type says less so that applications need no types of Node.js. */
export type AnyResponse = ServerResponse | Http2ServerResponse

/** Throws `invalid-setting` where these are no request and response of Node.js; `instead` says what else there is. */
export function checkNodePair(request: unknown, response: unknown, instead: string): void {
  const { headers } = Object(request) as { readonly headers?: unknown }
  const { writeHead } = Object(response) as { readonly writeHead?: unknown }
  if (typeof headers === 'object' && typeof writeHead === 'function') return
  throw new TidingsError('invalid-setting', `What was handed over is no request and response of Node.js. ${instead}`)
}

/** The same of a `Request`. */
export function checkRequest(request: unknown, instead: string): void {
  const { headers } = Object(request) as { readonly headers?: { readonly get?: unknown } }
  if (typeof headers?.get === 'function') return
  throw new TidingsError('invalid-setting', `What was handed over is no Request. ${instead}`)
}

/** Sends the head, with what the application has set, and gives what the events go to. */
export function openResponse(
  response: AnyResponse,
  headers: Readonly<Record<string, string>>,
  start: Uint8Array,
  onClose: () => void,
): Sink {
  if ('stream' in response) {
    response.writeHead(200, withVary(response, headers))
    return new ResponseSink(response, start, onClose)
  }
  const { socket } = response
  // A response that waits for another one on its connection has no socket yet; one in a test may have none of Node's own.
  if (!(socket instanceof Socket)) {
    response.writeHead(200, withVary(response, headers))
    return new ResponseSink(response, start, onClose)
  }
  response.removeHeader('Transfer-Encoding')
  response.writeHead(200, { ...withVary(response, headers), Connection: 'close' })
  // Head and first block in one write: Firefox opens a stream at its first byte of body.
  socket.cork()
  process.nextTick(() => socket.uncork())
  response.flushHeaders()
  const coding = response.getHeader('Content-Encoding')
  const isAsItIs = !response.chunkedEncoding && (coding === undefined || coding === headers['Content-Encoding'])
  return isAsItIs ? new KeptSink(response, socket, start, onClose) : new ResponseSink(response, start, onClose)
}

/** What the application lets its answers vary by stays. */
function withVary(response: AnyResponse, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = headers['Vary']
  const set = response.getHeader('Vary')
  if (own === undefined || set === undefined || set === own) return headers
  return { ...headers, Vary: `${String(set)}, ${own}` }
}

export function isGone(response: AnyResponse): boolean {
  if (response.writableEnded) return true
  return 'stream' in response
    ? (response.stream?.destroyed ?? true)
    : response.destroyed || response.socket?.destroyed === true
}
