import { isEventStream, requestStream } from '../request.js'
import { toRetryAfterMs } from './backoff.js'
import { within } from './clock.js'
import type { Attempt, Ending } from './transport.js'

interface Asked {
  readonly accept: 'text/event-stream' | 'application/json'
  readonly query?: Readonly<Record<string, string>>
  /** Empty: none. */
  readonly cursor: string
  /** How long the head of the answer may take. */
  readonly answerMs: number
}

/** Asks the server. What is not the head of such an answer is what becomes of the attempt. */
export async function ask(attempt: Attempt, asked: Asked): Promise<Response | Ending> {
  const { settings, isHub, headers, signal } = attempt
  const { clock, fetch, method, body, withCredentials } = settings
  const { accept, cursor, answerMs } = asked
  const url = new URL(settings.url)
  // A page of another origin has to ask before it sends the header, and need not for the parameter.
  const query = isHub && cursor !== '' ? { ...asked.query, lastEventId: cursor } : { ...asked.query }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const answered = requestStream({
    ...{ url: url.href, lastEventId: isHub ? '' : cursor },
    ...{ accept, headers, signal, fetch, method, body, withCredentials },
  })
  const response = await within(clock, answerMs, answered)
  if (!response) return { kind: 'held', why: `No answer came in ${answerMs} ms.` }
  const { status } = response
  if (status === 204) return { kind: 'ended' }
  const type = response.headers.get('content-type') ?? 'no Content-Type'
  const isJson = /^application\/(problem\+)?json\b/i.test(type)
  if (response.ok) {
    if (accept === 'application/json' ? isJson : isEventStream(response)) return response
    return { kind: 'refused', why: `The server answered with ${type}, not with ${accept}.`, code: 'not-a-stream' }
  }
  const problem = isJson && (await within(clock, answerMs, response.json()).catch(() => undefined))
  const why = `The server answered ${status}${toReason(problem)}.`
  if (status === 401) return { kind: 'unauthorized', why }
  if (status < 500 && ![408, 425, 429].includes(status)) return { kind: 'refused', why }
  return { kind: 'cut', why, askedMs: toRetryAfterMs(response.headers.get('retry-after'), clock.now()) }
}

/** What a problem document says. */
function toReason(problem: unknown): string {
  const { detail, code } = Object(problem)
  return detail ? `: ${String(detail).replace(/\.$/, '')}${code ? ` (${code})` : ''}` : ''
}
