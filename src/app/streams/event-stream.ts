import type { Sink } from '../../hub/sink.js'
import { encodeBlock } from '../../wire/encode.js'
import { TidingsError } from '../../wire/errors.js'
import { bindMethods } from '../bind-methods.js'
import { feed, type Source } from './feed.js'
import type { StreamSettings } from './options.js'
import { encodeComment, encodeEvent, type StreamEvent } from './stream-event.js'

/** One answer to one request, sent event by event. Who comes back does not go on with it: see `Hub.openStream` for what he does. */
export interface EventStream {
  /** Aborts when the client leaves before the stream was closed, with a `stream-closed` as its reason. */
  readonly signal: AbortSignal
  /** Resolves when the connection is over, by whoever's doing. Never rejects. */
  readonly closed: Promise<void>
  /**
   * Sends an event, or only its data; resolves when there is room for the next. Rejects with `invalid-event`, `too-large`, with
   * `stream-closed` when the client leaves or the stream was closed, and with `overloaded` if more than 1 MiB waits because sends were not
   * awaited.
   */
  send(event: StreamEvent | string): Promise<void>
  /** Sends a line that clients pass over. Resolves and rejects as `send`. */
  comment(text: string): Promise<void>
  /**
   * Sends what `source` gives, then closes. If the source fails, the client hears that it failed and not why, and `report` is told why. If the
   * client leaves, the source is left. Resolves to how it went; never rejects.
   */
  from(source: Source<StreamEvent | string>): Promise<'completed' | 'failed' | 'left'>
  /** Sends the last event and ends the stream. Resolves as `closed`. What was said first counts, this or `fail`. */
  close(): Promise<void>
  /** Ends the stream as one that failed. Resolves as `closed`. */
  fail(): Promise<void>
}

interface Waiting {
  /** Nothing: they are sent, and it is room for others that is waited for. */
  bytes: Uint8Array | undefined
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** What those wait for that did not await their sends, at most. */
const maxWaitingBytes = 1024 * 1024
/** What a send that waits costs beside its bytes. */
const waitingCost = 256
/** How long a client may take no byte of the last event, where `stallMs` sets no time. */
const lastWordsMs = 60_000

/** That a client has left is said by `signal` too, so who did not await his send has not overlooked an error. */
function harmless(sent: Promise<void>): Promise<void> {
  sent.catch(() => undefined)
  return sent
}

const rejected = (error: Error): Promise<void> => harmless(Promise.reject(error))

const heartbeat = encodeComment('')

export class SinkStream implements EventStream {
  readonly closed: Promise<void>
  readonly #settings: StreamSettings
  readonly #left = new AbortController()
  #sink: Sink | undefined
  #waiting: Waiting[] = []
  #waitingBytes = 0
  /** There is no room. Until it begins there is none either. */
  #isHolding = true
  #ending: 'completed' | 'failed' | undefined
  #hasEnded = false
  #beat: NodeJS.Timeout | undefined
  #resolveClosed: () => void = () => undefined

  constructor(settings: StreamSettings) {
    this.#settings = settings
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
    bindMethods(this)
  }

  get signal(): AbortSignal {
    return this.#left.signal
  }

  /** What stands before the first event: something always, since Firefox opens a stream at its first byte of body. */
  get start(): Uint8Array {
    const { retryMs } = this.#settings
    return Buffer.from(encodeBlock(retryMs === undefined ? { comment: '' } : { retry: retryMs }))
  }

  /** Begins to send, with what was said before. Without a sink there is nobody to hear it. */
  begin(sink: Sink | undefined): this {
    if (!sink) {
      this.#over()
      return this
    }
    this.#sink = sink
    sink.listen({ drained: () => this.#drained(), stalled: () => sink.destroy(), closed: () => this.#over() })
    const { heartbeatMs } = this.#settings
    if (heartbeatMs > 0) this.#beat = setInterval(() => this.#sayNothing(), heartbeatMs).unref()
    if (this.#give(new Uint8Array())) this.#drained()
    return this
  }

  send(event: StreamEvent | string): Promise<void> {
    return this.#put(() => encodeEvent(event))
  }

  comment(text: string): Promise<void> {
    return this.#put(() => encodeComment(text))
  }

  async from(source: Source<StreamEvent | string>): Promise<'completed' | 'failed' | 'left'> {
    try {
      await feed(source, this.signal, event => this.send(event))
    } catch (error) {
      const isTold = error instanceof TidingsError && error.code === 'stream-closed'
      if (!isTold) {
        this.#settings.report('The source of a stream failed.', error)
        await this.fail()
      }
    }
    if (this.signal.aborted) return 'left'
    await this.close()
    return this.#ending ?? 'completed'
  }

  close(): Promise<void> {
    return this.#end('completed')
  }

  fail(): Promise<void> {
    return this.#end('failed')
  }

  /** The client has left, as was heard from elsewhere than the sink. */
  leave(): void {
    this.#abort()
    this.#sink?.end()
  }

  /** Gives the sink bytes; whether there is room for more. */
  #give(bytes: Uint8Array): boolean {
    this.#beat?.refresh()
    if (this.#sink?.write(bytes)) return true
    this.#isHolding = true
    this.#sink?.watchStall(this.#settings.stallMs)
    return false
  }

  #put(encode: () => Uint8Array): Promise<void> {
    if (this.signal.aborted) return rejected(this.signal.reason)
    if (this.#ending) return rejected(new TidingsError('stream-closed', 'The stream was closed before this.'))
    try {
      const bytes = encode()
      if (!this.#isHolding) return this.#give(bytes) ? Promise.resolve() : this.#wait(undefined)
      const cost = bytes.length + waitingCost
      if (this.#waitingBytes > 0 && this.#waitingBytes + cost > maxWaitingBytes) {
        throw new TidingsError('overloaded', 'More than 1 MiB waits for the client; await what send returns.')
      }
      this.#waitingBytes += cost
      return this.#wait(bytes)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #wait(bytes: Uint8Array | undefined): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => this.#waiting.push({ bytes, resolve, reject }))
    return harmless(sent)
  }

  #drained(): void {
    this.#isHolding = false
    if (!this.#hasEnded) this.#sink?.watchStall(0)
    for (let next = this.#waiting[0]; next && !this.#isHolding; next = this.#waiting[0]) {
      const { bytes } = next
      next.bytes = undefined
      if (bytes) {
        this.#waitingBytes -= bytes.length + waitingCost
        if (!this.#give(bytes)) break
      }
      this.#waiting.shift()
      next.resolve()
    }
    this.#endIfDue()
  }

  #end(how: 'completed' | 'failed'): Promise<void> {
    this.#ending ??= how
    this.#endIfDue()
    return this.closed
  }

  /** Ends the stream if it was asked for, once all that was sent before is with the sink. */
  #endIfDue(): void {
    if (!this.#sink || !this.#ending || this.#hasEnded || this.#waiting.some(({ bytes }) => bytes)) return
    this.#hasEnded = true
    const { end, failure, stallMs } = this.#settings
    const lastWords = this.#ending === 'completed' ? end : failure
    if (lastWords.length > 0) this.#sink.write(lastWords)
    this.#sink.watchStall(stallMs || lastWordsMs)
    this.#sink.end()
  }

  #sayNothing(): void {
    if (!this.#isHolding && !this.#ending) this.#give(heartbeat)
  }

  #abort(): void {
    const gone = new TidingsError('stream-closed', 'The client of the stream has left.')
    if (!this.#hasEnded) this.#left.abort(gone)
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    // What was given to the transport before the end was sent as far as anybody can know.
    for (const { bytes, resolve, reject } of waiting) {
      if (this.#hasEnded && !bytes) resolve()
      else reject(gone)
    }
  }

  #over(): void {
    clearInterval(this.#beat)
    this.#abort()
    this.#resolveClosed()
  }
}
