/** A whole answer, before it is known whether a response or a bare socket carries it. */
export interface Answer {
  readonly status: number
  /** Names as they are written; without `Date`, `Connection` and `Content-Length`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Its body has no length: over HTTP/1.1 it would end with the connection. Default: it has one. */
  readonly isEndless?: boolean
}

const jsonHeaders = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
} as const

/** An answer of JSON. It ends its line, so that a terminal's next prompt stands below it. */
export function jsonAnswer(value: unknown, headers?: Readonly<Record<string, string>>): Answer {
  return {
    status: 200,
    headers: headers ? { ...jsonHeaders, ...headers } : jsonHeaders,
    body: `${JSON.stringify(value)}\n`,
  }
}

/** An answer with further headers, which win. */
export function withHeaders(answer: Answer, headers: Readonly<Record<string, string>>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
