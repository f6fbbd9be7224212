import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Surface } from '../surface.js'
import { serveRequest } from './serve-request.js'
import { connectionWindowBytes, toSessionOptions } from './session-options.js'

/** How long a peer may take to close its side after it was told that the connection ends. */
const lingerMs = 2_000

/** A connection that speaks HTTP/2. It holds many requests, of which some are streams of events. */
export class Session {
  readonly #surface: Surface
  readonly #socket: Socket
  readonly #session: ServerHttp2Session
  /** Requests that are not over. */
  #open = 0
  /** Runs while there are none. Not `session.setTimeout`, whose timer keeps a session that is gone until it is over [Node.js 20.20]. */
  #idle: NodeJS.Timeout | undefined
  #isPinged = false
  readonly #pinging: NodeJS.Timeout

  constructor(surface: Surface, socket: Socket) {
    this.#surface = surface
    this.#socket = socket
    const { limits } = surface.settings
    const session = performServerHandshake(socket, toSessionOptions(limits))
    this.#session = session
    this.#leaveAfter(limits.headersTimeoutMs)
    session.once('remoteSettings', () => {
      if (this.#open === 0) this.#leaveAfter(surface.settings.limits.keepAliveTimeoutMs)
      session.setLocalWindowSize(connectionWindowBytes)
    })
    session.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: readonly string[]) => {
        this.#follow(stream)
        serveRequest(surface, stream, headers, rawHeaders).catch((error: unknown) => {
          surface.report('A request was given up.', error)
          stream.destroy()
        })
      },
    )
    // What goes wrong with a connection shows as 'close'.
    session.on('error', ignore)
    this.#pinging = setInterval(() => this.#ping(), limits.keepAliveTimeoutMs).unref()
    socket.on('close', () => {
      clearInterval(this.#pinging)
      clearTimeout(this.#idle)
    })
    // Nobody closes one side of it to hear on: whoever does has left.
    socket.on('end', () => this.destroy())
  }

  /** Says by GOAWAY that no more requests are taken, and ends the connection when the last of those that there are is over. */
  leave(): void {
    const session = this.#session
    if (session.closed || session.destroyed) return
    session.close()
    if (this.#open === 0) this.#linger()
  }

  destroy(): void {
    this.#session.destroy()
    this.#socket.destroy()
  }

  #follow(stream: ServerHttp2Stream): void {
    this.#open++
    clearTimeout(this.#idle)
    stream.once('close', () => {
      this.#open--
      const session = this.#session
      if (this.#open > 0 || session.destroyed) return
      if (session.closed) this.#linger()
      else this.#leaveAfter(this.#surface.settings.limits.keepAliveTimeoutMs)
    })
  }

  /**
   * Whoever breaks the rules of HTTP/2 is told so by GOAWAY, and is not read any more; nothing in Node.js tells of it or closes the
   * connection [20.20]. An answer to a ping shows that its peer, and what reads it here, are still there.
   */
  #ping(): void {
    // One without requests ends by itself, which a ping would put off.
    if (this.#open === 0 || this.#session.destroyed) return
    if (this.#isPinged) {
      this.destroy()
      return
    }
    this.#isPinged = this.#session.ping(error => {
      this.#isPinged = error !== null
    })
  }

  #leaveAfter(ms: number): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.leave(), ms).unref()
  }

  /** Node.js closes its side, and leaves the other to a peer that may never do so. */
  #linger(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#socket.destroy(), lingerMs).unref()
  }
}

function ignore(): void {}
