import type { Socket } from 'node:net'
import type { Surface } from '../surface.js'
import { Session } from './session.js'

/** The connections that speak HTTP/2. */
export class Sessions {
  readonly #surface: Surface
  readonly #sessions = new Set<Session>()
  #isDraining = false

  constructor(surface: Surface) {
    this.#surface = surface
  }

  /** Speaks HTTP/2 on a connection, from its preface on. */
  serve(socket: Socket): void {
    const session = new Session(this.#surface, socket)
    this.#sessions.add(session)
    socket.on('close', () => this.#sessions.delete(session))
    if (this.#isDraining) session.leave()
  }

  /** Lets no connection take another request; each ends with the last of those that it has. */
  drain(): void {
    this.#isDraining = true
    for (const session of this.#sessions) session.leave()
  }

  destroyAll(): void {
    for (const session of this.#sessions) session.destroy()
  }
}
