/** Tells that nothing of what a transport holds back was taken for some time. */
export class StallWatch {
  readonly #holds: () => number
  readonly #onStall: () => void
  #timer: NodeJS.Timeout | undefined

  /** @param holds How many bytes the transport holds back now. */
  constructor(holds: () => number, onStall: () => void) {
    this.#holds = holds
    this.#onStall = onStall
  }

  /** 0 stops watching. */
  watch(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (ms === 0) return
    const held = this.#holds()
    this.#timer = setTimeout(() => {
      if (this.#holds() < held) this.watch(ms)
      else this.#onStall()
    }, ms).unref()
  }
}
