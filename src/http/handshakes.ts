import type { Server } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/**
 * Connections to a listener of TLS on which no handshake is done yet. The HTTP server does not know of them, so it would wait for
 * them when it closes; and only on the bare connection can whoever speaks no TLS be answered.
 */
export class Handshakes {
  /** By both ends. Node.js leads from an encrypted socket to the bare one by private ways alone. */
  readonly #bare = new Map<string, Socket>()

  constructor(server: Server) {
    const bare = this.#bare
    // One function for all: a closure each would be kept as long as the connection.
    const ends = new WeakMap<Socket, string>()
    function onClose(this: Socket): void {
      const key = ends.get(this)
      if (key !== undefined && bare.get(key) === this) bare.delete(key)
    }
    server.on('connection', (socket: Socket) => {
      const key = endsOf(socket)
      ends.set(socket, key)
      bare.set(key, socket)
      socket.on('close', onClose)
    })
    server.on('secureConnection', encrypted => {
      const key = endsOf(encrypted)
      bare.get(key)?.off('close', onClose)
      bare.delete(key)
    })
  }

  /** How many there are. */
  get size(): number {
    return this.#bare.size
  }

  /** The connection below an encrypted one, until its handshake is done. */
  below(socket: Duplex): Socket | undefined {
    return socket instanceof Socket ? this.#bare.get(endsOf(socket)) : undefined
  }

  destroyAll(): void {
    for (const socket of this.#bare.values()) socket.destroy()
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
