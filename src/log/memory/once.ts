import type { Position } from '../../wire/names.js'

interface Remembered {
  readonly token: string
  readonly digest: string
  readonly position: Position
  readonly time: number
}

/** How many tokens a call of `prune` forgets at most: more than a batch brings. */
const maxPruned = 2048

/** The tokens under which something was appended lately, bounded in time and number; the oldest go first. */
export class OnceTable {
  readonly #idempotencyMs: number
  readonly #maxOnce: number
  readonly #byToken = new Map<string, Remembered>()
  /**
   * By age, from `#oldest` on. The order of the map's keys will not do: every look at its first key steps over all that were
   * deleted before it.
   */
  #byAge: Remembered[] = []
  #oldest = 0

  constructor(idempotencyMs: number, maxOnce: number) {
    this.#idempotencyMs = idempotencyMs
    this.#maxOnce = maxOnce
  }

  get(token: string, now: number): Remembered | undefined {
    const remembered = this.#byToken.get(token)
    return remembered && now - remembered.time <= this.#idempotencyMs ? remembered : undefined
  }

  remember(token: string, digest: string, position: Position, time: number): void {
    const remembered = { token, digest, position, time }
    this.#byToken.set(token, remembered)
    this.#byAge.push(remembered)
  }

  /** Forgets what is over the bounds, a bounded number of tokens a call. */
  prune(now: number): void {
    for (let i = 0; i < maxPruned; i++) {
      const oldest = this.#byAge[this.#oldest]
      if (!oldest || (this.#byAge.length - this.#oldest <= this.#maxOnce && now - oldest.time <= this.#idempotencyMs))
        break
      // A token that had run out may have been given again since.
      if (this.#byToken.get(oldest.token) === oldest) this.#byToken.delete(oldest.token)
      this.#oldest++
    }
    if (this.#oldest > maxPruned && this.#oldest * 2 > this.#byAge.length) {
      this.#byAge = this.#byAge.slice(this.#oldest)
      this.#oldest = 0
    }
  }
}
