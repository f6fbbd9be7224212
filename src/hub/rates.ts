const seconds = 10
/** Topics that one second remembers; a second with more counts the first ones. */
const maxTopics = 10_000

/** How many events a second each topic had, over the last ten whole seconds. */
export class Rates {
  readonly #clock: () => number
  readonly #counts: Map<string, number>[] = Array.from({ length: seconds + 1 }, () => new Map())
  #second: number

  constructor(clock: () => number) {
    this.#clock = clock
    this.#second = Math.floor(clock() / 1000)
  }

  count(topic: string): void {
    const counts = this.#present()
    const before = counts.get(topic)
    if (before !== undefined || counts.size < maxTopics) counts.set(topic, (before ?? 0) + 1)
  }

  of(topic: string): number {
    const present = this.#present()
    let sum = 0
    for (const counts of this.#counts) if (counts !== present) sum += counts.get(topic) ?? 0
    return sum / seconds
  }

  #present(): Map<string, number> {
    const second = Math.floor(this.#clock() / 1000)
    const slots = this.#counts.length
    if (second !== this.#second) {
      // A clock that was set back, or slept, empties what it passed.
      const passed = second > this.#second ? Math.min(second - this.#second, slots) : slots
      for (let i = 0; i < passed; i++) this.#counts[(((second - i) % slots) + slots) % slots] = new Map()
      this.#second = second
    }
    return this.#counts[((second % slots) + slots) % slots] as Map<string, number>
  }
}
