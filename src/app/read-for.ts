import { answerRead, type Read } from './answer-read.js'
import type { Engine } from './engine.js'
import type { HandlerOptions } from './handler-options.js'
import type { NodeRequest } from './node-types.js'
import { type AnyResponse, isGone } from './open-response.js'

/** What a request of Node.js comes to; nothing, if its client has left meanwhile. */
export async function readFor(
  engine: Engine,
  options: HandlerOptions<never>,
  request: NodeRequest,
  response: AnyResponse,
  topics: readonly string[],
): Promise<Read | undefined> {
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
      acceptEncoding: textOf(headers['accept-encoding']),
      lastEventId: textOf(headers['last-event-id']),
      ifNoneMatch: textOf(headers['if-none-match']),
      query: question < 0 ? '' : url.slice(question + 1),
      signal: gone.signal,
    },
    topics,
  )
  response.off('close', leave)
  if (!isGone(response)) return read
  if (read.kind === 'stream') engine.streams.give(1)
  return undefined
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0]
}
