import { TidingsError } from '../../wire/errors.js'
import type { Head, LogEvent, Page } from '../log.js'
import type { Commit } from './append.js'
import { readPage } from './read.js'
import type { Session } from './session.js'

/** About how much data a page of a follower holds. */
export const followBytes: number = 256 * 1024
const followEvents = 4_096

/** How much data of the last commits is kept for the followers; one that lags further behind reads the file. */
const recentBytes = 4 * 1024 * 1024

/** How often a commit of another process is looked for. */
const pollMs = 1_000

/**
 * The end of the log, where the followers wait. There is no queue for each: a follower is a cursor, and the pages of the last
 * commits are shared by all.
 */
export interface Tail {
  committed(commit: Commit): void
  /** Retention has removed events up to `floor`: who comes now is not given them any more. */
  removed(floor: number): void
  /** A new epoch has begun. */
  begun(): void
  /** Another process may have changed the log; with `isLess`, it may have removed something. */
  nudged(isLess: boolean): void
  follow(after: number, signal: AbortSignal): AsyncGenerator<Page, void, undefined>
  close(): void
}

export function createTail(session: Session): Tail {
  /** Pages of the last commits by their `from`, oldest first. */
  const recent = new Map<number, { page: Page; bytes: number }>()
  const sleepers = new Set<() => void>()
  let bytes = 0
  let head: Head | undefined
  let poll: NodeJS.Timeout | undefined
  let polled: Head | undefined

  function committed(commit: Commit): void {
    for (const { page, bytes: size } of toPages(commit)) {
      recent.set(page.from, { page, bytes: size })
      bytes += size
    }
    head = commit.head
    for (const [from, old] of recent) {
      if (bytes <= recentBytes) break
      drop(from, old.bytes)
    }
    wake()
  }

  function drop(from: number, size: number): void {
    recent.delete(from)
    bytes -= size
  }

  function removed(floor: number): void {
    for (const [from, old] of recent) {
      if (from >= floor) break
      drop(from, old.bytes)
    }
  }

  function wake(): void {
    for (const sleeper of [...sleepers]) sleeper()
  }

  /** The pages of a commit as they are given, with the head of now. */
  function recentPage(from: number): Page | undefined {
    const found = recent.get(from)
    return found && head && { ...found.page, head }
  }

  function forget(): void {
    recent.clear()
    bytes = 0
    head = undefined
    wake()
  }

  function lookForOthers(): void {
    let found: Head | undefined
    try {
      found = session.read(record => session.toHead(record))
    } catch (error) {
      // The followers read for themselves, and find the same.
      if (!(error instanceof TidingsError)) throw error
    }
    const isSame = found?.offset === polled?.offset && found?.epochs === polled?.epochs
    polled = found
    if (head && found && found.epochs !== head.epochs) forget()
    else if (!isSame) wake()
  }

  function sleep(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        sleepers.delete(done)
        signal.removeEventListener('abort', done)
        if (sleepers.size === 0 && poll) {
          clearInterval(poll)
          poll = undefined
        }
        resolve()
      }
      sleepers.add(done)
      signal.addEventListener('abort', done)
      poll ??= setInterval(lookForOthers, pollMs).unref()
    })
  }

  async function* follow(after: number, signal: AbortSignal): AsyncGenerator<Page, void, undefined> {
    let cursor = after
    let { epochs, floor } = session.read(record => ({
      epochs: session.toHead(record).epochs,
      floor: Math.max(...session.floors()),
    }))
    // Another process may have begun an epoch, or removed events, and its word of that not have come yet.
    if (head && head.epochs !== epochs) forget()
    removed(floor)
    while (!signal.aborted && !session.closed) {
      const page =
        recentPage(cursor) ?? boundPage(readPage(session, cursor, { maxEvents: followEvents, maxBytes: followBytes }))
      const begun = page.head.epochs !== epochs
      if (begun && page.head.offset < cursor) {
        // The log has lost what lies between; what the new epoch brings follows from here on.
        cursor = page.head.offset
        epochs = page.head.epochs
        yield { ...page, from: cursor, through: cursor }
      } else if (page.through > cursor || begun) {
        cursor = page.through
        epochs = page.head.epochs
        yield page
      } else {
        await sleep(signal)
      }
    }
  }

  return {
    committed,
    removed,
    begun: forget,
    nudged(isLess) {
      if (isLess) forget()
      else lookForOthers()
    },
    follow,
    close: forget,
  }
}

/** The page without its last event if that is too much with the others. */
function boundPage(page: Page): Page {
  const last = page.events.at(-1)
  if (!last || page.events.length === 1) return page
  let bytes = 0
  for (const { data } of page.events) bytes += data.length
  if (bytes <= followBytes) return page
  return { ...page, through: last.offset - 1, events: page.events.slice(0, -1) }
}

/** A commit as pages that followers are given. */
function toPages({ from, events, head, floor }: Commit): { page: Page; bytes: number }[] {
  const pages: { page: Page; bytes: number }[] = []
  let held: LogEvent[] = []
  let bytes = 0
  let begin = from
  const cut = () => {
    const through = held.at(-1)?.offset ?? begin
    pages.push({ page: { from: begin, through, events: held, floor, head }, bytes })
    begin = through
    held = []
    bytes = 0
  }
  for (const event of events) {
    if (held.length > 0 && bytes + event.data.length > followBytes) cut()
    held.push(event)
    bytes += event.data.length
  }
  cut()
  return pages
}
