import { setImmediate as nextTurn } from 'node:timers/promises'
import { TidingsError } from '../../wire/errors.js'
import { matchesAny, type Selector } from '../../wire/selector.js'
import { presentEpoch } from '../epochs.js'
import type { EventLog, Head, TopicInfo } from '../log.js'
import { compileRetention } from '../retention.js'
import { createAppender } from './append.js'
import { selectorRange } from './catalog.js'
import { beginEpochAfterHead } from './history.js'
import { usageOf } from './holdings.js'
import { decodeTopic, metaKeys, offsetOf, type TopicRecord, topicKey, topicOffsetKey } from './layout.js'
import type { Neighbours } from './neighbours.js'
import type { Ownership } from './owner.js'
import { floorOf, offsetBefore, readPage } from './read.js'
import { replaceRules, rulesChanged } from './rules.js'
import type { Session } from './session.js'
import { createTail } from './tail.js'
import { createTrimmer } from './trim.js'

/** How many topics a listing looks at before it lets others have their turn. */
const listingChunk = 1_000

export interface LmdbSettings {
  readonly isAsync: boolean
  readonly maxBytes: number
  readonly idempotencyMs: number
  readonly maxOnce: number
  readonly trimIntervalMs: number
}

/** How a process has a log: it owns it, it writes in that of another, or it may only read. */
export type Role =
  | { readonly kind: 'owner'; readonly ownership: Ownership }
  | { readonly kind: 'member'; readonly neighbours: Neighbours }
  | { readonly kind: 'reader' }

/** How often, at most, a process that others write beside measures anew how much room is left. */
const measureMs = 1_000

/** The log of an open store. Closing it closes the store. Retention is the owner's to apply. */
export function createLmdbLog(session: Session, role: Role, settings: LmdbSettings): EventLog {
  const { store } = session
  const ownership = role.kind === 'owner' ? role.ownership : undefined
  const neighbours = role.kind === 'member' ? role.neighbours : ownership?.members
  const tail = createTail(session)
  const appender = createAppender(session, {
    ...settings,
    committed(commit) {
      tail.committed(commit)
      neighbours?.nudge('appended')
    },
  })
  const trimmer =
    ownership &&
    createTrimmer(session, {
      intervalMs: settings.trimIntervalMs,
      idempotencyMs: settings.idempotencyMs,
      removed(floor) {
        appender.madeRoom()
        tail.removed(floor)
        neighbours?.nudge('removed')
      },
    })
  let measuredAt = 0
  neighbours?.listen({
    heard(what) {
      if (session.closed) return
      tail.nudged(what === 'removed')
      const now = performance.now()
      if (what !== 'removed' && now - measuredAt < measureMs) return
      measuredAt = now
      appender.madeRoom()
    },
    alone() {
      // What a process that was killed was reading is kept from being written over until somebody looks.
      if (ownership && !session.closed) store.root.readerCheck()
    },
  })
  let closing: Promise<void> | undefined
  /** The last change of the rules. */
  let changing: Promise<void> | undefined

  function checkWritable(): void {
    session.checkOpen()
    if (role.kind !== 'reader') return
    throw new TidingsError('log-unavailable', `${session.name} may not be written; it is open for reading only.`)
  }

  async function beginEpoch(expected: string): Promise<Head> {
    checkWritable()
    const { head, begun } = await session.write(ledger => {
      const begun = presentEpoch(session.toHead(ledger.head).epochs) === expected
      if (begun) beginEpochAfterHead(store)
      return { head: session.toHead(ledger.head), begun }
    })
    if (begun) {
      tail.begun()
      neighbours?.nudge('appended')
    }
    return head
  }

  function toInfo(topic: TopicRecord): TopicInfo {
    const start = topicOffsetKey(topic.id, 0)
    const end = topicOffsetKey(topic.id + 1, 0)
    const [first] = [...store.byTopic.getKeys({ start, end, limit: 1 })]
    const [last] = [...store.byTopic.getKeys({ start: end, end: start, limit: 1, reverse: true, exclusiveStart: true })]
    return {
      topic: topic.topic,
      events: topic.events,
      first: first ? offsetOf(first) : 0,
      last: last ? offsetOf(last) : 0,
      end: topic.end || undefined,
    }
  }

  async function topics(options: Parameters<EventLog['topics']>[0]): Promise<readonly TopicInfo[]> {
    const { limit, selectors } = options
    const found: TopicInfo[] = []
    const { start, end } = listingRange(selectors)
    let after = options.after === undefined ? undefined : topicKey(options.after)
    while (found.length < limit) {
      const more = session.read(() => {
        const from = after && Buffer.compare(after, start) >= 0 ? { start: after, exclusiveStart: true } : { start }
        const listed = [...store.topics.getRange({ ...from, end, limit: listingChunk })]
        for (const { key, value } of listed) {
          if (found.length === limit) return false
          after = key
          const topic = decodeTopic(value)
          if (!selectors || matchesAny(selectors, topic.topic)) found.push(toInfo(topic))
        }
        return listed.length === listingChunk
      })
      if (!more) break
      await nextTurn()
    }
    return found
  }

  async function close(): Promise<void> {
    session.close()
    tail.close()
    await trimmer?.close()
    await appender.idle()
    await changing?.catch(() => undefined)
    if (settings.isAsync && ownership) await endRun(session)
    if (role.kind === 'member') role.neighbours.close()
    await store.root.close()
    await ownership?.release()
  }

  return {
    name: session.name,
    async append(events) {
      checkWritable()
      return await appender.append(events)
    },
    read: async (after, options) => readPage(session, after, options),
    follow: tail.follow,
    head: async () => session.read(head => session.toHead(head)),
    beginEpoch,
    offsetBefore: async time => offsetBefore(session, time),
    floor: async selectors => session.read(() => floorOf(session, selectors)),
    topic: async topic =>
      session.read(() => {
        const found = session.catalog.find(topic)
        return found && toInfo(found)
      }),
    topics,
    usage: async () => usageOf(session, settings.maxBytes),
    async trim() {
      checkWritable()
      if (!trimmer) throw new TidingsError('log-unavailable', `${session.name} is trimmed by the process that owns it.`)
      await trimmer.trim()
    },
    async setRetention(rules) {
      checkWritable()
      const retention = compileRetention(rules)
      if (!ownership) throw new TidingsError('log-unavailable', `${session.name} keeps what its owner keeps.`)
      changing = session.write(() => {
        if (rulesChanged(store, retention)) replaceRules(store, retention)
      })
      await changing
      neighbours?.nudge('removed')
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Takes away the mark of a run with the durability `async`, when all is flushed. */
async function endRun(session: Session): Promise<void> {
  const { root, meta } = session.store
  try {
    await session.write(() => {
      meta.remove(metaKeys.run)
    })
  } catch (error) {
    // It stays where nothing can be written any more. Then the next open takes the log for one that did not end cleanly.
    if (!(error instanceof TidingsError)) throw error
  }
  // lmdb-js never resolves the flush of a commit that failed; that of an empty one after it, it does.
  await root.transaction(() => undefined)
  await root.flushed
}

/** The part of the listing in which all that matches stands. */
function listingRange(selectors: readonly Selector[] | undefined): { start: Buffer; end: Buffer } {
  const ranges = selectors?.map(selectorRange) ?? [{ start: Buffer.of(0), end: Buffer.of(0xff) }]
  const start = ranges.map(range => range.start).sort(Buffer.compare)[0]
  const end = ranges
    .map(range => range.end)
    .sort(Buffer.compare)
    .at(-1)
  return { start: start ?? Buffer.of(0), end: end ?? Buffer.of(0) }
}
