import type { Clock } from '../../src/client/connection/clock.js'

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #now = 1_000_000
  #timers: { readonly at: number; readonly number: number; readonly callback: () => void }[] = []
  #count = 0

  now(): number {
    return this.#now
  }

  setTimeout(callback: () => void, ms: number): unknown {
    this.#timers.push({ at: this.#now + Math.max(0, ms), number: ++this.#count, callback })
    return this.#count
  }

  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter(({ number }) => number !== timer)
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.length
  }

  /** Time passes; what is due on the way happens in its order, with all that follows from it at once. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await settle()
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.number - b.number)[0]
      if (!due) break
      this.clearTimeout(due.number)
      this.#now = Math.max(this.#now, due.at)
      due.callback()
    }
    this.#now = Math.max(this.#now, end)
  }

  /** The machine sleeps: time passes, and nothing happens until it wakes up. */
  sleep(ms: number): void {
    this.#now += ms
  }
}

/** What is under way without waiting for time or the network comes to its end. */
export async function settle(): Promise<void> {
  await new Promise<void>(resolve => setImmediate(resolve))
}
