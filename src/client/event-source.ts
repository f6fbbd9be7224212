import { next, type State } from './event-source-life.js'
import { type EventStream, readEventStream } from './event-stream.js'
import { type Fetch, isEventStream, requestStream } from './request.js'

export interface EventSourceInit {
  /** Whether cookies go to other origins too. Default: false. */
  readonly withCredentials?: boolean | undefined
  /** Makes every request, with more headers or by another way. Not of the standard. Default: the global one. */
  readonly fetch?: Fetch | undefined
}

export interface EventSourceEventMap {
  open: Event
  message: MessageEvent<string>
  error: Event
}

type Listener<E> = ((this: EventSource, event: E) => unknown) | null

/** What the base class has, with the events of this one. */
export interface EventSource {
  addEventListener<T extends keyof EventSourceEventMap>(
    type: T,
    listener: (this: EventSource, event: EventSourceEventMap[T]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: (this: EventSource, event: MessageEvent<string>) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void
  removeEventListener<T extends keyof EventSourceEventMap>(
    type: T,
    listener: (this: EventSource, event: EventSourceEventMap[T]) => unknown,
    options?: boolean | EventListenerOptions,
  ): void
  removeEventListener(
    type: string,
    listener: (this: EventSource, event: MessageEvent<string>) => unknown,
    options?: boolean | EventListenerOptions,
  ): void
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void
}

/** The time to wait that a stream has not set: "implementation-defined, probably in the region of a few seconds". */
const defaultRetryMs = 3000
/** Longer times make `setTimeout` fire at once. */
const longestTimerMs = 2 ** 31 - 1
/** The waits after attempts that failed one after another, if `retry` is not longer: the first, doubled up to the last. */
const firstFailureMs = 1000
const lastFailureMs = 64_000

/**
 * The interface of the WHATWG HTML standard, section 9.2, for runtimes that lack it, for more headers and other ways to the server
 * (`fetch`), and as what a page relies on whatever its browser does.
 *
 * The constructor throws a `SyntaxError` (`DOMException`) for a URL that is none. Relative ones are of the document or worker; where there
 * is neither, they are none. An answer that is no 200 with a stream of events closes it for good; any end of the connection
 * makes it come back, with the last id that it heard, after the time that the stream has set or 3 seconds. An attempt that gets no answer at
 * all is followed by longer waits, at most 64 seconds. A block of more than 16 Mi characters counts as an end of the connection.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: what it merges with says only the types of what the base class has.
export class EventSource extends EventTarget {
  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSED: 2
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSED: 2

  readonly #url: string
  readonly #withCredentials: boolean
  readonly #fetch: Fetch | undefined
  readonly #handlers: { [T in keyof EventSourceEventMap]?: { value: unknown; listener: (event: Event) => void } } = {}
  #state: State = 'waiting'
  #lastEventId = ''
  #retryMs = defaultRetryMs
  /** Attempts since the last answer. */
  #failures = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #request: AbortController | undefined
  #stream: EventStream | undefined

  constructor(url: string | URL, init: EventSourceInit = {}) {
    super()
    // biome-ignore lint/complexity/noArguments: undefined is a URL, and nothing is none.
    if (arguments.length === 0) throw new TypeError('EventSource needs a URL.')
    if (init !== null && typeof init !== 'object' && typeof init !== 'function') {
      throw new TypeError('The options are no object.')
    }
    const given = `${url}`
    this.#withCredentials = Boolean(init?.withCredentials)
    this.#fetch = init?.fetch
    const { document, location } = globalThis as { document?: { baseURI?: string }; location?: { href?: string } }
    try {
      this.#url = new URL(given, document?.baseURI ?? location?.href).href
    } catch {
      throw new DOMException(`Not a URL: ${given}`, 'SyntaxError')
    }
    void this.#ask()
  }

  /** The URL, resolved. */
  get url(): string {
    return this.#url
  }

  get withCredentials(): boolean {
    return this.#withCredentials
  }

  /** `CONNECTING`, `OPEN` or `CLOSED`. */
  get readyState(): number {
    if (this.#state === 'closed') return 2
    return this.#state === 'open' ? 1 : 0
  }

  get onopen(): Listener<Event> {
    return this.#handler('open')
  }
  set onopen(handler: Listener<Event>) {
    this.#setHandler('open', handler)
  }

  get onmessage(): Listener<MessageEvent<string>> {
    return this.#handler('message')
  }
  set onmessage(handler: Listener<MessageEvent<string>>) {
    this.#setHandler('message', handler)
  }

  get onerror(): Listener<Event> {
    return this.#handler('error')
  }
  set onerror(handler: Listener<Event>) {
    this.#setHandler('error', handler)
  }

  /** Ends the connection, and hears nothing more, also not what is left of the bytes at hand. */
  close(): void {
    this.#state = next(this.#state, 'close')
    this.#leave()
  }

  #leave(): void {
    clearTimeout(this.#timer)
    this.#stream?.close()
    this.#request?.abort()
  }

  /** One attempt, to its end. What comes after the EventSource was closed finds the request aborted. */
  async #ask(): Promise<void> {
    this.#state = next(this.#state, 'due')
    const request = new AbortController()
    const { signal } = request
    this.#request = request
    this.#stream = undefined
    let response: Response | undefined
    try {
      response = await requestStream({
        url: this.#url,
        fetch: this.#fetch,
        withCredentials: this.#withCredentials,
        lastEventId: this.#lastEventId,
        signal,
      })
      if (signal.aborted) return
      if (response.status !== 200 || !isEventStream(response)) {
        this.#refused()
        return
      }
      this.#failures = 0
      this.#state = next(this.#state, 'opened')
      // From before the handlers of `open` on, since they may close it.
      const stream = this.#read(response)
      this.dispatchEvent(new Event('open'))
      await stream.ended
    } catch {
      // No answer, or a connection that broke: to a page these are one thing.
      if (!response) this.#failures++
    }
    if (!signal.aborted) this.#lost()
  }

  #read({ body, url }: Response): EventStream {
    const origin = new URL(url || this.#url).origin
    let events: Event[] = []
    const stream = readEventStream(body, {
      lastEventId: this.#lastEventId,
      onRetry: ms => {
        this.#retryMs = ms
      },
      onEvent: ({ type, data, id }) => events.push(new MessageEvent(type, { data, origin, lastEventId: id })),
      // "Queue a task which [...] dispatches": who waits in a handler's promise is back before the next event.
      afterChunk: async () => {
        const heard = events
        events = []
        for (const event of heard) {
          if (this.#state !== 'open') return
          this.dispatchEvent(event)
          await undefined
        }
      },
    })
    this.#stream = stream
    return stream
  }

  /** "Reestablish the connection". */
  #lost(): void {
    this.#state = next(this.#state, 'lost')
    this.#lastEventId = this.#stream?.lastEventId ?? this.#lastEventId
    this.#leave()
    this.dispatchEvent(new Event('error'))
    // Its handlers may have closed it.
    if (this.#state !== 'waiting') return
    const sinceFailure = this.#failures && Math.min(firstFailureMs * 2 ** (this.#failures - 1), lastFailureMs)
    this.#timer = setTimeout(() => void this.#ask(), Math.min(Math.max(this.#retryMs, sinceFailure), longestTimerMs))
  }

  /** "Fail the connection". */
  #refused(): void {
    this.#state = next(this.#state, 'refused')
    this.#leave()
    this.dispatchEvent(new Event('error'))
  }

  #handler<E>(type: keyof EventSourceEventMap): Listener<E> {
    return (this.#handlers[type]?.value ?? null) as Listener<E>
  }

  /** An event handler attribute: it has its place among the listeners from the first value that is none of null on. */
  #setHandler(type: keyof EventSourceEventMap, value: unknown): void {
    const before = this.#handlers[type]
    if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) {
      if (before) super.removeEventListener(type, before.listener)
      delete this.#handlers[type]
    } else if (before) {
      before.value = value
    } else {
      const handler = {
        value,
        listener: (event: Event) => {
          if (typeof handler.value === 'function') handler.value.call(this, event)
        },
      }
      this.#handlers[type] = handler
      super.addEventListener(type, handler.listener)
    }
  }
}

const { prototype } = EventSource
for (const [value, name] of ['CONNECTING', 'OPEN', 'CLOSED'].entries()) {
  for (const place of [EventSource, prototype]) Object.defineProperty(place, name, { value, enumerable: true })
}
for (const name of ['url', 'withCredentials', 'readyState', 'onopen', 'onmessage', 'onerror', 'close']) {
  Object.defineProperty(prototype, name, { enumerable: true })
}
Object.defineProperty(prototype, Symbol.toStringTag, { value: 'EventSource', configurable: true })
