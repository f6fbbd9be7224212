import type { Sink, SinkListener } from '../../hub/sink.js'

/** What a lane needs of its connection. */
export interface Way {
  /** Whether the kernel took all; if not, the lane's `drained` is called when it has. */
  write(bytes: Uint8Array): boolean
  /** The hub has ended the subscription, after its last words. */
  laneEnded(): void
  destroy(): void
  watchStall(ms: number): void
}

/** The sink of one subscription among those that a connection has in turn. Left, it lets the connection be. */
export class Lane implements Sink {
  readonly #way: Way
  #listener: SinkListener | undefined
  #isOver = false
  #isClosed = false

  constructor(way: Way) {
    this.#way = way
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    return this.#isOver || bytes.length === 0 || this.#way.write(bytes)
  }

  end(): void {
    if (this.#isOver) return
    this.leave()
    this.#way.laneEnded()
  }

  destroy(): void {
    if (this.#isOver) return
    this.leave()
    this.#way.destroy()
  }

  watchStall(ms: number): void {
    if (!this.#isOver) this.#way.watchStall(ms)
  }

  /** Its connection goes on without it. */
  leave(): void {
    this.#isOver = true
    // A sink tells its subscription nothing from inside of what it is called with.
    queueMicrotask(() => this.closed())
  }

  drained(): void {
    this.#listener?.drained()
  }

  stalled(): void {
    this.#listener?.stalled()
  }

  closed(): void {
    this.#isOver = true
    if (this.#isClosed) return
    this.#isClosed = true
    this.#listener?.closed()
  }
}
