/** The head of a response, as far as a bench needs it. */
export interface ResponseHead {
  readonly status: number
  /** Names in lower case; of several of one name, the last. */
  readonly headers: ReadonlyMap<string, string>
}

export interface ResponseListener {
  onHead(head: ResponseHead): void
  /** The bytes are good during the call only. */
  onBody(bytes: Uint8Array): void
  /** The response is whole. What comes next on the connection is another one. */
  onEnd(): void
}

const maxHeadBytes = 64 * 1024
const blankLine = '\r\n\r\n'

/**
 * Reads the responses of one connection (RFC 9112), without a stream or an object for what it passes on: with thousands of
 * connections in one process, those would cost more than what is measured. A body that ends with its connection has no `onEnd`.
 */
export class ResponseReader {
  readonly #listener: ResponseListener
  #state: 'head' | 'length' | 'close' | 'size' | 'chunk' | 'chunk-end' | 'trailer' = 'head'
  /** The unfinished line or head. */
  #held = ''
  /** Bytes that are left of the body or the chunk. */
  #left = 0

  constructor(listener: ResponseListener) {
    this.#listener = listener
  }

  /** Throws if that is not HTTP/1.1. */
  push(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) at = this.#step(at === 0 ? bytes : bytes.subarray(at)) + at
  }

  /** How many bytes it took. */
  #step(bytes: Uint8Array): number {
    switch (this.#state) {
      case 'close':
        this.#listener.onBody(bytes)
        return bytes.length
      case 'length':
      case 'chunk':
        return this.#take(bytes)
      case 'head':
        return this.#through(blankLine, bytes, text => this.#readHead(text))
      case 'size':
        return this.#through('\r\n', bytes, text => this.#readSize(text))
      case 'chunk-end':
        return this.#through('\r\n', bytes, () => {
          this.#state = 'size'
        })
      case 'trailer':
        return this.#through('\r\n', bytes, text => {
          if (text === '') this.#end()
        })
    }
  }

  #take(bytes: Uint8Array): number {
    const taken = Math.min(this.#left, bytes.length)
    this.#left -= taken
    this.#listener.onBody(taken === bytes.length ? bytes : bytes.subarray(0, taken))
    if (this.#left > 0) return taken
    if (this.#state === 'chunk') this.#state = 'chunk-end'
    else this.#end()
    return taken
  }

  /** Hands over the text before `end`, once it is there. */
  #through(end: string, bytes: Uint8Array, read: (text: string) => void): number {
    const before = this.#held.length
    // Of a line no more than that: behind the size of a chunk stands the chunk.
    const limit = end === blankLine ? bytes.length : bytes.indexOf(0x0a) + 1 || bytes.length
    this.#held += Buffer.from(bytes.buffer, bytes.byteOffset, limit).toString('latin1')
    const found = this.#held.indexOf(end, Math.max(0, before - end.length))
    if (found < 0) {
      if (this.#held.length > maxHeadBytes) throw new Error('its head does not end')
      return limit
    }
    const text = this.#held.slice(0, found)
    this.#held = ''
    read(text)
    return found + end.length - before
  }

  #readHead(text: string): void {
    const [first = '', ...lines] = text.split('\r\n')
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1])
    if (Number.isNaN(status)) throw new Error('it does not speak HTTP/1.1')
    // 100 and 103 come before the response.
    if (status < 200) return
    const headers = new Map(
      lines.map(line => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      }),
    )
    const isChunked = /\bchunked$/i.test(headers.get('transfer-encoding') ?? '')
    const length = headers.get('content-length')
    this.#left = Number(length ?? 0)
    const isBodiless = status === 204 || status === 304
    this.#state = isChunked ? 'size' : length === undefined && !isBodiless ? 'close' : 'length'
    this.#listener.onHead({ status, headers })
    if (this.#state === 'length' && (this.#left === 0 || isBodiless)) this.#end()
  }

  #readSize(text: string): void {
    this.#left = Number.parseInt(text, 16)
    if (!(this.#left >= 0)) throw new Error('its chunks have no size')
    this.#state = this.#left === 0 ? 'trailer' : 'chunk'
  }

  #end(): void {
    this.#state = 'head'
    this.#listener.onEnd()
  }
}
