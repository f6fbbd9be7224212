/** Where a cursor outlives its page: `localStorage`, `sessionStorage`, or whatever has these two. */
export interface CursorStore {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>
  setItem(key: string, value: string): unknown
}

/** Keeps the newest cursor. What the store throws or rejects with goes to `onError`. */
export interface CursorKeeper {
  /** The one that was kept; empty: none. */
  load(): Promise<string>
  /** Is written in a moment, the last one of a moment alone, and never while another one is being written: a slow store is given the newest next. */
  keep(cursor: string): void
}

export function createCursorKeeper(store: CursorStore, key: string, onError: (error: unknown) => void): CursorKeeper {
  let newest: string | undefined
  let isWriting = false

  const write = async (): Promise<void> => {
    isWriting = true
    await Promise.resolve()
    while (newest !== undefined) {
      const value = newest
      newest = undefined
      try {
        await store.setItem(key, value)
      } catch (error) {
        onError(error)
      }
    }
    isWriting = false
  }

  return {
    async load() {
      try {
        return (await store.getItem(key)) ?? ''
      } catch (error) {
        onError(error)
        return ''
      }
    },
    keep(cursor) {
      newest = cursor
      if (!isWriting) void write()
    },
  }
}
