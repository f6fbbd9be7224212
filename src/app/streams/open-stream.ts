import { streamHeaders } from '../../http/refusal.js'
import { TidingsError } from '../../wire/errors.js'
import { Handover } from '../fastify-handover.js'
import type { FastifyReplyLike, FastifyRequestLike } from '../fastify-types.js'
import type { NodeRequest, NodeResponse } from '../node-types.js'
import { type AnyResponse, checkNodePair, checkRequest, isGone, openResponse } from '../open-response.js'
import { BodySink } from '../sinks/body-sink.js'
import { type EventStream, SinkStream } from './event-stream.js'
import { endId, resolveStreamOptions, type StreamOptions } from './options.js'

/**
 * Begins to answer a request of Node.js, or of Fastify with its reply, with a stream of events, with the headers that the application has set.
 * Any method will do. Fastify's hooks run before anything is sent; a route of it that is async returns the reply.
 *
 * An `EventSource` that comes back after it was told of the end is answered 204, at which it stops, and `HEAD` the headers; the
 * stream is over then, and its `signal` aborted.
 * Throws `invalid-setting` and `invalid-event` for the options, `invalid-setting` if it is given something else than these two, and
 * `stream-closed` if the answer has begun already.
 */
export function openStream(
  request: NodeRequest | FastifyRequestLike,
  given: NodeResponse | FastifyReplyLike,
  options: StreamOptions = {},
): EventStream {
  const stream = new SinkStream(resolveStreamOptions(options))
  const reply = Object(given) === given && 'raw' in given ? given : undefined
  const response = (reply?.raw ?? given) as AnyResponse
  const asking = Object(request) === request && 'raw' in request ? request.raw : request
  checkNodePair(asking, response, 'For Request and Response there is openStreamResponse.')
  if (isGone(response)) return stream.begin(undefined)
  if (response.headersSent || reply?.sent) throw new TidingsError('stream-closed', 'The answer has begun already.')
  const { headers: asked, method } = asking as NodeRequest
  const isOver = asked['last-event-id'] === endId
  if (isOver || method === 'HEAD') {
    answerWithout(response, reply, isOver)
    return stream.begin(undefined)
  }
  if (!reply) return stream.begin(openResponse(response, headers, stream.start, () => undefined))
  const begin = (isOpen: boolean): void => {
    const sink = isOpen && !isGone(response) && openResponse(response, headers, stream.start, () => undefined)
    stream.begin(sink || undefined)
  }
  reply.headers({ ...headers })
  reply.send(new Handover(response, begin))
  return stream
}

/** Answers who is to hear nothing. */
function answerWithout(response: AnyResponse, reply: FastifyReplyLike | undefined, isOver: boolean): void {
  const status = isOver ? 204 : 200
  const said = isOver ? { 'Cache-Control': 'no-store' } : { ...headers }
  if (reply) {
    reply.code(status)
    reply.headers(said)
    reply.send()
  } else {
    response.writeHead(status, said)
    response.end()
  }
}

/** The same for frameworks that speak `Request` and `Response`: `response` is what the route returns, at once. */
export function openStreamResponse(
  request: Request,
  options: StreamOptions = {},
): EventStream & { readonly response: Response } {
  const stream = new SinkStream(resolveStreamOptions(options))
  checkRequest(request, 'For the request and response of Node.js there is openStream.')
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
