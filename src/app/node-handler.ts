import type { Answer } from '../http/answer.js'
import { toProblem } from '../http/problem.js'
import { sendAnswer } from '../http/send-answer.js'
import { answerRead } from './answer-read.js'
import type { Engine } from './engine.js'
import { checkHandlerOptions, type HandlerOptions, topicsFor } from './handler-options.js'
import type { NodeRequest, NodeResponse } from './node-types.js'
import { type AnyResponse, isGone, openResponse } from './open-response.js'

/**
 * A route. Resolves when the answer has begun. What the application's `topics` throws goes to `next`; without one it is answered 500, and
 * reported.
 */
export type NodeHandler<Request extends NodeRequest> = (
  request: Request,
  response: NodeResponse,
  next?: (error?: unknown) => void,
) => Promise<void>

export function toNodeHandler<Request extends NodeRequest>(
  engine: Engine,
  options: HandlerOptions<[request: Request]>,
): NodeHandler<Request> {
  checkHandlerOptions(options)
  return async (request, given, next) => {
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
    await serve(engine, options, request, response, topics)
  }
}

async function serve(
  engine: Engine,
  options: HandlerOptions<never>,
  request: NodeRequest,
  response: AnyResponse,
  topics: readonly string[],
): Promise<void> {
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  // The response's: a request's own 'close' comes when its body was read.
  response.once('close', leave)
  const { headers, url = '', method = 'GET' } = request
  const question = url.indexOf('?')
  const read = await answerRead(
    engine,
    options,
    {
      method,
      accept: textOf(headers['accept']),
      lastEventId: textOf(headers['last-event-id']),
      ifNoneMatch: textOf(headers['if-none-match']),
      query: question < 0 ? '' : url.slice(question + 1),
      signal: gone.signal,
    },
    topics,
  )
  response.off('close', leave)
  if (read.kind === 'answer') {
    if (!isGone(response)) send(response, read.answer)
    return
  }
  const free = (): void => engine.streams.give(1)
  if (isGone(response) || !engine.hub) return free()
  const sink = openResponse(response, read.headers, read.start, free)
  engine.hub.attach(read.beginning, sink)
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

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0]
}
