import { createHash, timingSafeEqual } from 'node:crypto'
import type { Answer } from './answer.js'
import { Problem } from './problem.js'

/** What `GET /metrics` answers; made by who puts the hub together. */
export interface Metrics {
  /** The media type, with the version of the format. */
  readonly type: string
  /** How things stand now. What rejects is answered with 500, and reported. */
  read(): Promise<string>
  /** Whoever asks must show it as a bearer token. Default: whoever may use the hub may ask. */
  readonly token?: string | undefined
}

/** Throws `unauthorized` where a token is asked for and `authorization` is another, or none. */
export async function answerMetrics(metrics: Metrics, authorization: string | undefined): Promise<Answer> {
  checkToken(metrics.token, authorization)
  return {
    status: 200,
    headers: {
      'Content-Type': metrics.type,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    },
    body: await metrics.read(),
  }
}

function checkToken(token: string | undefined, authorization: string | undefined): void {
  if (token === undefined) return
  const shown = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1]
  if (shown !== undefined && isSame(shown, token)) return
  // RFC 6750, 3: who showed no token is told of no error.
  const challenge = shown === undefined ? '' : ', error="invalid_token"'
  throw new Problem(
    'unauthorized',
    'Send Authorization: Bearer, and the token that the hub was given for its metrics.',
    {
      headers: { 'WWW-Authenticate': `Bearer realm="metrics"${challenge}` },
    },
  )
}

/** In a time that tells nothing of where, or by how much, the two differ. */
function isSame(shown: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(shown), digest(token))
}
