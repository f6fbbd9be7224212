export interface OutboxOptions<T> {
  /** A batch is due with so many items or bytes, and so long after its first item. */
  readonly maxItems: number
  readonly maxBytes: number
  readonly maxWaitMs: number
  /** Sends a batch; is called for the next one when this one is done. */
  readonly send: (batch: readonly T[]) => Promise<void>
}

/** Gathers items into batches, which are sent in their order, one at a time. */
export interface Outbox<T> {
  /**
   * Takes an item. Where a batch that is due waits for the one that is being sent, it resolves when that has gone: what
   * is held is a batch under way, and one that waits. Rejects with what `send` rejected with.
   */
  add(item: T, bytes: number): Promise<void> | undefined
  /** Sends what is left. Resolves when all is sent, rejects with what `send` rejected with. */
  finish(): Promise<void>
  /** Rejects with what `send` rejected with; does not resolve. */
  readonly failed: Promise<never>
  /** What has not been given to `send`. */
  readonly waiting: readonly T[]
}

export function createOutbox<T>({ maxItems, maxBytes, maxWaitMs, send }: OutboxOptions<T>): Outbox<T> {
  let items: T[] = []
  let bytes = 0
  let timer: NodeJS.Timeout | undefined
  let isDue = false
  let sending: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined
  let room: PromiseWithResolvers<void> | undefined
  const failed = withResolvers<never>()
  failed.promise.catch(() => undefined)

  const isFull = (): boolean => items.length >= maxItems || bytes >= maxBytes

  const fail = (error: unknown): void => {
    failure = { error }
    clearTimeout(timer)
    failed.reject(error)
    room?.reject(error)
  }

  const pump = (): void => {
    if (failure || sending || !isDue || items.length === 0) return
    const batch = items
    items = []
    bytes = 0
    isDue = false
    clearTimeout(timer)
    room?.resolve()
    room = undefined
    sending = send(batch)
      .catch(fail)
      .finally(() => {
        sending = undefined
        pump()
      })
  }

  const due = (): void => {
    isDue = true
    pump()
  }

  return {
    failed: failed.promise,
    get waiting() {
      return items
    },

    add(item, itemBytes) {
      if (failure) return Promise.reject(failure.error)
      items.push(item)
      bytes += itemBytes
      if (isFull()) due()
      else if (items.length === 1) timer = setTimeout(due, maxWaitMs)
      if (!isFull()) return undefined
      room ??= withResolvers<void>()
      return room.promise
    },

    async finish() {
      due()
      while (sending) {
        await sending
        due()
      }
      if (failure) throw failure.error
    },
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** `Promise.withResolvers` came with Node.js 22. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((...both) => {
    ;[resolve, reject] = both
  })
  return { promise, resolve, reject }
}
