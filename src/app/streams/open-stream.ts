import { streamHeaders } from '../../http/refusal.js'
import { TidingsError } from '../../wire/errors.js'
import type { NodeRequest, NodeResponse } from '../node-types.js'
import { type AnyResponse, isGone, openResponse } from '../open-response.js'
import { BodySink } from '../sinks/body-sink.js'
import { type EventStream, SinkStream } from './event-stream.js'
import { endId, resolveStreamOptions, type StreamOptions } from './options.js'

/**
 * Begins to answer a request of Node.js with a stream of events, with the headers that the application has set. Any method will do.
 *
 * An `EventSource` that comes back after it was told of the end is answered 204, at which it stops, and `HEAD` the headers; the
 * stream is over then, and its `signal` aborted.
 * Throws `invalid-setting` and `invalid-event` for the options, and `stream-closed` if the answer has begun already.
 */
export function openStream(request: NodeRequest, given: NodeResponse, options: StreamOptions = {}): EventStream {
  const stream = new SinkStream(resolveStreamOptions(options))
  const response = given as AnyResponse
  if (isGone(response)) return stream.begin(undefined)
  if (response.headersSent) throw new TidingsError('stream-closed', 'The answer has begun already.')
  const isOver = request.headers['last-event-id'] === endId
  if (isOver || request.method === 'HEAD') {
    response.writeHead(isOver ? 204 : 200, isOver ? { 'Cache-Control': 'no-store' } : headers)
    response.end()
    return stream.begin(undefined)
  }
  return stream.begin(openResponse(response, headers, stream.start, () => undefined))
}

/** The same for frameworks that speak `Request` and `Response`: `response` is what the route returns, at once. */
export function openStreamResponse(
  request: Request,
  options: StreamOptions = {},
): EventStream & { readonly response: Response } {
  const stream = new SinkStream(resolveStreamOptions(options))
  const isOver = request.headers.get('last-event-id') === endId
  if (isOver || request.method === 'HEAD' || request.signal.aborted) {
    const response = isOver
      ? new Response(null, { status: 204, headers: { 'Cache-Control': 'no-store' } })
      : new Response(null, { headers })
    return Object.assign(stream.begin(undefined), { response })
  }
  const sink = new BodySink(stream.start, () => undefined)
  // Some runtimes tell of a client that has left by the body, some by the request, some by both.
  request.signal.addEventListener('abort', () => stream.leave(), { once: true })
  return Object.assign(stream.begin(sink), { response: new Response(sink.body, { headers }) })
}

const headers = streamHeaders('text/event-stream')
