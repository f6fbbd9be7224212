import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Sink, SinkListener } from '../../hub/sink.js'
import { StallWatch } from './stall-watch.js'

/**
 * What is given to a stream at once, of the bytes of one write. Node.js tells of a write only when all of it was sent, so a slow reader
 * of a large event would look like one that stands still; and what a stream was given counts against its whole connection.
 */
const sliceBytes = 16 * 1024

const sinkOf: unique symbol = Symbol('sink')
type SunkStream = ServerHttp2Stream & { [sinkOf]?: Http2Sink }

/**
 * Bytes onto a stream of HTTP/2 whose head was sent. A window that the reader has closed, and a connection that is full, are the same
 * here: the stream holds bytes back.
 */
export class Http2Sink implements Sink {
  readonly #stream: ServerHttp2Stream
  #start: Uint8Array | undefined
  /** What of the last write the stream was not given yet: a part of bytes that all share. */
  #rest: Uint8Array | undefined
  #listener: SinkListener | undefined
  /** The hub was told that bytes are held back, and waits to hear that they are not. */
  #isHolding = false
  #isEnding = false
  #isClosed = false
  #stall: StallWatch | undefined

  /** `start` goes out with the first bytes. */
  constructor(stream: ServerHttp2Stream, start?: Uint8Array) {
    this.#stream = stream
    this.#start = start
    const sunk: SunkStream = stream
    sunk[sinkOf] = this
    stream.on('drain', onDrain)
    stream.on('close', onClose)
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnding || this.#stream.destroyed || this.#stream.closed) return true
    const whole = this.#start ? Buffer.concat([this.#start, bytes]) : bytes
    this.#start = undefined
    if (this.#rest) this.#rest = Buffer.concat([this.#rest, whole])
    else if (!this.#give(whole)) this.#isHolding = true
    return !this.#isHolding
  }

  end(): void {
    if (this.#isEnding) return
    if (this.#start) this.write(new Uint8Array())
    this.#isEnding = true
    if (!this.#rest) this.#stream.end()
  }

  /** Resets the stream; the others of its connection go on. */
  destroy(): void {
    this.#isEnding = true
    this.#rest = undefined
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  watchStall(ms: number): void {
    if (this.#isClosed || (ms === 0 && !this.#stall)) return
    this.#stall ??= new StallWatch(
      () => (this.#rest?.length ?? 0) + this.#stream.writableLength,
      () => this.#listener?.stalled(),
    )
    this.#stall.watch(ms)
  }

  onDrain(): void {
    const rest = this.#rest
    const isTaken = rest === undefined || this.#give(rest)
    if (this.#isEnding) {
      if (rest && !this.#rest) this.#stream.end()
    } else if (isTaken && this.#isHolding) {
      this.#isHolding = false
      this.#listener?.drained()
    }
  }

  onClose(): void {
    this.#isClosed = true
    this.#isEnding = true
    this.#rest = undefined
    this.#stall?.watch(0)
    this.#listener?.closed()
  }

  /** Gives the stream as much as it takes, and keeps the rest. Whether it would take more. */
  #give(bytes: Uint8Array): boolean {
    this.#rest = undefined
    if (bytes.length <= sliceBytes) return this.#stream.write(bytes)
    let from = 0
    let isTaken = true
    while (isTaken && from < bytes.length) {
      isTaken = this.#stream.write(bytes.subarray(from, from + sliceBytes))
      from += sliceBytes
    }
    if (from < bytes.length) this.#rest = bytes.subarray(from)
    return isTaken
  }
}

// One function each for all: a closure would be kept as long as its stream.
function onDrain(this: SunkStream): void {
  this[sinkOf]?.onDrain()
}

function onClose(this: SunkStream): void {
  this[sinkOf]?.onClose()
}
