import type { HubView } from './subscription.js'

/** How much is kept of what was read, for those who come to the same place a little later. */
const maxKeptBytes = 8 * 1024 * 1024

/** What one read of the log has brought: something that stays true, whoever asks for it. */
export interface Shareable {
  /** Data that it keeps alive. */
  readonly bytes: number
  /** It brought its readers on, and will bring others on just as well. */
  readonly isWorthKeeping: boolean
}

interface Kept {
  readonly view: HubView
  readonly cursor: number
  readonly bytes: number
}

/**
 * One read of the log for all those of a view that stand at the same place, be it while it is under way or a little later.
 * Readers that stalled together stand together, and go on through the log in each other's steps.
 */
export class SharedReads<T extends Shareable> {
  #reads = new Map<HubView, Map<number, Promise<T>>>()
  /** Those that are done, the oldest first. */
  #kept: Kept[] = []
  #keptBytes = 0

  /** The read of `view` after `cursor`: one that was begun before, or a new one. */
  share(view: HubView, cursor: number, read: () => Promise<T>): Promise<T> {
    const reads = this.#reads
    let byCursor = reads.get(view)
    if (!byCursor) {
      byCursor = new Map()
      reads.set(view, byCursor)
    }
    const begun = byCursor.get(cursor)
    if (begun) return begun
    const shared = this.#begin(view, cursor, read)
    byCursor.set(cursor, shared)
    return shared
  }

  /** Keeps nothing any more: nobody reads, or the log is not what it was. */
  forget(): void {
    this.#reads = new Map()
    this.#kept = []
    this.#keptBytes = 0
  }

  async #begin(view: HubView, cursor: number, read: () => Promise<T>): Promise<T> {
    const reads = this.#reads
    try {
      const done = await read()
      if (reads !== this.#reads) return done
      if (done.isWorthKeeping) this.#keep({ view, cursor, bytes: done.bytes })
      else this.#drop(view, cursor)
      return done
    } catch (error) {
      if (reads === this.#reads) this.#drop(view, cursor)
      throw error
    }
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept)
    this.#keptBytes += kept.bytes
    while (this.#keptBytes > maxKeptBytes) {
      const oldest = this.#kept.shift()
      if (!oldest) return
      this.#keptBytes -= oldest.bytes
      this.#drop(oldest.view, oldest.cursor)
    }
  }

  #drop(view: HubView, cursor: number): void {
    const byCursor = this.#reads.get(view)
    byCursor?.delete(cursor)
    if (byCursor?.size === 0) this.#reads.delete(view)
  }
}
