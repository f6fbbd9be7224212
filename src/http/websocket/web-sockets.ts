import { closeCodes } from './frames.js'

/** How often each is asked for a sign of life; whoever gave none since the last time is cut off. */
const pingIntervalMs = 30_000

/** A WebSocket, as far as all are treated alike. */
export interface Open {
  ping(): void
  close(code: number, reason: string): void
}

/** The WebSockets of a surface: one timer for all. */
export class WebSockets {
  readonly #open = new Set<Open>()
  #timer: NodeJS.Timeout | undefined

  get size(): number {
    return this.#open.size
  }

  add(webSocket: Open): void {
    this.#open.add(webSocket)
    this.#timer ??= setInterval(() => {
      for (const each of this.#open) each.ping()
    }, pingIntervalMs).unref()
  }

  forget(webSocket: Open): void {
    this.#open.delete(webSocket)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Asks those to come back that are left when the hub has ended its subscriptions: they heard nothing. */
  drain(): void {
    for (const each of this.#open) each.close(closeCodes.draining, 'The hub drains; come back.')
  }
}
