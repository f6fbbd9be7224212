import { Readable } from 'node:stream'
import type { AnyResponse } from './open-response.js'

/**
 * What Fastify takes for the body. When it comes to sending that, its hooks have run and the response has all headers; then the response is
 * taken over, as in other frameworks.
 */
export class Handover extends Readable {
  readonly #response: AnyResponse
  #take: ((isOpen: boolean) => void) | undefined

  /** `take` is called once: with false, if the response was closed before. */
  constructor(response: AnyResponse, take: (isOpen: boolean) => void) {
    super()
    this.#response = response
    this.#take = take
    response.once('close', () => this.#settle(false))
  }

  override _read(): void {}

  override pipe<Destination extends NodeJS.WritableStream>(destination: Destination): Destination {
    if ((destination as unknown) !== this.#response) {
      this.destroy(new Error('A stream of events goes to its response as it is: leave it out of what alters bodies.'))
      return destination
    }
    this.#settle(true)
    // For Fastify the body is read to its end with this; the response ends by itself.
    this.push(null)
    this.resume()
    return destination
  }

  #settle(isOpen: boolean): void {
    const take = this.#take
    this.#take = undefined
    take?.(isOpen)
  }
}
