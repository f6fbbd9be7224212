import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { TidingsError } from '../wire/errors.js'
import { Gather } from './gather.js'

const nothing = new Uint8Array()

let turn: Promise<void> | undefined

/** Resolves when all that has arrived by now is parsed: Node.js hands a request over when it has parsed no more than its head. */
function endOfTurn(): Promise<void> {
  turn ??= new Promise(resolve => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  })
  return turn
}

/** What a body comes by. */
export type BodySource = IncomingMessage | ServerHttp2Stream

/** Whether nothing more comes. A stream of HTTP/2 says so only when all of it was read. */
function isWhole(incoming: BodySource): boolean {
  return 'complete' in incoming ? incoming.complete : incoming.readableEnded && !incoming.aborted
}

/**
 * The body of a request, taken a chunk at a time: while nobody asks for the next one, the connection is not read, so at most
 * what Node.js had in hand is held.
 */
export class Body {
  readonly #incoming: BodySource
  readonly #chunks: Buffer[] = []
  #isPulled = false
  #wake: (() => void) | undefined
  #isOver = false
  #isCut = false

  constructor(incoming: BodySource) {
    this.#incoming = incoming
  }

  /**
   * All of it, if over HTTP/1.1 it has come by the end of this turn of the loop, as most do, in one piece with the head. Reading it
   * so, without listeners and a timer, halves what a small publish costs. Rejects with `bad-request` if the connection ended before.
   */
  async inHand(): Promise<Uint8Array | undefined> {
    const incoming = this.#incoming
    if (!('complete' in incoming)) return undefined
    await endOfTurn()
    if (incoming.destroyed) throw cut()
    return incoming.complete ? (incoming.read() ?? nothing) : undefined
  }

  /**
   * All of it, put together; `take` is asked for room for each chunk. Rejects with `request-timeout` if it is not whole in `waitMs`,
   * `bad-request` if the connection ends before, and with what `take` gives where there is no room.
   */
  whole(waitMs: number, take: (bytes: number) => Error | undefined): Promise<Uint8Array> {
    const incoming = this.#incoming
    return new Promise((resolve, reject) => {
      if (incoming.destroyed) {
        reject(cut())
        return
      }
      const gathered = new Gather()
      const stop = (): void => {
        clearTimeout(timer)
        incoming.off('data', onData)
        incoming.off('end', onEnd)
        incoming.off('close', onCut)
      }
      const fail = (error: Error): void => {
        stop()
        incoming.pause()
        reject(error)
      }
      const onData = (chunk: Buffer): void => {
        const error = take(chunk.length)
        if (error) fail(error)
        else gathered.add(chunk)
      }
      const onEnd = (): void => {
        // A client that resets its stream without an error ends it, too.
        if (isWhole(incoming)) {
          stop()
          resolve(gathered.take())
        } else fail(cut())
      }
      const onCut = (): void => fail(cut())
      // After a pause of the event loop, timers come before what has arrived meanwhile: that is looked at first.
      const timer = setTimeout(() => setImmediate(() => !isWhole(incoming) && fail(tooSlow())), waitMs)
      incoming.on('data', onData)
      incoming.on('end', onEnd)
      incoming.on('close', onCut)
    })
  }

  #pull(): void {
    this.#isPulled = true
    const incoming = this.#incoming
    incoming.on('data', this.#onData)
    incoming.on('end', this.#onEnd)
    incoming.on('error', this.#onCut)
    incoming.on('close', this.#onCut)
    incoming.pause()
  }

  /**
   * The next bytes; nothing after the last. Throws `request-timeout` if none come in `waitMs`, `bad-request` if the connection
   * ends before the body does.
   */
  async next(waitMs: number): Promise<Buffer | undefined> {
    if (!this.#isPulled) this.#pull()
    const deadline = performance.now() + waitMs
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) return chunk
      if (this.#isOver) return undefined
      if (this.#isCut) throw cut()
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) throw tooSlow()
      await this.#more(leftMs)
    }
  }

  /** Resolves when something came, or the time is over. */
  #more(ms: number): Promise<void> {
    return new Promise(resolve => {
      // After a pause of the event loop, timers come before what has arrived meanwhile: that is looked at first.
      const timer = setTimeout(() => setImmediate(resolve), ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#incoming.resume()
    })
  }

  /** What is still to come is thrown away as it comes, for at most `ms`; then `cutOff` is called. */
  discard(ms: number, cutOff: () => void): void {
    const incoming = this.#incoming
    this.#chunks.length = 0
    incoming.off('data', this.#onData)
    incoming.resume()
    if (isWhole(incoming) || incoming.destroyed) return
    // A connection closed with unread bytes is reset, and a reset may overtake the answer that says why.
    const timer = setTimeout(cutOff, ms)
    timer.unref()
    const stop = () => clearTimeout(timer)
    incoming.once('end', stop)
    incoming.once('close', stop)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#incoming.pause()
    this.#wake?.()
  }

  readonly #onEnd = (): void => {
    if (isWhole(this.#incoming)) this.#isOver = true
    else this.#isCut = true
    this.#wake?.()
  }

  readonly #onCut = (): void => {
    this.#isCut = true
    this.#wake?.()
  }
}

function cut(): TidingsError {
  return new TidingsError('bad-request', 'The connection ended before the body did.')
}

function tooSlow(): TidingsError {
  return new TidingsError('request-timeout', 'The body came too slowly.')
}
