import type { Socket } from 'node:net'
import type { Subscription } from '../../hub/hub.js'
import type { Selector } from '../../wire/selector.js'
import type { Caller } from '../access.js'

const tenantOf: unique symbol = Symbol('tenant')
const keeperOf: unique symbol = Symbol('keeper')
const standingOf: unique symbol = Symbol('standing')

/** A connection that was taken out of the HTTP server. */
export type HeldSocket = Socket & { [tenantOf]?: Tenant; [keeperOf]?: HeldSockets; [standingOf]?: Standing }

/** Who writes to such a connection, and hears of it. */
export interface Tenant {
  /** All that was written is with the kernel. */
  onDrain(): void
  /** Nothing moved for the time that the socket was told. */
  onTimeout(): void
  onClose(): void
}

/** By what a page of another origin hears what it hears; others are not asked again. */
export interface Standing {
  readonly caller: Caller
  readonly selectors: readonly Selector[]
  readonly stream: Pick<Subscription, 'close'>
}

/** How long a peer may take to close its side after all was sent. */
const lingerMs = 2_000

/**
 * The connections that were taken out of the HTTP server, which forgets them: `closeAllConnections` does not reach them.
 *
 * All share one set of listeners; a closure each would be kilobytes a connection.
 */
export class HeldSockets {
  readonly #sockets = new Set<HeldSocket>()
  /** Those that have sent all, by the time of that; the oldest first. */
  readonly #lingering = new Map<HeldSocket, number>()
  /** How long the peer of one that is being ended may take no byte. */
  writeTimeoutMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: { readonly writeTimeoutMs: number }) {
    this.writeTimeoutMs = options.writeTimeoutMs
  }

  /** How many there are. */
  get size(): number {
    return this.#sockets.size
  }

  /** Takes a connection: from here on it is ended when its peer leaves, and no error of it is nobody's. */
  take(socket: HeldSocket): void {
    socket[keeperOf] = this
    this.#sockets.add(socket)
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.on('end', onEnd)
    socket.on('drain', onDrain)
    socket.on('timeout', onTimeout)
    socket.on('finish', onFinish)
    // What a client sends after its request is nobody's; unread, it would hide that the client has left.
    socket.resume()
  }

  /** Ends a connection that has no tenant, after what was written. */
  finish(socket: HeldSocket): void {
    socket.setTimeout(this.writeTimeoutMs)
    socket.end()
  }

  /** Ends the streams of those who may not have them any more. */
  endUnless(isGood: (standing: Standing) => boolean): void {
    for (const { [standingOf]: standing } of this.#sockets) {
      if (standing && !isGood(standing)) standing.stream.close()
    }
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  forget(socket: HeldSocket): void {
    this.#sockets.delete(socket)
    this.#lingering.delete(socket)
  }

  /**
   * Everything was sent, and the other side told so. Destroying the socket now could reset it before the peer has read;
   * leaving it to a peer that never closes would keep it for ever.
   */
  linger(socket: HeldSocket): void {
    socket.setTimeout(0)
    this.#lingering.set(socket, performance.now())
    this.#timer ??= setInterval(() => this.#sweep(), lingerMs / 4).unref()
  }

  #sweep(): void {
    const due = performance.now() - lingerMs
    for (const [socket, since] of this.#lingering) {
      if (since > due) return
      socket.destroy()
      this.#lingering.delete(socket)
    }
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Gives a connection to who writes to it from here on. Without one, its peer may close its side and still read what it is answered. */
export function giveTo(socket: HeldSocket, tenant: Tenant): void {
  socket[tenantOf] = tenant
}

/** Remembers by what a connection has its stream, so that it can be ended when that is taken back. */
export function grantTo(socket: HeldSocket, standing: Standing): void {
  socket[standingOf] = standing
}

function onError(this: HeldSocket): void {
  // 'close' follows, which is all that there is to know: the peer is gone.
}

function onClose(this: HeldSocket): void {
  this[keeperOf]?.forget(this)
  this[tenantOf]?.onClose()
}

/** The peer sends no more. Of a stream's client that means that it has left; one that is being refused may still read why. */
function onEnd(this: HeldSocket): void {
  if (this[tenantOf] && !this.writableEnded) this.destroy()
}

function onDrain(this: HeldSocket): void {
  this[tenantOf]?.onDrain()
}

function onTimeout(this: HeldSocket): void {
  const tenant = this[tenantOf]
  if (tenant) tenant.onTimeout()
  else this.destroy()
}

function onFinish(this: HeldSocket): void {
  this[keeperOf]?.linger(this)
}
