import { TidingsError } from '../../wire/errors.js'
import { isEventStream, requestStream } from '../request.js'
import { toRetryAfterMs } from './backoff.js'
import { within } from './clock.js'
import type { Attempt, Ending } from './transport.js'

interface Asked {
  readonly accept: 'text/event-stream' | 'application/json'
  readonly query: Readonly<Record<string, string>>
  /** Empty: none. */
  readonly cursor: string
  /** How long the head of the answer may take. */
  readonly answerMs: number
}

/** Asks the server. What is not the head of such an answer is what becomes of the attempt. */
export async function ask(attempt: Attempt, asked: Asked): Promise<Response | Ending> {
  const { settings, isHub, headers, signal } = attempt
  const { clock, fetch, method, body, withCredentials } = settings
  const { accept, query, cursor, answerMs } = asked
  const answered = requestStream({
    // A page of another origin has to ask before it sends the header, and need not for the parameter.
    url: withQuery(settings.url, isHub && cursor !== '' ? { ...query, lastEventId: cursor } : query),
    lastEventId: isHub ? '' : cursor,
    ...{ accept, headers, signal, fetch, method, body, withCredentials },
  })
  const response = await within(clock, answerMs, answered)
  if (!response) return { kind: 'held', error: lost(`No answer came in ${answerMs} ms.`) }
  const { status } = response
  if (status === 204) return { kind: 'ended' }
  const type = response.headers.get('content-type') ?? 'no Content-Type'
  if (response.ok) {
    if (accept === 'application/json' ? isJson(type) : isEventStream(response)) return response
    const error = new TidingsError('not-a-stream', `The server answered with ${type}, not with ${accept}.`)
    return { kind: 'refused', error }
  }
  const reason = isJson(type) ? toReason(await response.json().catch(() => undefined)) : ''
  const error = new TidingsError(status === 401 ? 'unauthorized' : 'refused', `The server answered ${status}${reason}.`)
  if (status === 401) return { kind: 'unauthorized', error }
  if (status >= 500 || [408, 425, 429].includes(status)) {
    return { kind: 'cut', error, askedMs: toRetryAfterMs(response.headers.get('retry-after'), clock.now()) }
  }
  return { kind: 'refused', error }
}

/** That the connection is gone, and why. */
export function lost(message: string, cause?: unknown): TidingsError {
  return new TidingsError('connection-lost', message, { cause })
}

export function withQuery(url: string, query: Readonly<Record<string, string>>): string {
  const asked = new URL(url)
  for (const [name, value] of Object.entries(query)) asked.searchParams.set(name, value)
  return asked.href
}

function isJson(type: string): boolean {
  return /^application\/(problem\+)?json\b/i.test(type)
}

/** What a problem document says. */
function toReason(problem: unknown): string {
  const { detail, code } = Object(problem)
  if (typeof detail !== 'string') return ''
  return `: ${detail.replace(/\.$/, '')}${typeof code === 'string' ? ` (${code})` : ''}`
}
