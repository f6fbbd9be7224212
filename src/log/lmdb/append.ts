import { TidingsError } from '../../wire/errors.js'
import type { Position } from '../../wire/names.js'
import { epochAt, presentEpoch } from '../epochs.js'
import type { EpochEntry, Head, LogEvent, NewEvent } from '../log.js'
import { type Ledger, tokenKey } from './ledger.js'
import { encodeRecord, stampTime, toLogEvent } from './record.js'
import type { Session } from './session.js'

/** What waits for its commit, all together. Beyond, `append` rejects with `overloaded`. */
export const maxWaitingBytes: number = 64 * 1024 * 1024

/** One commit takes calls until they come to so many events or bytes: it holds up the event loop for up to some 30 ms. */
const maxCommitEvents = 4_000
const maxCommitBytes = 8 * 1024 * 1024

/** What an event takes in the file beyond its record, roughly: its places in the indexes. */
const indexBytes = 200

/** What one commit has appended. */
export interface Commit {
  /** The head before it. */
  readonly from: number
  readonly events: readonly LogEvent[]
  readonly head: Head
  /** The floor of all topics before it. */
  readonly floor: number
}

interface Item {
  readonly event: NewEvent
  readonly record: Buffer
  readonly token: Buffer | undefined
}

interface Call {
  readonly items: readonly Item[]
  readonly bytes: number
  resolve(positions: readonly Position[]): void
  reject(error: TidingsError): void
}

type Outcome = { readonly positions: readonly Position[] } | { readonly error: TidingsError }

/** An item of a call: where it stands already, or that it is to be added (`undefined`), or the earlier item it repeats. */
type Fate = { readonly offset: number } | { readonly sameAs: number } | undefined

export interface AppendOptions {
  readonly maxBytes: number
  readonly idempotencyMs: number
  readonly maxOnce: number
  /** Called after each commit that appended, before its callers hear of it. */
  readonly committed: (commit: Commit) => void
}

/** Appends, one commit at a time: the calls that come while one is under way share the next. */
export interface Appender {
  append(events: readonly NewEvent[]): Promise<readonly Position[]>
  /** Room has been made: how much is used is to be measured anew. */
  madeRoom(): void
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

export function createAppender(session: Session, options: AppendOptions): Appender {
  let waiting: Call[] = []
  let waitingBytes = 0
  let running: Promise<void> | undefined
  let usedBytes = 0
  /** How much can have been added since `usedBytes` was measured. */
  let addedBytes = 0
  let isMeasured = false

  function append(events: readonly NewEvent[]): Promise<readonly Position[]> {
    return new Promise((resolve, reject) => {
      if (events.length === 0) return resolve([])
      const items = events.map(event => ({
        event,
        record: encodeRecord(event),
        token: event.once && tokenKey(event.once.token),
      }))
      let bytes = 0
      for (const { record } of items) bytes += record.length + indexBytes
      if (waitingBytes + bytes > maxWaitingBytes && waiting.length > 0) {
        throw new TidingsError('overloaded', `${session.name} has too much waiting to be written; come again.`)
      }
      waiting.push({ items, bytes, resolve, reject })
      waitingBytes += bytes
      running ??= run()
    })
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) await commit()
    running = undefined
  }

  /** The calls of the next commit: those that wait when the transaction begins, not only when it was asked for. */
  function take(): Call[] {
    let events = 0
    let bytes = 0
    let calls = 0
    for (const call of waiting) {
      if (calls > 0 && (events + call.items.length > maxCommitEvents || bytes + call.bytes > maxCommitBytes)) break
      events += call.items.length
      bytes += call.bytes
      calls++
    }
    const taken = waiting.slice(0, calls)
    waiting = waiting.slice(calls)
    waitingBytes -= bytes
    return taken
  }

  async function commit(): Promise<void> {
    let calls: Call[] = []
    try {
      measure()
      const { outcomes, commit } = await session.write(ledger => {
        calls = take()
        return appendAll(ledger, calls)
      })
      if (commit.events.length > 0) options.committed(commit)
      calls.forEach((call, i) => {
        const outcome = outcomes[i] as Outcome
        if ('error' in outcome) call.reject(outcome.error)
        else call.resolve(outcome.positions)
      })
    } catch (error) {
      isMeasured = false
      if (calls.length === 0) calls = take()
      const fault =
        error instanceof TidingsError ? error : new TidingsError('internal', 'A commit failed.', { cause: error })
      for (const call of calls) call.reject(fault)
    }
  }

  /** Counting the pages costs some 200 µs, so it is done when what was added since could have used up half of what was left. */
  function measure(): void {
    if (isMeasured && addedBytes * 2 < options.maxBytes - usedBytes) return
    usedBytes = session.usedBytes()
    isMeasured = true
    addedBytes = 0
  }

  function appendAll(ledger: Ledger, calls: readonly Call[]): { outcomes: Outcome[]; commit: Commit } {
    const from = ledger.head.offset
    const time = Math.max(ledger.head.time, session.clock())
    const { epochs } = session.toHead(ledger.head)
    const events: LogEvent[] = []
    const outcomes = calls.map(call => {
      try {
        return { positions: appendCall(ledger, call, time, epochs, events) }
      } catch (error) {
        // Before anything of the call was put, so the others of the commit are not touched.
        if (error instanceof TidingsError) return { error }
        throw error
      }
    })
    if (events.length > 0) ledger.head.time = time
    forgetBeyond(ledger, options.maxOnce)
    return {
      outcomes,
      commit: { from, events, head: session.toHead(ledger.head), floor: Math.max(...session.floors()) },
    }
  }

  function appendCall(
    ledger: Ledger,
    call: Call,
    time: number,
    epochs: readonly EpochEntry[],
    events: LogEvent[],
  ): readonly Position[] {
    const fates = judge(ledger, call.items, time)
    // Pages are half empty where keys are inserted in random order, so a byte may take two.
    if (fates.includes(undefined) && usedBytes + addedBytes + call.bytes * 2 > options.maxBytes) {
      // Retention may make room until the next commit.
      isMeasured = false
      throw new TidingsError(
        'log-full',
        `${session.name} holds as much as it may (${options.maxBytes} bytes). Keep less (retention), or allow more (mapBytes).`,
      )
    }
    const positions: Position[] = []
    const epoch = presentEpoch(epochs)
    call.items.forEach(({ event, record, token }, i) => {
      const fate = fates[i]
      if (fate && 'offset' in fate) {
        positions.push({ epoch: epochAt(fate.offset, epochs), offset: fate.offset })
      } else if (fate) {
        positions.push(positions[fate.sameAs] as Position)
      } else {
        stampTime(record, time)
        const offset = ledger.add(event.topic, event.key ?? '', record, event.end ?? false)
        if (token && event.once) ledger.remember(token, offset, time, event.once.digest)
        events.push(toLogEvent(event, offset, time))
        positions.push({ epoch, offset })
        addedBytes += (record.length + indexBytes) * 2
      }
    })
    return positions
  }

  /** Decides what becomes of each item, and throws what forbids the whole call, before anything of it is put. */
  function judge(ledger: Ledger, items: readonly Item[], time: number): Fate[] {
    const tokens = new Map<string, number>()
    const ended = new Set<string>()
    return items.map(({ event, token }, i) => {
      if (token && event.once) {
        const { digest } = event.once
        const text = event.once.token
        const earlier = tokens.get(text)
        if (earlier !== undefined) {
          if (items[earlier]?.event.once?.digest !== digest) throw conflict()
          return { sameAs: earlier }
        }
        const remembered = ledger.remembered(token)
        if (remembered && remembered.time + options.idempotencyMs >= time) {
          if (remembered.digest !== digest) throw conflict()
          return { offset: remembered.offset }
        }
        tokens.set(text, i)
      }
      if (ended.has(event.topic) || ledger.topic(event.topic)?.end) {
        throw new TidingsError('topic-ended', `The topic ${event.topic} has ended; it takes no more events.`)
      }
      if (event.end) ended.add(event.topic)
      return undefined
    })
  }

  function forgetBeyond(ledger: Ledger, max: number): void {
    const surplus = ledger.head.tokens - max
    if (surplus <= 0) return
    for (const { offset, token } of ledger.oldestTokens(surplus)) ledger.forget(offset, token)
  }

  return {
    append,
    madeRoom() {
      isMeasured = false
    },
    async idle() {
      await running
    },
  }
}

function conflict(): TidingsError {
  return new TidingsError(
    'idempotency-conflict',
    'The idempotency key was used before, for something else. Take another.',
  )
}
