import { TidingsError } from '../../wire/errors.js'

/** What a stream is made from: an async generator, the stream of a library, a list. */
export type Source<Item> = AsyncIterable<Item> | Iterable<Item>

/**
 * Sends what `source` gives, one after the other, until it has no more or `signal` aborts, also while either is waited for. The source is
 * told when it is left early. Rejects as `source` and `send` do, and with `invalid-event` if `source` is none.
 */
export async function feed<Item>(
  source: Source<Item>,
  signal: AbortSignal,
  send: (item: Item) => Promise<unknown>,
): Promise<void> {
  const iterator = iterate(source)
  let stop: () => void = () => undefined
  const stopped = new Promise<'stopped'>(resolve => {
    stop = () => resolve('stopped')
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  let isDone = false
  try {
    while (!signal.aborted) {
      let next: Awaited<ReturnType<typeof iterator.next>> | 'stopped'
      try {
        next = await Promise.race([iterator.next(), stopped])
      } catch (error) {
        isDone = true
        throw error
      }
      if (next === 'stopped') return
      isDone = next.done === true
      if (next.done) return
      await send(next.value)
    }
  } finally {
    signal.removeEventListener('abort', stop)
    // Not waited for: a generator that waits for something else comes to it when that is there.
    if (!isDone) void leave(iterator)
  }
}

function iterate<Item>(source: Source<Item>): AsyncIterator<Item> | Iterator<Item> {
  // A text would be sent letter by letter.
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
    if (Symbol.iterator in source) return source[Symbol.iterator]()
  }
  const isPromise = typeof (source as { readonly then?: unknown } | undefined | null)?.then === 'function'
  const hint =
    typeof source === 'function' ? ' Call the function that makes it.' : isPromise ? ' Await what brings it.' : ''
  throw new TidingsError('invalid-event', `The source of a stream is an iterable or async iterable.${hint}`)
}

/** What a source says when it is left is nobody's concern any more. */
async function leave(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
  const left = async () => iterator.return?.()
  await left().catch(() => undefined)
}
