import { epochAt, judge } from '../log/epochs.js'
import type { EpochEntry, EventLog, Head } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import { type Position, parsePosition } from '../wire/names.js'
import type { Gap, Since, SubscribeRequest } from './request.js'
import { exactTopic } from './selection.js'
import { readLastEvent, type TopicEnd, toTopicEnd } from './topic-end.js'

/**
 * Whether a subscription was given nothing yet, and if so, where it is to go on when the log turns out to be trimmed above its
 * cursor: at what is left without a word (it asked for the oldest), or there with a `$gap` (it came with a cursor).
 */
export type Freshness = 'floating' | 'resumed' | 'settled'

/** Where a subscription begins, as found out with the log's help; judged again when it gets its sink. */
export interface Start {
  /** All up to here counts as seen. */
  readonly cursor: number
  /** The history that the cursor is a place in. */
  readonly epoch: string
  readonly freshness: Freshness
  readonly gap: { readonly reason: Gap['reason']; readonly requested: string } | undefined
  /** The newest of each topic and key come first (`since=latest`). */
  readonly isSnapshot: boolean
  /** With what the topic ended, if nothing before that is left to hear. */
  readonly ended: TopicEnd | undefined
}

/** What a caller wants, as far as it decides where to begin. */
export type Origin = Pick<SubscribeRequest, 'selectors' | 'cursor' | 'since'>

export interface BeginSurroundings {
  readonly log: EventLog
  readonly tail: number
  readonly epochs: readonly EpochEntry[]
  /** Cursors from here on are served without the log, whatever was trimmed. */
  readonly recentFrom: number
  /** The head of the log, asked now. */
  askHead(): Promise<Head>
  /** Resolves when the hub has passed `offset`, or will not. */
  reached(offset: number): Promise<void>
}

/** Asks the log, and takes `fallback` while it does not answer: streams open and wait for it. */
async function askOr<T>(fallback: T, question: Promise<T>): Promise<T> {
  try {
    return await question
  } catch (error) {
    if (error instanceof TidingsError && error.code === 'log-unavailable') return fallback
    throw error
  }
}

/** Finds where a subscription begins; `ended` if its one topic has ended and its cursor has seen that. */
export async function findStart(hub: BeginSurroundings, origin: Origin): Promise<Start | 'ended'> {
  // Before the log is asked whether the topic has ended: an end that comes meanwhile is then ahead of the cursor.
  const { tail, epochs } = hub
  const place = await findPlace(hub, origin, { offset: tail, epochs })
  const topic = exactTopic(origin.selectors)
  const info = topic === undefined ? undefined : await askOr(undefined, hub.log.topic(topic))
  const hasEnded = info?.end !== undefined && place.cursor >= info.end && !place.isSnapshot
  if (hasEnded && origin.cursor !== undefined && !place.gap) return 'ended'
  return { ...place, ended: hasEnded ? await endAt(hub.log, topic as string, info.end) : undefined }
}

/** With what a topic ended at `offset`, also if that was trimmed or the log went away since it was said to be there. */
async function endAt(log: EventLog, topic: string, offset: number): Promise<TopicEnd> {
  const last = await askOr(undefined, readLastEvent(log, topic))
  return last ? toTopicEnd(last) : { offset, data: '{}' }
}

type Place = Omit<Start, 'ended'>

/** Where the hub stood when it was asked. */
interface Tail {
  readonly offset: number
  readonly epochs: readonly EpochEntry[]
}

async function findPlace(hub: BeginSurroundings, origin: Origin, tail: Tail): Promise<Place> {
  const { since } = origin
  const requested = origin.cursor ?? (since?.kind === 'position' ? since.position : undefined)
  if (requested === undefined) return placeSince(hub, origin, since ?? { kind: 'now' }, tail)
  const judged = await judgeCursor(hub, origin, requested)
  if (typeof judged === 'object') {
    return { cursor: judged.offset, epoch: judged.epoch, freshness: 'resumed', gap: undefined, isSnapshot: false }
  }
  // After a gap the stream goes on from what `since` says, if it says something else than the cursor that was no good.
  const goOn = since && since.kind !== 'position' ? since : undefined
  const fallback =
    origin.cursor !== undefined && since?.kind === 'position'
      ? await findPlace(hub, { selectors: origin.selectors, since }, tail)
      : await placeSince(hub, origin, goOn ?? { kind: 'earliest' }, tail)
  // What is trimmed above the place that the `$gap` names is another gap, not a part of this one.
  return {
    ...fallback,
    freshness: fallback.isSnapshot ? 'settled' : 'resumed',
    gap: { reason: judged, requested },
  }
}

/** The cursor, if it is good, or why it is not. */
async function judgeCursor(hub: BeginSurroundings, origin: Origin, text: string): Promise<Position | Gap['reason']> {
  const position = parsePosition(text)
  if (!position) return 'unknown'
  const judged = judge(position, hub.epochs)
  if (judged !== 'good') return judged
  const { offset } = position
  if (offset > hub.tail) {
    // This hub may lag behind another one that gave this position; the log knows.
    const head = await hub.askHead()
    const judgedByLog = judge(position, head.epochs)
    if (judgedByLog !== 'good') return judgedByLog
    if (offset > head.offset) return 'rewound'
    await hub.reached(offset)
    if (judge(position, hub.epochs) !== 'good') return 'rewound'
  }
  if (offset >= hub.recentFrom) return position
  const floor = await askOr(0, hub.log.floor(origin.selectors))
  return offset < floor ? 'trimmed' : position
}

async function placeSince(hub: BeginSurroundings, origin: Origin, since: Since, tail: Tail): Promise<Place> {
  const at = (cursor: number): Place => {
    const offset = Math.min(tail.offset, cursor)
    return {
      cursor: offset,
      epoch: epochAt(offset, tail.epochs),
      freshness: 'settled',
      gap: undefined,
      isSnapshot: false,
    }
  }
  switch (since.kind) {
    case 'now':
      return at(tail.offset)
    case 'latest':
      return { ...at(tail.offset), isSnapshot: true }
    case 'earliest':
      return { ...at(await askOr(0, hub.log.floor(origin.selectors))), freshness: 'floating' }
    case 'time': {
      const before = await hub.log.offsetBefore(since.time)
      const floor = await hub.log.floor(origin.selectors)
      return { ...at(Math.max(before, floor)), freshness: 'floating' }
    }
    case 'position':
      return findPlace(hub, { selectors: origin.selectors, since }, tail)
  }
}
