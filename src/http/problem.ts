import { type ErrorCode, errorCodes, TidingsError } from '../wire/errors.js'
import type { Answer } from './answer.js'

/** What a problem document says beside its own members, such as the line of a body. */
export type ProblemMembers = Readonly<Record<string, string | number | null>>

/** A refusal that says more than its code and message. */
export class Problem extends TidingsError {
  override readonly name = 'Problem'
  readonly members: ProblemMembers
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ErrorCode,
    detail: string,
    more: {
      readonly members?: ProblemMembers
      readonly headers?: Readonly<Record<string, string>>
      readonly cause?: unknown
    } = {},
  ) {
    super(code, detail, more.cause === undefined ? undefined : { cause: more.cause })
    this.members = more.members ?? {}
    this.headers = more.headers ?? {}
  }
}

// What the store of the log says of itself (paths, addresses) is for its operator.
const ownDetails: Partial<Record<ErrorCode, string>> = {
  internal: 'A mistake was made on the side of the server, where it has been reported; trying again may help.',
  'log-unavailable':
    'The log does not answer now; try again later. Whether events that were being published are kept is unknown: repeat them with the same Idempotency-Key.',
  'log-full': 'The log has no room. Nothing was kept; try again later.',
}

/**
 * The problem document (RFC 9457) of an error, and only what may be told of it: an error that is no `TidingsError`, or whose
 * code is never answered, is `internal`. `retryMs` becomes `Retry-After`, in whole seconds, where trying again makes sense.
 */
export function toProblem(error: unknown, retryMs: () => number): Answer {
  const code = toCode(error)
  const [status, title] = errorCodes[code]
  const detail = toDetail(error)
  const more = error instanceof Problem && isAnswerable(error) ? error : undefined
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...(status === 503 && { 'Retry-After': String(Math.max(1, Math.ceil(retryMs() / 1000))) }),
      ...more?.headers,
    },
    body: `${JSON.stringify({ type: `/problems#${code}`, title, status, detail, code, ...more?.members })}\n`,
  }
}

/** What a caller is told of an error. */
export function toDetail(error: unknown): string {
  const said = isAnswerable(error) ? error.message : undefined
  return ownDetails[toCode(error)] ?? said ?? ''
}

/** The code that an error is answered with. */
export function toCode(error: unknown): ErrorCode {
  return isAnswerable(error) ? error.code : 'internal'
}

function isAnswerable(error: unknown): error is TidingsError {
  return error instanceof TidingsError && errorCodes[error.code][0] > 0
}

/** Whether an error is the hub's own fault, which its operator should hear of. */
export function isReportable(error: unknown): boolean {
  return !(error instanceof TidingsError) || error.code === 'internal' || errorCodes[error.code][0] === 0
}
