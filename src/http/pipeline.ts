import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Who wants to hear of a request that waits. Most of the time nobody does. */
interface Listeners {
  whenLeft: (() => void)[] | undefined
  whenOver: (() => void)[] | undefined
}

type Waiting = Map<ServerResponse, Listeners>

/**
 * The requests that wait for their answers, by connection: more than one, where a client sends ahead.
 *
 * Node.js says 'close' of a response only if it is the one whose turn it is; those behind it would never hear that their
 * connection is gone.
 */
export class Pipeline {
  /** No connection is to wait for another request. */
  isClosing = false
  readonly #waiting = new WeakMap<Socket, Waiting>()

  readonly #onClose: (this: ServerResponse) => void

  constructor() {
    const waiting = this.#waiting
    // One for all. By then the response has no socket of its own any more, but its request still does.
    this.#onClose = function () {
      leave(waiting.get(this.req.socket), this)
    }
  }

  /** How many wait on a connection. */
  under(socket: Socket): number {
    return this.#waiting.get(socket)?.size ?? 0
  }

  enter(socket: Socket, response: ServerResponse): void {
    const waiting = this.#waiting.get(socket) ?? this.#follow(socket)
    waiting.set(response, { whenLeft: undefined, whenOver: undefined })
    response.on('close', this.#onClose)
  }

  /** Calls back once when the caller will send no more, or is gone. Who waits for an answer has no reason to close its side. */
  whenLeft(socket: Socket, response: ServerResponse, call: () => void): void {
    const entry = this.#waiting.get(socket)?.get(response)
    if (entry) entry.whenLeft = [...(entry.whenLeft ?? []), call]
  }

  /** Calls back once when the answer is with the kernel, or the connection is gone. */
  whenOver(socket: Socket, response: ServerResponse, call: () => void): void {
    const entry = this.#waiting.get(socket)?.get(response)
    if (entry) entry.whenOver = [...(entry.whenOver ?? []), call]
    else call()
  }

  /** The last of those that came whole; one whose body is still coming is none. */
  lastWhole(socket: Socket): ServerResponse | undefined {
    return [...(this.#waiting.get(socket)?.keys() ?? [])].findLast(response => response.req.complete)
  }

  /** Whether bytes of an answer are on their way, into which no other may be put. */
  isAnswering(socket: Socket): boolean {
    return [...(this.#waiting.get(socket)?.keys() ?? [])].some(response => response.headersSent)
  }

  #follow(socket: Socket): Waiting {
    const waiting: Waiting = new Map()
    this.#waiting.set(socket, waiting)
    socket.once('end', () => {
      for (const entry of waiting.values()) {
        const calls = entry.whenLeft ?? []
        entry.whenLeft = undefined
        for (const call of calls) call()
      }
    })
    socket.once('close', () => {
      for (const response of [...waiting.keys()]) leave(waiting, response)
    })
    return waiting
  }
}

function leave(waiting: Waiting | undefined, response: ServerResponse): void {
  const entry = waiting?.get(response)
  if (!entry) return
  waiting?.delete(response)
  for (const call of entry.whenLeft ?? []) call()
  for (const call of entry.whenOver ?? []) call()
}
