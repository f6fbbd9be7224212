import { createParser, type ParsedEvent, type Parser } from '../../wire/parse.js'
import { ask } from '../hub-client/request.js'
import { foreign, judge, type Refusal } from '../hub-client/verdict.js'

export interface ListenOptions {
  readonly url: URL
  readonly target: string
  /** Empty: none. */
  readonly cursor: string
  /** A connection on which nothing came for so long is taken for dead. */
  readonly silenceMs: number
  readonly signal: AbortSignal
  /** Called for each event of publishers and hub, in order, unless `close` was called. */
  readonly onEvent: (event: ParsedEvent) => void
  /** Called when all complete events of the bytes at hand were given. */
  readonly onBatch: () => void
  readonly onRetry: (ms: number) => void
}

/** Why a connection is over. */
export type Ending =
  | {
      readonly kind: 'cut'
      readonly why: string
      readonly askedMs: number | undefined
      /** Whether nobody answered at all. */
      readonly isAway: boolean
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'foreign'; readonly why: string }
  /** The one topic has ended, and all of it was heard before. */
  | { readonly kind: 'ended' }
  /** `close` was called, or the signal given. */
  | { readonly kind: 'closed' }

/** One connection to an event stream. */
export interface Listening {
  /** Takes no bytes until `resume`: the hub then holds back what follows. */
  pause(): void
  resume(): void
  /** No handler is called after this. */
  close(): void
  /** Does not reject, but for what a handler threw. */
  readonly over: Promise<Ending>
}

/**
 * The longest block that is taken. A hub can be set up for events of 16 MiB, of which each byte is at most six characters of
 * JSON; what is here is for data as they are met.
 */
const maxBlockChars = 64 * 1024 * 1024

export function listen(options: ListenOptions): Listening {
  const { url, target, cursor, silenceMs, signal, onEvent, onBatch, onRetry } = options
  const abort = new AbortController()
  const stop = (): void => abort.abort()
  signal.addEventListener('abort', stop)
  let isClosed = signal.aborted
  if (isClosed) stop()
  let isPaused = false
  let parser: Parser | undefined
  let setFlow: ((isPaused: boolean) => void) | undefined

  const run = async (): Promise<Ending> => {
    const headers = { Accept: 'text/event-stream', ...(cursor !== '' && { 'Last-Event-ID': cursor }) }
    const reply = await ask(url, { method: 'GET', target, headers, signal: abort.signal })
    if (abort.signal.aborted) return { kind: 'closed' }
    if (reply.kind === 'foreign') return reply
    if (reply.kind !== 'answered') return { kind: 'cut', why: reply.why, askedMs: undefined, isAway: true }
    const { response } = reply
    if (response.statusCode === 204) {
      response.resume()
      return { kind: 'ended' }
    }
    if (response.statusCode !== 200) {
      const verdict = await judge(url, response)
      if (verdict.kind === 'later')
        return { kind: 'cut', why: verdict.why, askedMs: verdict.retryAfterMs, isAway: false }
      if (verdict.kind === 'done')
        return { kind: 'foreign', why: `${url.host} answers ${response.statusCode} to a stream.` }
      return verdict
    }
    const type = response.headers['content-type'] ?? 'no Content-Type'
    if (!/^text\/event-stream\b/i.test(type)) {
      response.destroy()
      const verdict = foreign(url, response, `it answers with ${type}, not with an event stream`)
      return verdict.kind === 'foreign' ? verdict : { kind: 'closed' }
    }
    return read(response)
  }

  const read = (response: NodeJS.ReadableStream & { destroy(): void }): Promise<Ending> =>
    new Promise((resolve, reject) => {
      let hasEvents = false
      let why: string | undefined
      let comment: string | undefined
      let silence: NodeJS.Timeout | undefined
      const watch = (): void => {
        clearTimeout(silence)
        silence = setTimeout(() => {
          why = `nothing came for ${silenceMs / 1000} s`
          response.destroy()
        }, silenceMs)
      }
      const current = createParser({
        lastEventId: cursor,
        maxChars: maxBlockChars,
        onRetry,
        onComment: text => {
          comment = text
        },
        onEvent: event => {
          hasEvents = true
          onEvent(event)
        },
      })
      parser = current
      setFlow = paused => {
        if (paused) {
          response.pause()
          clearTimeout(silence)
        } else {
          watch()
          response.resume()
        }
      }
      response.on('data', (bytes: Buffer) => {
        if (isClosed) return
        silence?.refresh()
        try {
          current.push(bytes)
          onBatch()
        } catch (error) {
          isClosed = true
          response.destroy()
          reject(error)
        }
      })
      response.on('error', (error: Error) => {
        why ??= error.message
      })
      response.on('close', () => {
        clearTimeout(silence)
        // A stream that is not opened says why, and ends (docs/spec/http.md, 4.4).
        const said = hasEvents || !comment ? 'the connection ended' : comment
        const isDone = isClosed || abort.signal.aborted
        resolve(isDone ? { kind: 'closed' } : { kind: 'cut', why: why ?? said, askedMs: undefined, isAway: false })
      })
      setFlow(isPaused)
    })

  return {
    pause() {
      isPaused = true
      setFlow?.(true)
    },
    resume() {
      isPaused = false
      setFlow?.(false)
    },
    close() {
      isClosed = true
      parser?.close()
      stop()
    },
    over: run().finally(() => signal.removeEventListener('abort', stop)),
  }
}
