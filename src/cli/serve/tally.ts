/** Many of one kind: the first is said at once, those that follow only as a number, now and then. */
export class Tally {
  readonly #say: (count: number) => void
  readonly #intervalMs: number
  #count = 0
  #timer: NodeJS.Timeout | undefined

  /** `say` is told how many there were since it was told last, at most once in `intervalMs` (default: ten seconds). */
  constructor(say: (count: number) => void, intervalMs = 10_000) {
    this.#say = say
    this.#intervalMs = intervalMs
  }

  count(): void {
    this.#count++
    if (!this.#timer) this.#tell()
  }

  /** Says what was not said yet. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#count > 0) this.#say(this.#count)
    this.#count = 0
  }

  #tell(): void {
    const count = this.#count
    this.#count = 0
    this.#timer = undefined
    if (count === 0) return
    this.#timer = setTimeout(() => this.#tell(), this.#intervalMs).unref()
    this.#say(count)
  }
}
