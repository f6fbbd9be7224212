import { requestStream } from '../request.js'
import { toRetryAfterMs } from './backoff.js'
import type { Attempt, Ending } from './transport.js'

/** Asks the server. `cursor`: empty is none. What is not the head of such an answer is what becomes of the attempt. */
export async function ask(
  { settings, isHub, headers, signal }: Attempt,
  accept: 'text/event-stream' | 'application/json',
  cursor: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Response | Ending> {
  const url = new URL(settings.url)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  // A page of another origin has to ask before it sends the header, and need not for the parameter.
  if (isHub && cursor) url.searchParams.set('lastEventId', cursor)
  const response = await requestStream({
    ...settings,
    ...{ url: url.href, lastEventId: isHub ? '' : cursor, accept, headers, signal },
  })
  const { status, ok } = response
  if (status === 204) return { kind: 'ended' }
  const type = response.headers.get('content-type') ?? 'no type'
  if (ok && type.toLowerCase().startsWith(accept)) return response
  const { detail, code } = ok
    ? { detail: `${type} for ${accept}`, code: 'not-a-stream' }
    : Object(await response.json().catch(() => undefined))
  return {
    kind: status === 401 ? 'unauthorized' : /^(408|425|429|5..)$/.test(`${status}`) ? 'cut' : 'refused',
    why: `The server answered ${status}${detail ? `: ${detail}` : ''}`,
    code,
    askedMs: toRetryAfterMs(response.headers.get('retry-after'), settings.clock.now()),
  }
}
