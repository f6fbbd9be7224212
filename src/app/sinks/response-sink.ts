import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { StallWatch } from '../../http/sinks/stall-watch.js'
import type { Sink, SinkListener } from '../../hub/sink.js'

/**
 * A subscription's bytes through a response: of HTTP/2, and of HTTP/1.1 where its socket cannot be had (`KeptSink` is
 * cheaper).
 */
export class ResponseSink implements Sink {
  readonly #response: ServerResponse | Http2ServerResponse
  #start: Uint8Array | undefined
  #listener: SinkListener | undefined
  #isEnding = false
  readonly #stall: StallWatch

  /** `start` goes out before the first bytes. */
  constructor(response: ServerResponse | Http2ServerResponse, start: Uint8Array, onClose: () => void) {
    this.#response = response
    this.#start = start
    this.#stall = new StallWatch(
      () => ('stream' in response ? response.stream?.writableLength : response.writableLength) ?? 0,
      () => this.#listener?.stalled(),
    )
    // A client that resets its stream without an error, as one of Node.js does, closes none that still has something to send.
    if ('stream' in response) response.stream.on('aborted', () => response.stream.destroy())
    response.on('drain', () => this.#listener?.drained())
    response.on('close', () => {
      this.#isEnding = true
      this.#stall.watch(0)
      this.#listener?.closed()
      onClose()
    })
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnding) return true
    const whole = this.#start ? Buffer.concat([this.#start, bytes]) : bytes
    this.#start = undefined
    // The types have two `write`s, which do the same.
    return (this.#response as ServerResponse).write(whole)
  }

  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#response.end()
  }

  destroy(): void {
    if ('stream' in this.#response) this.#response.stream.destroy()
    else this.#response.destroy()
  }

  watchStall(ms: number): void {
    this.#stall.watch(ms)
  }
}
