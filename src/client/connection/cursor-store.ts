/** Where a cursor outlives its page: `localStorage`, `sessionStorage`, or whatever has these two. */
export interface CursorStore {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>
  setItem(key: string, value: string): unknown
}

/** Keeps the newest cursor. What the store throws or rejects with goes to `onError`. */
export interface CursorKeeper {
  /** The one that was kept; empty: none. */
  load(): Promise<string>
  /** Is written with the next turn of the loop, the last one of a turn alone. */
  keep(cursor: string): void
}

export function createCursorKeeper(store: CursorStore, key: string, onError: (error: unknown) => void): CursorKeeper {
  let newest: string | undefined
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
      const isDue = newest === undefined
      newest = cursor
      if (!isDue) return
      queueMicrotask(async () => {
        const value = newest ?? ''
        newest = undefined
        try {
          await store.setItem(key, value)
        } catch (error) {
          onError(error)
        }
      })
    },
  }
}
