import { StallWatch } from '../../http/sinks/stall-watch.js'
import type { Sink, SinkListener } from '../../hub/sink.js'

/** What the body of a `Response` is ahead of who reads it, besides what the runtime itself holds. */
const maxAheadBytes = 64 * 1024

/**
 * With the code that Node.js has for it, by which servers of `Request` and `Response` tell it from a fault: that of Hono would print its stack
 * for every reader who stood still.
 */
function cutOff(): Error {
  const error = new Error('The stream was cut off: its reader stood still, or the hub closed.')
  return Object.assign(error, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

/** A subscription's bytes as the body of a `Response`. */
export class BodySink implements Sink {
  readonly body: ReadableStream<Uint8Array>
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #start: Uint8Array | undefined
  #listener: SinkListener | undefined
  #isHolding = false
  #isOver = false
  #isClosed = false
  readonly #onClose: () => void
  readonly #stall: StallWatch

  constructor(start: Uint8Array, onClose: () => void) {
    this.#start = start
    this.#onClose = onClose
    this.#stall = new StallWatch(
      () => maxAheadBytes - (this.#controller?.desiredSize ?? 0),
      () => this.#listener?.stalled(),
    )
    // Not a stream of `type: 'bytes'`: that takes the buffers away from the others who share them.
    this.body = new ReadableStream<Uint8Array>(
      {
        start: controller => {
          this.#controller = controller
        },
        pull: () => {
          if (!this.#isHolding) return
          this.#isHolding = false
          this.#listener?.drained()
        },
        cancel: () => this.#close(),
      },
      { highWaterMark: maxAheadBytes, size: bytes => bytes.byteLength },
    )
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    const controller = this.#controller
    if (this.#isOver || !controller) return true
    const whole = this.#start ? Buffer.concat([this.#start, bytes]) : bytes
    this.#start = undefined
    if (whole.byteLength > 0) controller.enqueue(whole)
    this.#isHolding = (controller.desiredSize ?? 1) <= 0
    return !this.#isHolding
  }

  end(): void {
    if (this.#isOver) return
    this.#controller?.close()
    queueMicrotask(() => this.#close())
    this.#isOver = true
  }

  /** Drops what was not taken, as a cut connection does: the client comes back. */
  destroy(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#controller?.error(cutOff())
    queueMicrotask(() => this.#close())
  }

  watchStall(ms: number): void {
    if (!this.#isOver) this.#stall.watch(ms)
  }

  /** The body may be cancelled also after it was ended, while something of it is still to be read. */
  #close(): void {
    this.#isOver = true
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stall.watch(0)
    this.#listener?.closed()
    this.#onClose()
  }
}
