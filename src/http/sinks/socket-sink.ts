import type { Socket } from 'node:net'
import type { Sink, SinkListener } from '../../hub/sink.js'
import { giveTo, type Tenant } from './held-sockets.js'

/**
 * A subscription's bytes straight onto a connection that was taken out of the HTTP server (`HeldSockets`): no response object,
 * no closure and no promise a connection, the same bytes for all.
 */
export class SocketSink implements Sink, Tenant {
  readonly #socket: Socket
  #head: Buffer | undefined
  #listener: SinkListener | undefined
  #isHolding = false
  #isEnding = false

  /** `head` goes out with the first bytes, in one write: Firefox opens a stream at its first byte of body. */
  constructor(socket: Socket, head: Buffer) {
    this.#socket = socket
    this.#head = head
    giveTo(socket, this)
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnding) return true
    const socket = this.#socket
    let isTaken: boolean
    if (this.#head) {
      isTaken = socket.write(Buffer.concat([this.#head, bytes]))
      this.#head = undefined
    } else {
      isTaken = socket.write(bytes)
    }
    // Some versions of Node.js judge by the high-water mark before they ask the kernel: false then, though it took all.
    this.#isHolding = !isTaken && socket.writableLength > 0
    return !this.#isHolding
  }

  end(): void {
    if (this.#isEnding) return
    if (this.#head) this.write(new Uint8Array())
    this.#isEnding = true
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  watchStall(ms: number): void {
    this.#socket.setTimeout(ms)
  }

  /** The kernel has taken all. Of a write that it took at once it may be said too, to which nobody listens. */
  onDrain(): void {
    if (!this.#isHolding) return
    this.#isHolding = false
    this.#listener?.drained()
  }

  onTimeout(): void {
    this.#listener?.stalled()
  }

  onClose(): void {
    this.#listener?.closed()
  }
}
