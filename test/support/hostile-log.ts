import { setImmediate as nextTurn } from 'node:timers/promises'
import { cutAfter, presentEpoch, withEpoch } from '../../src/log/epochs.js'
import type { EpochEntry, EventLog, Head, NewEvent, Page, ReadOptions, RetentionRule } from '../../src/log/log.js'
import { Bell } from '../../src/log/memory/bell.js'
import { followPage, readPage } from '../../src/log/memory/read.js'
import { MemoryStore } from '../../src/log/memory/store.js'
import { defaultMemoryRetention, type MemoryLogOptions } from '../../src/log/memory.js'
import { compileRetention, type Retention } from '../../src/log/retention.js'
import { resolveLogOptions } from '../../src/log/settings.js'
import { TidingsError } from '../../src/wire/errors.js'
import type { Position } from '../../src/wire/names.js'
import { Random } from './random.js'

export interface HostileLogOptions extends MemoryLogOptions {
  readonly seed: number
  /** Whether offsets have holes. Default: true. */
  readonly holes?: boolean | undefined
  /** By how many turns of the event loop an answer comes late at most. Default: 4. */
  readonly maxLag?: number | undefined
  /** Whether pages end before they must. Default: true. */
  readonly shortPages?: boolean | undefined
}

/** A log that does all that the port lets a log do, and suffers at a word what logs suffer. */
export interface HostileLog extends EventLog {
  /** The same log as it is now, without lag or absence. */
  readonly truth: EventLog
  holes: boolean
  maxLag: number
  shortPages: boolean
  /**
   * Comes back from an older copy of itself, which lacks the last `count` events, and the histories and tokens since.
   *
   * It begins a new history at once, because it cannot prove what it lost; `silently`: it does not, and followers hear nothing.
   * If somebody was shown what it lost, or it lost a history, appends then reject with `log-unavailable` until somebody begins a
   * history, which a hub has to do before the next append; or until the head was asked for eight times and nobody did.
   */
  loseTail(count: number, options?: { readonly silently?: boolean }): void
  /** From now on everything rejects with `log-unavailable`, what is under way too, and followers throw. */
  goAway(): void
  comeBack(): void
  /** The next append rejects with `log-unavailable`; `after`: after it was done. */
  failNextAppend(options?: { readonly after?: boolean }): void
  /** Ends every misfortune. */
  settle(): void
  /** It lost in silence what it has shown, and nobody has begun a history yet. Whoever has seen nothing before cannot know. */
  readonly isInDoubt: boolean
}

/** What a copy of the log is made of. */
type Deed =
  | { readonly kind: 'append'; readonly event: NewEvent; readonly offset: number; readonly time: number }
  | { readonly kind: 'epoch'; readonly epochs: readonly EpochEntry[] }
  | { readonly kind: 'rules'; readonly retention: Retention }

const maxHeadsInDoubt = 8

/** It keeps to the port, and passes its suite. The same seed, used in the same way, does the same. */
export function createHostileLog(options: HostileLogOptions): HostileLog {
  const random = new Random(options.seed)
  const settings = resolveLogOptions({ ...options, clock }, defaultMemoryRetention)
  const bell = new Bell()
  const deeds: Deed[] = []
  let replayed: Deed | undefined
  /** What it was told to keep last; a copy that is older than that is told again. */
  let { retention } = settings
  let store = newStore()
  const firstEpochs = store.head.epochs
  /** The highest offset up to which somebody may have seen this history. */
  let shown = 0
  /** Above 0: the log fell silently behind what it has shown. */
  let headsInDoubt = 0
  let nextFailure: 'before' | 'after' | undefined
  let isAway = false
  let isClosed = false
  const underWay = new Set<Promise<unknown>>()
  let lastAppended: Promise<void> = Promise.resolve()

  function clock(): number {
    return replayed?.kind === 'append' ? replayed.time : (options.clock ?? Date.now)()
  }

  function newStore(): MemoryStore {
    return new MemoryStore(settings, options.maxBytes ?? Number.MAX_SAFE_INTEGER, {
      nextOffset: offset => (replayed?.kind === 'append' ? replayed.offset : offset + step()),
      withEpoch: (epochs, first) => (replayed?.kind === 'epoch' ? replayed.epochs : withEpoch(epochs, first)),
    })
  }

  function step(): number {
    if (!hostile.holes || random.chance(0.6)) return 1
    return random.chance(0.02) ? 1 + random.below(3000) : 2 + random.below(3)
  }

  function refuseWhileAway(): void {
    if (isAway) throw new TidingsError('log-unavailable', 'The hostile log does not answer.')
  }

  function refuseWhenClosed(): void {
    if (isClosed) throw new TidingsError('log-unavailable', 'The hostile log was closed.')
    refuseWhileAway()
  }

  async function lag(): Promise<void> {
    for (let turns = random.below(hostile.maxLag + 1); turns > 0; turns--) await nextTurn()
  }

  async function tracked<T>(answer: Promise<T>): Promise<T> {
    underWay.add(answer)
    try {
      return await answer
    } finally {
      underWay.delete(answer)
    }
  }

  /** Asks at once or later, and answers later still: so an answer may be older than one that was asked for after it. */
  async function late<T>(ask: () => T): Promise<T> {
    refuseWhenClosed()
    return tracked(
      (async () => {
        if (random.chance(0.5)) await lag()
        refuseWhileAway()
        const answer = ask()
        await lag()
        refuseWhileAway()
        return answer
      })(),
    )
  }

  function show<T extends Page | Head>(answer: T): T {
    shown = Math.max(shown, 'through' in answer ? answer.through : answer.offset)
    return answer
  }

  function append(events: readonly NewEvent[]): readonly Position[] {
    let { offset } = store.head
    const { positions } = store.append(events)
    while (!store.relieve());
    for (const [i, position] of positions.entries()) {
      // A position that is not above those before it is that of a repeat.
      if (position.offset <= offset) continue
      offset = position.offset
      deeds.push({ kind: 'append', event: events[i] as NewEvent, offset, time: store.head.time })
    }
    bell.ring()
    return positions
  }

  /** Appends come to be in the order in which they were asked for; their answers overtake each other. */
  async function appendLate(events: readonly NewEvent[]): Promise<readonly Position[]> {
    const before = lastAppended
    let appended = (): void => undefined
    lastAppended = new Promise(resolve => {
      appended = resolve
    })
    let positions: readonly Position[]
    const failure = nextFailure
    nextFailure = undefined
    try {
      await before
      await lag()
      refuseWhileAway()
      if (failure === 'before' || headsInDoubt > 0) throw new TidingsError('log-unavailable', 'The append failed.')
      positions = append(events)
    } finally {
      appended()
    }
    await lag()
    refuseWhileAway()
    if (failure === 'after') throw new TidingsError('log-unavailable', 'The append was done, its answer was lost.')
    for (const { offset } of positions) shown = Math.max(shown, offset)
    return positions
  }

  function beginEpoch(expected: string): Head {
    const { epochs } = store.head
    const head = store.beginEpoch(expected)
    if (head.epochs === epochs) return head
    deeds.push({ kind: 'epoch', epochs: head.epochs })
    shown = head.offset
    headsInDoubt = 0
    bell.ring()
    return head
  }

  function setRetention(rules: readonly RetentionRule[]): void {
    retention = compileRetention(rules)
    deeds.push({ kind: 'rules', retention })
    store.setRetention(retention)
    while (!store.relieve());
  }

  function trim(): void {
    while (!store.trim(store.now(), store.head.offset));
  }

  function headInDoubt(): Head {
    if (headsInDoubt > 0) headsInDoubt--
    return show(store.head)
  }

  function readShort(after: number, readOptions: ReadOptions): Page {
    if (!hostile.shortPages || random.chance(0.6)) return readPage(store, after, readOptions)
    const end = Math.min(readOptions.through ?? store.head.offset, store.head.offset)
    const maxEvents = 1 + random.below(Math.min(readOptions.maxEvents, 16))
    return readPage(store, after, { ...readOptions, maxEvents, through: Math.min(end, after + 1 + random.below(40)) })
  }

  function nextPage(after: number): Page {
    const page = followPage(store, after)
    if (!hostile.shortPages || page.events.length < 2 || random.chance(0.6)) return page
    const events = page.events.slice(0, 1 + random.below(page.events.length - 1))
    return { ...page, events, through: events.at(-1)?.offset ?? page.through }
  }

  async function* follow(after: number, known: Head, signal: AbortSignal): AsyncGenerator<Page, void, undefined> {
    refuseWhenClosed()
    let cursor = after
    let { epochs } = known
    while (!signal.aborted && !isClosed) {
      refuseWhileAway()
      const { head } = store
      if (head.epochs === epochs && head.offset <= cursor) {
        await bell.wait(signal)
        continue
      }
      // After a silent loss the table may be another one, and yet the history the same.
      if (presentEpoch(head.epochs) !== presentEpoch(epochs)) cursor = Math.min(cursor, cutAfter(epochs, head.epochs))
      epochs = head.epochs
      const page = show(nextPage(cursor))
      cursor = page.through
      await lag()
      if (signal.aborted || isClosed) return
      refuseWhileAway()
      yield page
    }
  }

  function loseTail(count: number, { silently = false }: { readonly silently?: boolean } = {}): void {
    const known = presentEpoch(store.head.epochs)
    let left = count
    while (deeds.length > 0 && left > 0) if (deeds.pop()?.kind === 'append') left--
    // A history that began after the last event of the copy began after the copy; so did rules.
    while (deeds.length > 0 && deeds.at(-1)?.kind !== 'append') deeds.pop()
    replayed = { kind: 'epoch', epochs: firstEpochs }
    store = newStore()
    for (replayed of deeds) {
      if (replayed.kind === 'epoch') store.beginEpoch(presentEpoch(store.head.epochs))
      else if (replayed.kind === 'rules') store.setRetention(replayed.retention)
      else store.append([replayed.event])
      while (!store.relieve());
    }
    replayed = undefined
    store.setRetention(retention)
    if (!silently) beginEpoch(presentEpoch(store.head.epochs))
    // That a history began tells what an earlier one lost. Without it, whoever saw that would take new events for old ones.
    else if (store.head.offset < shown || presentEpoch(store.head.epochs) !== known) headsInDoubt = maxHeadsInDoubt
  }

  /** What is asked in the same way of the log and of the truth. */
  function questions(ask: <T>(question: () => T) => Promise<T>) {
    return {
      name: 'hostile:',
      beginEpoch: (expected: string) => ask(() => beginEpoch(expected)),
      offsetBefore: (time: number) => ask(() => store.offsetBefore(time)),
      floor: (selectors: Parameters<EventLog['floor']>[0]) => ask(() => store.floor(selectors)),
      topic: (topic: string) => ask(() => store.record(topic)?.info()),
      topics: ({ after, limit, selectors }: Parameters<EventLog['topics']>[0]) =>
        ask(() => store.topics(after, limit, selectors)),
      usage: () => ask(() => store.usage()),
      trim: () => ask(trim),
      setRetention: (rules: readonly RetentionRule[]) => ask(() => setRetention(rules)),
    }
  }

  const atOnce = async <T>(question: () => T): Promise<T> => question()
  const timer = setInterval(trim, settings.trimIntervalMs).unref()

  async function close(): Promise<void> {
    isClosed = true
    clearInterval(timer)
    bell.ring()
    await Promise.allSettled(underWay)
  }

  const hostile: HostileLog = {
    ...questions(late),
    holes: options.holes ?? true,
    maxLag: options.maxLag ?? 4,
    shortPages: options.shortPages ?? true,
    truth: {
      ...questions(atOnce),
      append: events => atOnce(() => append(events)),
      read: (after, readOptions) => atOnce(() => readPage(store, after, readOptions)),
      follow: (after, signal) => follow(after, store.head, signal),
      head: () => atOnce(() => store.head),
      close,
    },
    append: async events => {
      refuseWhenClosed()
      return tracked(appendLate(events))
    },
    read: (after, readOptions) => late(() => show(readShort(after, readOptions))),
    follow: (after, signal) => follow(after, store.head, signal),
    head: () => late(headInDoubt),
    close,
    loseTail,
    goAway() {
      isAway = true
      bell.ring()
    },
    get isInDoubt() {
      return headsInDoubt > 0
    },
    comeBack() {
      isAway = false
    },
    failNextAppend({ after = false } = {}) {
      nextFailure = after ? 'after' : 'before'
    },
    settle() {
      isAway = false
      headsInDoubt = 0
      nextFailure = undefined
    },
  }
  return hostile
}
