import type { IncomingMessage } from 'node:http'
import { showUrl } from './hub-url.js'
import { readText } from './request.js'

/** Something that the hub does not do, and why: what its problem document says. */
export interface Refusal {
  readonly code: string
  readonly detail: string
  /** Of many events: the line that is at fault, from 1. */
  readonly line: number | undefined
  /** Of many events: how many before it are kept. */
  readonly accepted: number
}

/** What an answer means for whoever asked. */
export type Verdict =
  | { readonly kind: 'done'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Not now. */
  | {
      readonly kind: 'later'
      readonly why: string
      /** What the hub asks to wait. */
      readonly retryAfterMs: number | undefined
      /** How many of the events are kept, and no others; nothing: that is unknown. */
      readonly accepted: number | undefined
    }
  /** What answered is no hub. */
  | { readonly kind: 'foreign'; readonly why: string }

/** Statuses that proxies give while the hub behind them is away, and those of our own that pass. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504])

/** Codes under which nothing is kept beyond what the answer says. */
const keepNothing = new Set(['overloaded', 'log-full', 'draining'])

/** Reads an answer to its end. An answer that is cut off is `later`, with an unknown outcome. */
export async function judge(url: URL, response: IncomingMessage): Promise<Verdict> {
  const status = response.statusCode ?? 0
  const text = await readText(response)
  if (text === undefined) {
    return { kind: 'later', why: 'the answer was cut off', retryAfterMs: undefined, accepted: undefined }
  }
  const body = toObject(text)
  if (status >= 200 && status < 300) {
    return body ? { kind: 'done', body } : foreign(url, response, 'its answer is not the JSON of one')
  }
  const code = isProblem(response) && typeof body?.['code'] === 'string' ? body['code'] : undefined
  if (passing.has(status)) return later(response, status, code, body)
  if (code === undefined || !body) return foreign(url, response, describe(status, response))
  const { detail, title, line, accepted } = body
  return {
    kind: 'refused',
    refusal: {
      code,
      detail: String(detail ?? title ?? 'no reason given'),
      line: Number.isSafeInteger(line) ? Number(line) : undefined,
      accepted: toCount(accepted) ?? 0,
    },
  }
}

function later(
  response: IncomingMessage,
  status: number,
  code: string | undefined,
  body: Readonly<Record<string, unknown>> | undefined,
): Verdict {
  const detail = code === undefined ? undefined : String(body?.['detail'] ?? '')
  return {
    kind: 'later',
    why: detail ? `${detail.replace(/\.$/, '')} (${code})` : `it answers ${status}`,
    retryAfterMs: toRetryAfterMs(response.headers['retry-after'], Date.now()),
    accepted: status === 429 || (code && keepNothing.has(code)) ? (toCount(body?.['accepted']) ?? 0) : undefined,
  }
}

/** `Retry-After` in milliseconds, at most an hour; nothing if there is none that can be read (RFC 9110, 10.2.3). */
export function toRetryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const ms = /^[0-9]+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), 3_600_000)
}

/** That what answered is no hub, and what it did instead. */
export function foreign(url: URL, response: IncomingMessage, what: string): Verdict {
  const by =
    response.headers['server'] === undefined ? '' : `; it calls itself ${JSON.stringify(response.headers['server'])}`
  return {
    kind: 'foreign',
    why: `What answers at ${showUrl(url)} is not a hub of Tidings: ${what}${by}. Is the URL (--url, TIDINGS_URL) right?`,
  }
}

function describe(status: number, { headers }: IncomingMessage): string {
  if (status >= 300 && status < 400 && headers.location !== undefined) {
    return `it sends on to ${JSON.stringify(headers.location)} (${status})`
  }
  return `it answers ${status} with ${headers['content-type'] ?? 'no Content-Type'}`
}

function isProblem({ headers }: IncomingMessage): boolean {
  return /^application\/problem\+json\b/i.test(headers['content-type'] ?? '')
}

function toCount(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined
}

function toObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
