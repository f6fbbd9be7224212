import { type ErrorCode, TidingsError } from '../../wire/errors.js'
import { toRetryAfterMs, toWaitMs } from '../connection/backoff.js'
import { type Clock, within } from '../connection/clock.js'
import { type Fetch, requestStream } from '../request.js'

/** How far publishing came. */
export interface Published {
  /** How many events the hub has. */
  readonly accepted: number
  /** The id of the last of them. Empty: none. */
  readonly lastId: string
}

/** Publishing failed. `code` is the hub's, or `connection-lost` if none answered in time, or `refused`. */
export class PublishError extends TidingsError implements Published {
  override readonly name = 'PublishError'
  readonly accepted: number
  readonly lastId: string
  /** Which event was refused, counted from 0. Nothing: none by itself. */
  readonly index: number | undefined
  /** How many of the events behind the accepted ones may be there all the same: nobody said. */
  readonly unknown: number

  constructor(
    code: ErrorCode,
    message: string,
    { accepted, lastId, index, unknown, cause }: Omit<PublishError, keyof TidingsError> & { readonly cause?: unknown },
  ) {
    super(code, message, { cause })
    this.accepted = accepted
    this.lastId = lastId
    this.index = index
    this.unknown = unknown
  }
}

export interface SenderSettings {
  readonly url: string
  /** Those of the next attempt. */
  readonly headers: () => Promise<Record<string, string>>
  /** Whether another attempt may have another token. */
  readonly canRenew: boolean
  readonly withCredentials?: boolean | undefined
  readonly giveUpAfterMs: number
  readonly answerMs: number
  readonly signal?: AbortSignal | undefined
  readonly fetch?: Fetch | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly onAccepted?: ((published: Published) => void) | undefined
  /** Begins the idempotency keys. */
  readonly run: string
}

/** Sends lines to a hub, each once, until they are answered. */
export interface BatchSender {
  readonly published: Published
  /** Rejects with `PublishError`, and with the reason of the signal. Not to be called again before. */
  send(lines: readonly string[]): Promise<void>
}

/** How a hub answered, in the end or for now. */
type Verdict =
  | { readonly kind: 'done'; readonly lastId: string }
  | {
      readonly kind: 'refused' | 'unauthorized' | 'later'
      readonly code: ErrorCode
      readonly why: string
      readonly cause?: unknown
      readonly askedMs?: number | undefined
      /** Of the lines that were sent these are kept, and no others; nothing: that is unknown. */
      readonly accepted?: number | undefined
      readonly lastId?: string | undefined
      /** Which line, counted from 1. */
      readonly line?: number | undefined
    }

/** A hub knows a repeat for two minutes. One that begins later than this may come too late. */
const knownRepeatMs = 100_000
const backoff = { backoffMs: 250, maxBackoffMs: 5_000 }
/** Statuses that pass, beside those from 500 on. */
const passing = [408, 425, 429]
/** Under these nothing is kept but what the answer says. */
const keepNothing = ['overloaded', 'log-full', 'draining']

export function createBatchSender(settings: SenderSettings): BatchSender {
  const { clock, signal, random, onAccepted } = settings
  let published: Published = { accepted: 0, lastId: '' }
  let keys = 0

  const count = (accepted = 0, lastId = ''): void => {
    if (accepted === 0) return
    published = { accepted: published.accepted + accepted, lastId }
    onAccepted?.(published)
  }

  /** Who gives the headers may take long, and knows nothing of the signal. */
  const unlessAborted = <T>(promise: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = (): void => reject(signal?.reason)
      signal?.addEventListener('abort', stop)
      void promise.then(resolve, reject).finally(() => signal?.removeEventListener('abort', stop))
    })

  const attempt = async (key: string, body: string): Promise<Verdict> => {
    let headers: Record<string, string> | undefined
    let cause: unknown
    try {
      headers = await within(clock, settings.answerMs, unlessAborted(settings.headers()))
    } catch (error) {
      cause = error
    }
    signal?.throwIfAborted()
    if (!headers) {
      return { kind: 'later', code: 'connection-lost', why: 'The headers were not to be had.', cause, accepted: 0 }
    }
    const controller = new AbortController()
    const stop = (): void => controller.abort()
    signal?.addEventListener('abort', stop)
    try {
      const answered = requestStream({
        ...{ url: settings.url, method: 'POST', body, accept: 'application/json', signal: controller.signal },
        ...{ withCredentials: settings.withCredentials, fetch: settings.fetch },
        headers: { ...headers, 'Content-Type': 'application/x-ndjson', 'Idempotency-Key': key },
      }).then(async response => judge(response, await response.text(), clock.now()))
      const why = `No answer came in ${settings.answerMs} ms.`
      return (await within(clock, settings.answerMs, answered)) ?? { kind: 'later', code: 'connection-lost', why }
    } catch (cause) {
      signal?.throwIfAborted()
      return { kind: 'later', code: 'connection-lost', why: 'The hub was not reached.', cause }
    } finally {
      signal?.removeEventListener('abort', stop)
      stop()
    }
  }

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clock.clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = clock.setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms)
      signal?.addEventListener('abort', stop)
    })

  return {
    get published() {
      return published
    },

    async send(lines) {
      let rest = lines
      let key = `${settings.run}-${++keys}`
      let begunAt = clock.now()
      /** When the first request went out of which it is unknown what became of it. */
      let unknownSince = Number.POSITIVE_INFINITY
      let isRenewed = false
      let failures = 0
      for (;;) {
        const askedAt = clock.now()
        const verdict = await attempt(key, rest.join(''))
        signal?.throwIfAborted()
        if (verdict.kind === 'done') {
          count(rest.length, verdict.lastId)
          return
        }
        const { kind, code, why, accepted, lastId, line, cause } = verdict
        const fail = (index?: number, unknown = 0): PublishError =>
          new PublishError(code, why, { ...published, index, unknown, cause })
        if (kind === 'unauthorized' && settings.canRenew && !isRenewed) {
          isRenewed = true
          continue
        }
        if (kind !== 'later') {
          const before = published.accepted
          count(accepted, lastId)
          throw fail(line && before + line - 1)
        }
        if (accepted === undefined) unknownSince = Math.min(unknownSince, askedAt)
        else if (accepted > 0 && unknownSince === Number.POSITIVE_INFINITY) {
          // Under the same key the rest would wait for a hub that by then has forgotten the lines that it kept.
          count(accepted, lastId)
          rest = rest.slice(accepted)
          key = `${settings.run}-${++keys}`
          begunAt = clock.now()
        }
        const waitMs = toWaitMs({ ...backoff, random }, failures++, verdict.askedMs ?? 0)
        if (clock.now() + waitMs > Math.min(begunAt + settings.giveUpAfterMs, unknownSince + knownRepeatMs)) {
          throw fail(undefined, unknownSince === Number.POSITIVE_INFINITY ? 0 : rest.length)
        }
        // Whoever is told of events may abort it.
        signal?.throwIfAborted()
        await wait(waitMs)
      }
    },
  }
}

function judge({ ok, status, headers }: Response, text: string, now: number): Verdict {
  const body = Object(parse(text))
  const { code, detail, accepted, lastId, line } = body
  if (ok && typeof accepted === 'number') return { kind: 'done', lastId }
  if (ok) return { kind: 'refused', code: 'refused', why: 'What answers is no hub.' }
  const known = {
    code: typeof code === 'string' ? (code as ErrorCode) : 'refused',
    why: typeof detail === 'string' ? detail : `The server answered ${status}.`,
    ...{ lastId, line },
  } as const
  if (status < 500 && !passing.includes(status)) {
    return { kind: status === 401 ? 'unauthorized' : 'refused', ...known, accepted }
  }
  return {
    kind: 'later',
    ...known,
    askedMs: toRetryAfterMs(headers.get('retry-after'), now),
    accepted: status === 429 || keepNothing.includes(known.code) ? (accepted ?? 0) : undefined,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
