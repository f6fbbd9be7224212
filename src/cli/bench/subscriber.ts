import type { Socket } from 'node:net'
import { type DialListener, dial, type Place } from './dial.js'
import { type ResponseHead, type ResponseListener, ResponseReader } from './response-reader.js'
import type { Sequence } from './sequence.js'
import type { BodyReader, Hearing, Transport } from './transports.js'

/** What a subscriber tells the fleet that it belongs to. */
export interface SubscriberListener {
  /** It hears the hub for the first time. */
  onReady(subscriber: Subscriber): void
  /** A connection that heard the hub is gone. */
  onCut(): void
  /** A connection that heard nothing is gone: refused, or not even made. */
  onRefused(why: string): void
  onGap(subscriber: Subscriber): void
  onEvent(subscriber: Subscriber, data: string): void
}

/** Until the hub says otherwise, as browsers do, and spread, since a cut is often that of all. */
const firstRetryMs = 3_000
/** Nobody listens there, or it was refused without a word on when to come back. */
const refusedRetryMs = 500

/** One client that listens to one topic, and comes back with its cursor whenever it is cut off. */
export class Subscriber implements DialListener, ResponseListener, Hearing {
  readonly #place: Place
  readonly #transport: Transport
  readonly #listener: SubscriberListener
  readonly #number: number
  readonly topic: number
  readonly sequence: Sequence
  readonly #path: string
  #socket: Socket | undefined
  #responses: ResponseReader | undefined
  #body: BodyReader | undefined
  #cursor = ''
  #status = 0
  #retryMs = firstRetryMs * (0.8 + 0.4 * Math.random())
  #why: string | undefined
  #isHearing = false
  #wasReady = false
  #isClosed = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: {
    readonly place: Place
    readonly transport: Transport
    readonly listener: SubscriberListener
    readonly sequence: Sequence
    /** Among all clients. */
    readonly number: number
    readonly topic: number
    /** Of the topic, encoded, below the hub's URL. */
    readonly path: string
  }) {
    this.#place = options.place
    this.#transport = options.transport
    this.#listener = options.listener
    this.sequence = options.sequence
    this.#number = options.number
    this.topic = options.topic
    this.#path = options.path
  }

  /** Whether it hears the hub now. */
  get isHearing(): boolean {
    return this.#isHearing
  }

  open(): void {
    if (this.#isClosed) return
    this.#why = undefined
    this.#responses = new ResponseReader(this)
    this.#socket = dial(this.#place, this.#number, this)
  }

  /** For good. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#socket?.destroy()
  }

  onConnected(): void {
    // A long poll may be silent for long.
    if (this.#transport.isPolling) this.#isHearing = this.#wasReady
    this.#ask()
  }

  #ask(): void {
    const { url } = this.#place
    const { accept, query } = this.#transport
    const credentials = url.username === '' ? '' : `Authorization: Basic ${basic(url)}\r\n`
    const cursor = this.#cursor === '' ? '' : `Last-Event-ID: ${this.#cursor}\r\n`
    this.#socket?.write(
      `GET ${this.#path}${query(this.#cursor)} HTTP/1.1\r\nHost: ${url.host}\r\nUser-Agent: tidings bench\r\n` +
        `Accept: ${accept}\r\n${credentials}${cursor}\r\n`,
    )
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#isClosed) return
    try {
      this.#responses?.push(bytes)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#drop(error.message)
    }
  }

  onHead({ status, headers }: ResponseHead): void {
    this.#status = status
    if (status !== 200) this.#why = `it answers ${status}`
    const retryAfter = Number(headers.get('retry-after'))
    if (retryAfter > 0) this.#retryMs = retryAfter * 1000
    this.#body = status === 200 ? this.#transport.createReader(this, this.#cursor) : undefined
  }

  onBody(bytes: Uint8Array): void {
    this.#body?.push(bytes)
    this.#cursor = this.#body?.cursor ?? this.#cursor
  }

  onEnd(): void {
    this.#body?.end()
    this.#cursor = this.#body?.cursor ?? this.#cursor
    if (this.#transport.isPolling && this.#status === 200) this.#ask()
    else this.#socket?.destroy()
  }

  onClosed(why: string | undefined): void {
    this.#socket = undefined
    this.#responses = undefined
    this.#body = undefined
    if (this.#isClosed) return
    if (this.#isHearing) this.#listener.onCut()
    else this.#listener.onRefused(this.#why ?? (why === undefined ? 'it hangs up' : why))
    const waitMs = this.#isHearing || this.#status === 200 ? this.#retryMs : refusedRetryMs * (0.5 + Math.random())
    this.#isHearing = false
    this.#status = 0
    this.#timer = setTimeout(() => this.open(), waitMs)
  }

  onCursor(): void {
    this.#isHearing = true
    if (this.#wasReady) return
    this.#wasReady = true
    this.#listener.onReady(this)
  }

  onEvent(data: string): void {
    this.#listener.onEvent(this, data)
  }

  onGap(): void {
    this.#listener.onGap(this)
  }

  onRetry(ms: number): void {
    this.#retryMs = ms
  }

  onComment(text: string): void {
    this.#why = text
  }

  #drop(why: string): void {
    this.#why = why
    this.#socket?.destroy()
  }
}

function basic({ username, password }: URL): string {
  return Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
}
