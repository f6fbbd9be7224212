import { setImmediate } from 'node:timers/promises'
import { TidingsError } from '../../wire/errors.js'
import { cutAfter } from '../epochs.js'
import type { EventLog, Head, Page } from '../log.js'
import { compileRetention } from '../retention.js'
import { Bell } from './bell.js'
import { followPage, readPage } from './read.js'
import type { MemoryStore } from './store.js'

/** The port over a store: its answers as promises, its changes as pages, its retention in turns. */
export function logOver(store: MemoryStore, name: string, trimIntervalMs: number): EventLog {
  let isClosed = false
  let isRelieving = false

  const bell = new Bell()

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
  let timer: NodeJS.Timeout | undefined
  function setTimer(): void {
    clearInterval(timer)
    timer = store.needsTimer ? setInterval(() => void trimInBackground(), trimIntervalMs).unref() : undefined
  }
  setTimer()

  function check(): void {
    if (isClosed) throw new TidingsError('log-unavailable', 'The log was closed.')
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
        await bell.wait(signal)
        continue
      }
      const page = followPage(store, cursor)
      cursor = page.through
      yield page
    }
  }

  return {
    name,
    async append(events) {
      check()
      const { positions, over } = store.append(events)
      if (over) void relieve()
      bell.ring()
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
      bell.ring()
      return head
    },
    async offsetBefore(time) {
      check()
      return store.offsetBefore(time)
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
    async usage() {
      check()
      return store.usage()
    },
    async trim() {
      check()
      await trim()
    },
    async setRetention(rules) {
      check()
      store.setRetention(compileRetention(rules))
      setTimer()
      void relieve()
    },
    async close() {
      isClosed = true
      clearInterval(timer)
      bell.ring()
    },
  }
}
