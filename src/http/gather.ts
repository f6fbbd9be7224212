/** So many parts are made one: a part of a byte costs a hundred bytes beside it. */
const maxParts = 1024

/**
 * Puts bytes together that come in parts of any size, at a cost in proportion to the bytes: each is copied at most twice, and
 * what is held beside them is bounded, though they come one at a time.
 */
export class Gather {
  #blocks: Uint8Array[] = []
  #parts: Uint8Array[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  add(part: Uint8Array): void {
    if (part.length === 0) return
    this.#size += part.length
    this.#parts.push(part)
    if (this.#parts.length < maxParts) return
    this.#blocks.push(Buffer.concat(this.#parts))
    this.#parts = []
  }

  /** All of it, which is forgotten with this. */
  take(): Uint8Array {
    const all = [...this.#blocks, ...this.#parts]
    this.#blocks = []
    this.#parts = []
    this.#size = 0
    const [first] = all
    return first && all.length === 1 ? first : Buffer.concat(all)
  }
}
