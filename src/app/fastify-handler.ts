import { Readable } from 'node:stream'
import type { Engine } from './engine.js'
import { checkHandlerOptions, type HandlerOptions, topicsFor } from './handler-options.js'
import type { NodeRequest, NodeResponse } from './node-types.js'
import { type AnyResponse, isGone, openResponse } from './open-response.js'
import { readFor } from './read-for.js'

/** A request of Fastify; as much of it as is looked at. */
export interface FastifyRequestLike {
  readonly raw: NodeRequest
}

/** The reply to it; as much of it as is used. */
export interface FastifyReplyLike {
  readonly raw: NodeResponse
  readonly sent: boolean
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  send(payload?: unknown): unknown
}

/** A route of Fastify. Rejects with what the application's `topics` throws, and with nothing else. */
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

/**
 * What Fastify takes for the body. When it comes to sending that, its hooks have run and the response has all headers; then the response is
 * taken over, as in other frameworks.
 */
class Handover extends Readable {
  readonly #response: AnyResponse
  #take: ((isOpen: boolean) => void) | undefined

  /** `take` is called once: with false, if the response was closed before. */
  constructor(response: AnyResponse, take: (isOpen: boolean) => void) {
    super()
    this.#response = response
    this.#take = take
    response.once('close', () => this.#settle(false))
  }

  override _read(): void {}

  override pipe<Destination extends NodeJS.WritableStream>(destination: Destination): Destination {
    if ((destination as unknown) !== this.#response) {
      this.destroy(new Error('A stream of events goes to its response as it is: leave it out of what alters bodies.'))
      return destination
    }
    this.#settle(true)
    // For Fastify the body is read to its end with this; the response ends by itself.
    this.push(null)
    this.resume()
    return destination
  }

  #settle(isOpen: boolean): void {
    const take = this.#take
    this.#take = undefined
    take?.(isOpen)
  }
}
