/** Wakes those who wait for a change, once for all the changes of a turn. */
export class Bell {
  readonly #waiting = new Set<() => void>()
  #isRinging = false

  /** Resolves at the next ring, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  /** However often it is rung before they wake, they wake once. */
  ring(): void {
    if (this.#isRinging || this.#waiting.size === 0) return
    this.#isRinging = true
    // At the end of the turn, not of the callback: the requests that one turn reads each have a callback of their own.
    setImmediate(() => {
      this.#isRinging = false
      for (const wake of [...this.#waiting]) wake()
    })
  }
}
