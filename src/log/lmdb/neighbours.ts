import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * What the processes that share a log tell each other, over the socket that its owner listens on: a byte, whenever something
 * has changed in the file. It carries nothing, and may be lost: everybody looks for changes by itself too, once a second.
 */
export interface Neighbours {
  /** Tells the others. */
  nudge(what: Nudge): void
  /** Calls `heard` when another tells, and `alone` when the owner is gone (of a member) or a member is (of the owner). */
  listen(listener: NeighbourListener): void
  close(): void
}

/** `appended`: the log has grown, or begun a new epoch. `removed`: retention has removed events, or its rules are others. */
export type Nudge = 'appended' | 'removed'

export interface NeighbourListener {
  heard(what: Nudge): void
  alone(): void
}

const bytes: { readonly [N in Nudge]: Buffer } = { appended: Buffer.of(1), removed: Buffer.of(2) }

/** Several nudges that arrive together are one, the greater one. */
function nudgeOf(chunk: Buffer): Nudge {
  return chunk.includes(2) ? 'removed' : 'appended'
}

function send(socket: Socket, what: Nudge): void {
  // Whoever has not read the last one yet needs no second, unless it says more.
  if (socket.writable && (socket.writableLength === 0 || what === 'removed')) socket.write(bytes[what])
}

/** The owner's side: it passes on what one member says to all others. */
export class Members implements Neighbours {
  readonly #sockets = new Set<Socket>()
  #listener: NeighbourListener | undefined

  /** A connection to the owner's socket. Also that of somebody who only asks whether there is an owner. */
  welcome(socket: Socket): void {
    this.#sockets.add(socket)
    socket.unref()
    socket.on('error', ignore)
    socket.on('data', chunk => {
      const what = nudgeOf(chunk)
      for (const other of this.#sockets) if (other !== socket) send(other, what)
      this.#listener?.heard(what)
    })
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#listener?.alone()
    })
  }

  nudge(what: Nudge): void {
    for (const socket of this.#sockets) send(socket, what)
  }

  listen(listener: NeighbourListener): void {
    this.#listener = listener
  }

  close(): void {
    this.#listener = undefined
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A member's side. Rejects, as the system says, if nobody listens at `path`. */
export async function joinOwner(path: string): Promise<Neighbours> {
  const socket = connect(path)
  await once(socket, 'connect')
  socket.unref()
  socket.on('error', ignore)
  return {
    nudge: what => send(socket, what),
    listen({ heard, alone }) {
      socket.on('data', chunk => heard(nudgeOf(chunk)))
      socket.once('close', alone)
    },
    close() {
      socket.removeAllListeners('close')
      socket.destroy()
    },
  }
}

function ignore(): void {
  // 'close' follows, which is all that there is to know.
}
