/** Bytes given to sinks in one write, counted once however many sinks hold them. */
export interface Batch {
  readonly bytes: Uint8Array
  holders: number
}

export function toBatch(bytes: Uint8Array): Batch {
  return { bytes, holders: 0 }
}

/** Who holds a batch back, and can be made to let go. */
export interface Holder {
  held: Batch | undefined
  evict(): void
}

/**
 * The bound on what slow sinks hold back, all together.
 *
 * A sink that holds bytes keeps the batch they are in alive. When all the batches held come to more than the bound, those that
 * have held theirs longest are cut off: their clients resume by cursor, and those that read go on.
 */
export class HeldBytes {
  readonly #maxBytes: number
  /** In the order in which they began to hold. */
  readonly #holders = new Set<Holder>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether so much is held that batches had better be small. */
  get isPressed(): boolean {
    return this.#bytes > this.#maxBytes / 2
  }

  hold(holder: Holder, batch: Batch): void {
    this.release(holder)
    holder.held = batch
    if (batch.holders++ === 0) this.#bytes += batch.bytes.length
    this.#holders.add(holder)
    for (const oldest of this.#holders) {
      if (this.#bytes <= this.#maxBytes) break
      this.release(oldest)
      oldest.evict()
    }
  }

  release(holder: Holder): void {
    const batch = holder.held
    if (!batch) return
    holder.held = undefined
    this.#holders.delete(holder)
    if (--batch.holders === 0) this.#bytes -= batch.bytes.length
  }
}
