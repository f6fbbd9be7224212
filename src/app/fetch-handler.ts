import { answerRead } from './answer-read.js'
import type { Engine } from './engine.js'
import { checkHandlerOptions, type HandlerOptions, topicsFor } from './handler-options.js'
import { checkRequest } from './open-response.js'
import { BodySink } from './sinks/body-sink.js'

/**
 * A route of `Request` and `Response`. Rejects with what the application's `topics` throws, with `invalid-setting` where that gives no list
 * or the route is handed something else, and with nothing else.
 */
export type FetchHandler<Context extends readonly unknown[], Asked extends Request = Request> = (
  request: Asked,
  ...context: Context
) => Promise<Response>

/** The route of a function that says the topics; of a list, whatever follows the request is not asked for. */
export type FetchHandlerOf<Topics> = Topics extends (
  request: infer Asked extends Request,
  ...context: infer Context extends readonly unknown[]
) => unknown
  ? FetchHandler<[Context] extends [never] ? [] : Context, Asked>
  : Topics

export function toFetchHandler<Context extends readonly unknown[]>(
  engine: Engine,
  options: HandlerOptions<[request: Request, ...context: Context]>,
): FetchHandler<Context> {
  checkHandlerOptions(options)
  return async (request, ...context) => {
    checkRequest(request, 'handler makes a route of Node.js.')
    const topics = await topicsFor(options, [request, ...context])
    const { headers, method, signal, url } = request
    const question = url.indexOf('?')
    const fragment = url.indexOf('#')
    const read = await answerRead(
      engine,
      options,
      {
        method,
        accept: headers.get('accept') ?? undefined,
        acceptEncoding: headers.get('accept-encoding') ?? undefined,
        lastEventId: headers.get('last-event-id') ?? undefined,
        ifNoneMatch: headers.get('if-none-match') ?? undefined,
        query: question < 0 ? '' : url.slice(question + 1, fragment < 0 ? undefined : fragment),
        signal,
      },
      topics,
    )
    if (read.kind === 'answer') {
      const { status, headers, body } = read.answer
      const { Connection: _ofNode, ...own } = headers
      const isBodiless = status === 204 || status === 304 || method === 'HEAD'
      return new Response(isBodiless ? null : Buffer.from(body), { status, headers: own })
    }
    const sink = new BodySink(read.start, () => engine.streams.give(1))
    const subscription = engine.hub?.attach(read.beginning, sink)
    // Some runtimes tell of a client that has left by the body, some by the request, some by both.
    signal.addEventListener('abort', () => subscription?.close(), { once: true })
    if (signal.aborted) subscription?.close()
    return new Response(sink.body, { status: 200, headers: read.headers })
  }
}
