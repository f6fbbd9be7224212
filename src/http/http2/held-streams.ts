import type { Standing } from '../sinks/held-sockets.js'

/** A stream of events that goes out on a connection of HTTP/2, beside others. */
export interface HeldStream {
  /** Nothing: it has its events by nothing that could be taken back. */
  readonly standing: Standing | undefined
}

/** The streams of events on connections of HTTP/2. */
export class HeldStreams {
  readonly #streams = new Set<HeldStream>()

  /** How many there are, and requests for one that are not answered yet. */
  get size(): number {
    return this.#streams.size
  }

  take(stream: HeldStream): void {
    this.#streams.add(stream)
  }

  forget(stream: HeldStream): void {
    this.#streams.delete(stream)
  }

  /** Ends the streams of those who may not have them any more. */
  endUnless(isGood: (standing: Standing) => boolean): void {
    for (const { standing } of this.#streams) {
      if (standing && !isGood(standing)) standing.stream.close()
    }
  }
}
