import type { Engine } from './engine.js'
import { Handover } from './fastify-handover.js'
import type { FastifyReplyLike, FastifyRequestLike } from './fastify-types.js'
import { checkHandlerOptions, type HandlerOptions, topicsFor } from './handler-options.js'
import { type AnyResponse, checkNodePair, isGone, openResponse } from './open-response.js'
import { readFor } from './read-for.js'

/**
 * A route of Fastify. Rejects with what the application's `topics` throws, with `invalid-setting` where that gives no list or the route is
 * handed something else, and with nothing else.
 */
export type FastifyHandler<Request extends FastifyRequestLike> = (
  request: Request,
  reply: FastifyReplyLike,
) => Promise<unknown>

/** The route of a function that says the topics. */
export type FastifyHandlerOf<Topics> = Topics extends (
  request: infer Request extends FastifyRequestLike,
  ...others: never
) => unknown
  ? FastifyHandler<Request>
  : Topics

export function toFastifyHandler<Request extends FastifyRequestLike>(
  engine: Engine,
  options: HandlerOptions<[request: Request]>,
): FastifyHandler<Request> {
  checkHandlerOptions(options)
  return async (request, reply) => {
    checkNodePair(request?.raw, reply?.raw, 'This is a route of Fastify; handler makes one of Node.js and Express.')
    const topics = await topicsFor(options, [request])
    const response = reply.raw as AnyResponse
    if (reply.sent || isGone(response)) return reply
    const read = await readFor(engine, options, request.raw, response, topics)
    if (!read) return reply
    if (read.kind === 'answer') {
      const { status, headers, body } = read.answer
      reply.code(status)
      reply.headers({ ...headers })
      return reply.send(status === 204 || status === 304 ? undefined : body)
    }
    const free = (): void => engine.streams.give(1)
    // What the reply varies by already is known when the response is taken over.
    const { Vary: _, ...headers } = read.headers
    reply.headers(headers)
    return reply.send(
      new Handover(response, isOpen => {
        if (!isOpen || isGone(response) || !engine.hub) return free()
        engine.hub.attach(read.beginning, openResponse(response, read.headers, read.start, free))
      }),
    )
  }
}
