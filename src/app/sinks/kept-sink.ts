import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Sink, SinkListener } from '../../hub/sink.js'

const sinkOf: unique symbol = Symbol('sink')
type KeptSocket = Socket & { [sinkOf]?: KeptSink }

/**
 * A subscription's bytes straight onto the socket of a response whose head was sent, and which is kept for whoever listens to it: the
 * application's hooks, `server.close()`, Node's own clean-up. The body ends with the connection, so all streams get the same bytes.
 */
export class KeptSink implements Sink {
  readonly #response: ServerResponse
  readonly #socket: Socket
  readonly #onClose: () => void
  #start: Uint8Array | undefined
  #listener: SinkListener | undefined
  #isHolding = false
  #isEnding = false

  /** `start` goes out with the first bytes. */
  constructor(response: ServerResponse, socket: Socket, start: Uint8Array, onClose: () => void) {
    this.#response = response
    this.#socket = socket
    this.#start = start
    this.#onClose = onClose
    const kept: KeptSocket = socket
    kept[sinkOf] = this
    socket.on('drain', onDrain)
    socket.on('timeout', onTimeout)
    socket.on('close', onClosed)
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket
    // Node.js ends the socket itself when its client does.
    if (this.#isEnding || socket.writableEnded || socket.destroyed) return true
    const isTaken = socket.write(this.#start ? Buffer.concat([this.#start, bytes]) : bytes)
    this.#start = undefined
    this.#isHolding = !isTaken && socket.writableLength > 0
    return !this.#isHolding
  }

  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#response.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  watchStall(ms: number): void {
    this.#socket.setTimeout(ms)
  }

  drained(): void {
    if (!this.#isHolding) return
    this.#isHolding = false
    this.#listener?.drained()
  }

  stalled(): void {
    if (this.#isHolding || this.#isEnding) this.#listener?.stalled()
  }

  closed(): void {
    this.#listener?.closed()
    this.#onClose()
  }
}

// One function each for all: a closure would be kept as long as its connection.
function onDrain(this: KeptSocket): void {
  this[sinkOf]?.drained()
}

function onTimeout(this: KeptSocket): void {
  this[sinkOf]?.stalled()
}

function onClosed(this: KeptSocket): void {
  this[sinkOf]?.closed()
}
