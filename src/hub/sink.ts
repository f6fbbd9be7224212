import type { LogEvent } from '../log/log.js'

/**
 * Where a subscription's bytes go: a socket, an HTTP/2 stream, a WebSocket, a page.
 *
 * A sink is made by the surface, handed to `Hub.attach`, and from then on belongs to its subscription, to which it reports
 * through the listener that `attach` gives it. It keeps nothing of its own: what it is given goes to the transport.
 */
export interface Sink {
  /** Called once, before the first write. */
  listen(listener: SinkListener): void
  /**
   * Gives bytes to the transport, in order. The first write may be empty, and opens the stream all the same.
   * False: the transport holds bytes back; the listener's `drained` is called when it has taken all of them. Until then no
   * event is written, only what the hub itself has to say once (`$gap`, and last words before `end`).
   */
  write(bytes: Uint8Array): boolean
  /** Ends after what was written. Idempotent; `closed` is still called. */
  end(): void
  /** Ends at once, dropping what was not sent. Idempotent; `closed` is still called. */
  destroy(): void
  /**
   * While the sink holds bytes back: calls the listener's `stalled` once no byte was taken for `ms`. 0 stops watching.
   * (Sockets: `setTimeout`, which Node.js postpones while the kernel takes bytes.)
   */
  watchStall(ms: number): void
}

/** What a sink tells its subscription. Each may be called at any time after `listen`, never from inside `write`, `end` or `destroy`. */
export interface SinkListener {
  drained(): void
  stalled(): void
  /** The transport is gone, by whoever's doing. Called once. */
  closed(): void
}

/**
 * How events look to one kind of sink. One object a kind for the whole process: subscriptions of equal selectors and the
 * same `Encoding` share their frames.
 */
export interface Encoding {
  /** Unique among encodings; part of the identity of what subscriptions share. */
  readonly name: string
  /** An event as one frame. `id` is its position; undefined: the frame carries none (`since=latest`). */
  event(event: LogEvent, id: string | undefined): Uint8Array
  /** An event of the hub's own. `id` is the cursor that it carries. */
  hubEvent(type: string, id: string | undefined, data: string): Uint8Array
  /** What tells the client to wait so long before it comes again, if the form can say so. */
  retry?(ms: number): Uint8Array
  /** If what is written is packed: of what, and how. Its other members then give what is packed already. */
  readonly packing?: Packing
}

/** How the frames of one write become fewer bytes, the same for all that share them. Costs the loop a bounded time, however much it is asked for. */
export interface Packing {
  /** The encoding whose frames are packed. */
  readonly of: Encoding
  /** The frames of one write, at least one, together. They can be read after whatever else of this encoding a connection was given. */
  pack(frames: Uint8Array): Uint8Array
  /** The same, where each of the frames could be had by itself, packed once for all views. Nothing: there is no time for it. */
  packTogether(frames: Uint8Array): Uint8Array | undefined
  /**
   * The same, for connections of which the last that they were given was `past`, before it was packed, and which read as much of it as is
   * there. Nothing: there is no time for it.
   */
  packAfter(past: Uint8Array, frames: Uint8Array): Uint8Array | undefined
}
