import { TidingsError } from '../wire/errors.js'
import type { Access, Caller } from './access.js'
import type { RequestHead } from './request-head.js'
import type { HttpSettings } from './settings.js'

type Headers = Readonly<Record<string, string>>

const none: Headers = {}
const varying: Headers = { Vary: 'Accept, Origin' }
const varyingInCoding: Headers = { Vary: 'Accept, Accept-Encoding, Origin' }
const exposed = 'ETag, Retry-After'
const readHeaders = 'Accept, Cache-Control, If-None-Match, Last-Event-ID'
const writeHeaders = `${readHeaders}, Authorization, Content-Type, Idempotency-Key`
const maxAgeSeconds = '600'

/**
 * What lets the page that asked read the answer. A foreign page is refused (403) all that is not public, so what it is not
 * refused every page may read, without credentials. An origin is given back only if it is listed.
 */
function corsHeaders(caller: Caller, status: number): Headers {
  if (caller.kind === 'listed' && caller.origin !== undefined) {
    return {
      'Access-Control-Allow-Origin': caller.origin,
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Expose-Headers': exposed,
    }
  }
  if (caller.kind !== 'foreign' || status === 403) return none
  return { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': exposed }
}

/** What every answer says about whom it is for. `head`: nothing, if it could not be read. */
export function varyingHeaders(
  head: RequestHead | undefined,
  status: number,
  { compression }: Pick<HttpSettings, 'compression'>,
): Headers {
  const shared = head ? corsHeaders(head.caller, status) : none
  const own = compression === 'off' ? varying : varyingInCoding
  return shared === none ? own : { ...own, ...shared }
}

/**
 * What a preflight is told beside `corsHeaders`. `methods` are those of the route. Throws `origin-not-allowed` if the request
 * that it asks for would be refused whatever its target.
 */
export function preflightHeaders(
  caller: Caller,
  requestMethod: string | undefined,
  methods: readonly string[],
  access: Access,
): Headers {
  if (requestMethod === undefined || caller.kind === 'direct' || caller.kind === 'own') return none
  const isRead = requestMethod === 'GET' || requestMethod === 'HEAD'
  if (!isRead) access.requireTrusted(caller)
  if (!methods.includes(requestMethod)) {
    throw new TidingsError('method-not-allowed', `There are ${methods.join(', ')} here.`)
  }
  const allowed = caller.kind === 'listed' ? methods : methods.filter(method => method === 'GET' || method === 'HEAD')
  return {
    'Access-Control-Allow-Methods': allowed.join(', '),
    'Access-Control-Allow-Headers': caller.kind === 'listed' ? writeHeaders : readHeaders,
    'Access-Control-Max-Age': maxAgeSeconds,
  }
}
