import { get, type IncomingMessage } from 'node:http'
import { createParser, type ParsedEvent } from '../../../src/wire/parse.js'

export interface ResumingReaderOptions {
  readonly port: number
  /** Path and query, such as `/events/news?since=earliest`. */
  readonly target: string
  /** How the cursor is sent. Default: `header`, which is `Last-Event-ID`. */
  readonly cursorIn?: 'header' | 'parameter'
  /** Where it begins. Default: without a cursor. */
  readonly lastEventId?: string
  /** Called at each event of a publisher. */
  readonly onEvent?: ((event: ParsedEvent) => void) | undefined
  /** Whether `events` keeps them. Default: true. */
  readonly keepsEvents?: boolean
}

/** So long it waits before it asks again, which is at once, but for the loop's sake. */
const againMs = 5

/**
 * Hears an event stream as any program would with `http.get`: over connections that end, each time going on from the last id
 * that it has. It takes out nothing that comes twice, and puts nothing in order.
 */
export class ResumingReader {
  /** What publishers said. */
  readonly events: ParsedEvent[] = []
  /** What the hub itself said. */
  readonly hubEvents: ParsedEvent[] = []
  /** The `retry` of each connection, in their order; the later ones of one connection too. */
  readonly retries: number[][] = []
  lastEventId: string
  /** How many connections were answered, and how many of them are over. */
  opened = 0
  ended = 0
  /** The status of an answer that was no stream, after which it does not come again. */
  refusal: number | undefined
  readonly #options: ResumingReaderOptions
  #isStopped = false
  #isPaused = false
  #request: ReturnType<typeof get> | undefined
  #response: IncomingMessage | undefined
  #again: NodeJS.Timeout | undefined

  constructor(options: ResumingReaderOptions) {
    this.#options = options
    this.lastEventId = options.lastEventId ?? ''
    this.#connect()
  }

  get gaps(): readonly ParsedEvent[] {
    return this.hubEvents.filter(event => event.type === '$gap')
  }

  get data(): readonly string[] {
    return this.events.map(event => event.data)
  }

  /** The connection is over, and there is to be no other. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#again)
    this.#request?.destroy()
  }

  /** Takes no byte any more; later connections neither. */
  pause(): void {
    this.#isPaused = true
    this.#response?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#response?.resume()
  }

  #connect(): void {
    const { port, target, cursorIn = 'header' } = this.#options
    // What a paused response still holds comes again, behind the cursor that is sent now.
    this.#response?.destroy()
    this.#response = undefined
    const id = this.lastEventId
    const isParameter = cursorIn === 'parameter' && id !== ''
    const path = isParameter ? `${target}${target.includes('?') ? '&' : '?'}lastEventId=${id}` : target
    const headers = id !== '' && cursorIn === 'header' ? { 'Last-Event-ID': id } : {}
    this.#request = get({ host: '127.0.0.1', port, path, headers, agent: false })
    this.#request.on('response', response => this.#read(response))
    // What is wrong is that there is no connection, or none any more; 'close' says so too.
    this.#request.on('error', () => undefined)
    this.#request.on('close', () => {
      if (!this.#isStopped) this.#again = setTimeout(() => this.#connect(), againMs)
    })
  }

  #read(response: IncomingMessage): void {
    if (response.statusCode !== 200) {
      this.refusal = response.statusCode
      this.#isStopped = true
      response.resume()
      return
    }
    this.opened++
    this.#response = response
    const retries: number[] = []
    this.retries.push(retries)
    const parser = createParser({
      lastEventId: this.lastEventId,
      onRetry: ms => void retries.push(ms),
      onEvent: event => {
        if (event.type.startsWith('$')) this.hubEvents.push(event)
        else {
          if (this.#options.keepsEvents !== false) this.events.push(event)
          this.#options.onEvent?.(event)
        }
      },
    })
    response.on('data', (bytes: Buffer) => {
      if (this.#isStopped) return
      parser.push(bytes)
      this.lastEventId = parser.lastEventId
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      this.ended++
    })
    if (this.#isPaused) response.pause()
  }
}
