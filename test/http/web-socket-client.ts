import { WebSocket } from 'ws'

/** A message as it was heard. */
export type Message = Readonly<Record<string, unknown>>

/** A client of the WebSocket interface that keeps what it hears. */
export class WebSocketClient {
  readonly socket: WebSocket
  readonly heard: Message[] = []
  /** The close code, once it is closed. */
  code: number | undefined
  /** The status with which the request was refused. */
  refusal: number | undefined
  #wake: (() => void)[] = []

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), { headers })
    this.socket.on('message', data => {
      this.heard.push(JSON.parse(data.toString()))
      this.#notify()
    })
    this.socket.on('unexpected-response', (request, response) => {
      this.refusal = response.statusCode
      this.code = 1006
      request.destroy()
      this.#notify()
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', code => {
      this.code = code
      this.#notify()
    })
  }

  /** Sends a message, or a text as it is. */
  say(message: object | string): this {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    return this
  }

  /** Resolves to what is heard first that `is` holds for. Rejects when the connection is closed without it. */
  async first(is: (message: Message) => boolean): Promise<Message> {
    await this.until(() => this.heard.some(is))
    const found = this.heard.find(is)
    if (!found) throw new Error(`closed (${this.code}, ${this.refusal}) after ${JSON.stringify(this.heard)}`)
    return found
  }

  /** The answer to the message of this `ref`. */
  answer(ref: string | number): Promise<Message> {
    return this.first(message => message['ref'] === ref)
  }

  /** The data of the events that were heard, without those of the hub's own. */
  get said(): unknown[] {
    return this.heard.filter(message => message['topic'] !== undefined).map(message => message['data'])
  }

  opened(): Promise<Message> {
    return this.first(message => message['type'] === '$cursor')
  }

  /** Resolves when `condition` holds, or it is closed. */
  async until(condition: () => boolean): Promise<void> {
    while (this.code === undefined && !condition()) await new Promise<void>(resolve => this.#wake.push(resolve))
  }

  /** Resolves to the close code. */
  async closed(): Promise<number | undefined> {
    await this.until(() => false)
    return this.code
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
