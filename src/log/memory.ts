import { setImmediate } from 'node:timers/promises'
import { TidingsError } from '../wire/errors.js'
import { cutAfter } from './epochs.js'
import type { EventLog, Head, LogOptions, Page, RetentionRule } from './log.js'
import { followPage, readPage } from './memory/read.js'
import { MemoryStore, type StoreSeams } from './memory/store.js'
import { resolveLogOptions, wholeNumber } from './settings.js'

/** What the memory log keeps unless it is given rules: of all topics together the newest 64 MiB, in at most 500,000 events. */
export const defaultMemoryRetention: readonly RetentionRule[] = [
  { selector: '**', bytes: 64 * 1024 * 1024, count: 500_000 },
]

export interface MemoryLogOptions extends LogOptions {
  /** Default: `defaultMemoryRetention`. */
  readonly retention?: readonly RetentionRule[] | undefined
  /**
   * The most that the log holds: bytes as `RetentionRule.bytes` counts them, and 256 for each event. An append that would go
   * over it is refused with `log-full`: a last bound, for rules that do not bound the log themselves. Default: 512 MiB.
   */
  readonly maxBytes?: number | undefined
}

/**
 * A log in the memory of this process, which ends with it. Its histories end with it too: a cursor of another process is
 * `unknown` to it.
 *
 * An append answers when its events are in place, in the same turn. Limits of number and size are applied with the append
 * that goes over them (a rule exceeds them by no more than that append, unless more than 4,096 events have to go, which are
 * then removed in the next turns), those of age every `trimIntervalMs`.
 *
 * Throws `invalid-setting`, with the path of what is wrong.
 */
export function createMemoryLog(options: MemoryLogOptions = {}): EventLog {
  return createMemoryLogWith(options)
}

/** The same, with seams that tests use to make it behave as other logs do. */
export function createMemoryLogWith(options: MemoryLogOptions, seams?: StoreSeams): EventLog {
  const settings = resolveLogOptions(options, defaultMemoryRetention)
  const maxBytes = wholeNumber('maxBytes', options.maxBytes ?? 512 * 1024 * 1024, 1)
  const store = new MemoryStore(settings, maxBytes, seams)
  let isClosed = false
  let isRelieving = false

  const waiting = new Set<() => void>()
  let isWaking = false

  function wakeFollowers(): void {
    isWaking = false
    const woken = [...waiting]
    waiting.clear()
    for (const wake of woken) wake()
  }

  /** However many appends a turn has, followers look once. */
  function changed(): void {
    if (isWaking || waiting.size === 0) return
    isWaking = true
    queueMicrotask(wakeFollowers)
  }

  async function relieve(): Promise<void> {
    if (isRelieving || store.relieve()) return
    isRelieving = true
    do await setImmediate()
    while (!store.relieve())
    isRelieving = false
  }

  async function trim(): Promise<void> {
    const now = store.now()
    const through = store.head.offset
    while (!store.trim(now, through)) await setImmediate()
  }

  let isTrimming = false
  async function trimInBackground(): Promise<void> {
    if (isTrimming) return
    isTrimming = true
    await trim()
    isTrimming = false
  }
  const timer = store.needsTimer
    ? setInterval(() => void trimInBackground(), settings.trimIntervalMs).unref()
    : undefined

  function check(): void {
    if (isClosed) throw new TidingsError('log-unavailable', 'The log was closed.')
  }

  function nextChange(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      function wake(): void {
        waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  async function* pages(after: number, known: Head, signal: AbortSignal): AsyncGenerator<Page, void, undefined> {
    check()
    let cursor = after
    let { epochs } = known
    while (!signal.aborted && !isClosed) {
      const { head } = store
      if (head.epochs !== epochs) {
        cursor = Math.min(cursor, cutAfter(epochs, head.epochs))
        epochs = head.epochs
      } else if (head.offset <= cursor) {
        await nextChange(signal)
        continue
      }
      const page = followPage(store, cursor)
      cursor = page.through
      yield page
    }
  }

  return {
    name: 'memory:',
    async append(events) {
      check()
      const { positions, over } = store.append(events)
      if (over) void relieve()
      changed()
      return positions
    },
    async read(after, readOptions) {
      check()
      return readPage(store, after, readOptions)
    },
    follow: (after, signal) => pages(after, store.head, signal),
    async head() {
      check()
      return store.head
    },
    async beginEpoch(expected) {
      check()
      const head = store.beginEpoch(expected)
      changed()
      return head
    },
    async offsetBefore(time) {
      check()
      // The head's time is known though its event may be gone.
      return store.head.time < time ? store.head.offset : (store.events.lastBefore(time)?.offset ?? 0)
    },
    async floor(selectors) {
      check()
      return store.floor(selectors)
    },
    async topic(topic) {
      check()
      return store.record(topic)?.info()
    },
    async topics({ after, limit, selectors }) {
      check()
      return store.topics(after, limit, selectors)
    },
    async trim() {
      check()
      await trim()
    },
    async close() {
      isClosed = true
      clearInterval(timer)
      wakeFollowers()
    },
  }
}
