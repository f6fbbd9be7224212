import type { Answer } from '../http/answer.js'
import { toProblem } from '../http/problem.js'
import { sendAnswer } from '../http/send-answer.js'
import type { Engine } from './engine.js'
import { checkHandlerOptions, type HandlerOptions, topicsFor } from './handler-options.js'
import type { NodeRequest, NodeResponse } from './node-types.js'
import { type AnyResponse, checkNodePair, isGone, openResponse } from './open-response.js'
import { readFor } from './read-for.js'

/**
 * A route. Resolves when the answer has begun. What the application's `topics` throws, or that it gives no list, goes to `next`; without one it
 * is answered 500, and reported. Rejects with `invalid-setting` where it is handed something else than a request and response of Node.js.
 */
export type NodeHandler<Request extends NodeRequest> = (
  request: Request,
  response: NodeResponse,
  next?: (error?: unknown) => void,
) => Promise<void>

/** The route of a function that says the topics. */
export type NodeHandlerOf<Topics> = Topics extends (
  request: infer Request extends NodeRequest,
  ...others: never
) => unknown
  ? NodeHandler<Request>
  : Topics

export function toNodeHandler<Request extends NodeRequest>(
  engine: Engine,
  options: HandlerOptions<[request: Request]>,
): NodeHandler<Request> {
  checkHandlerOptions(options)
  return async (request, given, next) => {
    checkNodePair(
      request,
      given,
      'fastifyHandler makes a route of Fastify, and fetchHandler one of Request and Response.',
    )
    const response = given as AnyResponse
    let topics: readonly string[]
    try {
      topics = await topicsFor(options, [request])
    } catch (error) {
      if (next) next(error)
      else {
        engine.settings.report('The topics of a request could not be told.', error)
        if (!response.headersSent && !isGone(response))
          send(
            response,
            toProblem(error, () => 0),
          )
      }
      return
    }
    // The application may have answered by itself.
    if (response.headersSent || isGone(response)) return
    const read = await readFor(engine, options, request, response, topics)
    if (!read) return
    if (read.kind === 'answer') {
      send(response, read.answer)
      return
    }
    const sink = openResponse(response, read.headers, read.start, () => engine.streams.give(1))
    engine.hub?.attach(read.beginning, sink)
  }
}

function send(response: AnyResponse, answer: Answer): void {
  if (!('stream' in response)) {
    sendAnswer(response, answer, {})
    return
  }
  const { Connection: _ofHttp1, ...headers } = answer.headers
  response.writeHead(answer.status, headers)
  response.end(answer.status === 204 || answer.status === 304 ? '' : answer.body)
}
