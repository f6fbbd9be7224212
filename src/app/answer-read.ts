import type { Answer } from '../http/answer.js'
import { tryNegotiate } from '../http/negotiate.js'
import { nobody } from '../http/observer.js'
import { answerPage } from '../http/page.js'
import { Problem } from '../http/problem.js'
import type { ReadRequest } from '../http/read-request.js'
import { streamHeaders, toRefusal } from '../http/refusal.js'
import { startOfBody } from '../http/start-of-body.js'
import type { Beginning } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import type { Engine } from './engine.js'
import type { HandlerOptions } from './handler-options.js'
import { type Asked, readAsked } from './read-asked.js'

/** What a request for events comes to: an answer, or a stream that waits for its sink. */
export type Read =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | {
      readonly kind: 'stream'
      readonly beginning: Beginning & { readonly kind: 'open' }
      readonly headers: Readonly<Record<string, string>>
      /** What stands before the first block. */
      readonly start: Uint8Array
    }

/** EventSource stops for good at 204: there is nothing to hear any more. */
const ended: Answer = { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' }

export interface Reader extends Asked {
  readonly method: string
  readonly ifNoneMatch: string | undefined
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal
}

/**
 * Reads a request for events of `topics`. A stream is counted against `Engine.streams`, to be given back when it is closed.
 * Never rejects.
 */
export async function answerRead(
  engine: Engine,
  options: HandlerOptions<never>,
  reader: Reader,
  topics: readonly string[],
): Promise<Read> {
  let hasPlace = false
  try {
    if (reader.method !== 'GET' && reader.method !== 'HEAD') {
      throw new Problem('method-not-allowed', 'Events are read with GET.', { headers: { Allow: 'GET, HEAD' } })
    }
    const request = readAsked(reader, topics, options)
    const hub = engine.hub ?? (await engine.started)
    if (request.form === 'application/json') {
      const page = { headers: reader.ifNoneMatch === undefined ? {} : { 'if-none-match': reader.ifNoneMatch } }
      return {
        kind: 'answer',
        answer: await answerPage(
          { hub, longPolls: engine.longPolls },
          page,
          { ...request, coding: undefined },
          reader.signal,
        ),
      }
    }
    hasPlace = reader.method === 'HEAD' || engine.streams.take(1)
    if (!hasPlace) throw new TidingsError('overloaded', 'There are as many streams as there may be; try again later.')
    const beginning = await hub.begin(request)
    if (beginning.kind === 'open' && reader.method === 'GET') {
      hasPlace = false
      return {
        kind: 'stream',
        beginning,
        headers: headersOf(request, options),
        start: startOfBody(request, hub.retryMs()),
      }
    }
    if (beginning.kind === 'ended') return { kind: 'answer', answer: ended }
    return {
      kind: 'answer',
      answer: { status: 200, headers: { ...headersOf(request, options), Connection: 'close' }, body: '' },
    }
  } catch (error) {
    return { kind: 'answer', answer: refuse(engine, error, reader.accept) }
  } finally {
    if (hasPlace && reader.method === 'GET') engine.streams.give(1)
  }
}

function refuse({ hub, settings }: Engine, error: unknown, accept: string | undefined): Answer {
  // Where the log could not even be opened, there is no hub to ask.
  const retry = { retryMs: () => hub?.retryMs() ?? 3_000 }
  return toRefusal({ hub: retry, report: settings.report, observer: nobody }, error, {
    operation: 'read',
    form: tryNegotiate(accept),
  })
}

function headersOf(
  { form, coding }: ReadRequest,
  { compression }: HandlerOptions<never>,
): Readonly<Record<string, string>> {
  const headers = streamHeaders(form, coding)
  return compression === 'gzip' ? { ...headers, Vary: 'Accept-Encoding' } : headers
}
