import { requestStream } from '../request.js'
import { toRetryAfterMs } from './backoff.js'
import type { Attempt, Ending } from './transport.js'

interface Asked {
  readonly accept: 'text/event-stream' | 'application/json'
  readonly query?: Readonly<Record<string, string>>
  /** Empty: none. */
  readonly cursor: string
}

/** Asks the server. What is not the head of such an answer is what becomes of the attempt. */
export async function ask(
  { settings, isHub, headers, signal, expect }: Attempt,
  { accept, query = {}, cursor }: Asked,
): Promise<Response | Ending> {
  expect(settings.answerMs, 'No answer came')
  const url = new URL(settings.url)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  // A page of another origin has to ask before it sends the header, and need not for the parameter.
  if (isHub && cursor !== '') url.searchParams.set('lastEventId', cursor)
  const response = await requestStream({
    ...settings,
    ...{ url: url.href, lastEventId: isHub ? '' : cursor, accept, headers, signal },
  })
  const { status, ok } = response
  if (status === 204) return { kind: 'ended' }
  const type = response.headers.get('content-type') ?? 'no type'
  if (ok && type.toLowerCase().startsWith(accept)) return response
  if (ok) return { kind: 'refused', why: `The server answered with ${type}.`, code: 'not-a-stream' }
  const { detail, code } = Object(await response.json().catch(() => undefined))
  const why = `The server answered ${status}${detail ? `: ${detail}` : ''}`
  const kind = status === 401 ? 'unauthorized' : /^(408|425|429|5..)$/.test(`${status}`) ? 'cut' : 'refused'
  return { kind, why, code, askedMs: toRetryAfterMs(response.headers.get('retry-after'), settings.clock.now()) }
}
