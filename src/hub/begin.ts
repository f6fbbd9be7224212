import { epochAt, judge, presentEpoch } from '../log/epochs.js'
import type { EpochEntry, EventLog } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import { parsePosition } from '../wire/names.js'
import type { Gap, Since, SubscribeRequest } from './request.js'
import { exactTopic } from './selection.js'
import type { Freshness } from './subscription.js'

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
  /** Offset of the event with which the topic ended, if nothing before it is left to hear. */
  readonly endedAt: number | undefined
}

/** What a caller wants, as far as it decides where to begin. */
export type Origin = Pick<SubscribeRequest, 'selectors' | 'cursor' | 'since'>

export interface BeginSurroundings {
  readonly log: EventLog
  readonly tail: number
  readonly epochs: readonly EpochEntry[]
  /** Cursors from here on are served without the log, whatever was trimmed. */
  readonly recentFrom: number
  /** Resolves when the hub has passed `offset`. */
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
  const { tail } = hub
  const place = await findPlace(hub, origin, tail)
  const topic = exactTopic(origin.selectors)
  const info = topic === undefined ? undefined : await askOr(undefined, hub.log.topic(topic))
  const hasEnded = info?.end !== undefined && place.cursor >= info.end && !place.isSnapshot
  if (hasEnded && origin.cursor !== undefined && !place.gap) return 'ended'
  return { ...place, epoch: epochAt(place.cursor, hub.epochs), endedAt: hasEnded ? info.end : undefined }
}

type Place = Omit<Start, 'epoch' | 'endedAt'>

async function findPlace(hub: BeginSurroundings, origin: Origin, tail: number): Promise<Place> {
  const { since } = origin
  const requested = origin.cursor ?? (since?.kind === 'position' ? since.position : undefined)
  if (requested === undefined) return placeSince(hub, origin, since ?? { kind: 'now' }, tail)
  const judged = await judgeCursor(hub, origin, requested)
  if (typeof judged === 'number') return { cursor: judged, freshness: 'resumed', gap: undefined, isSnapshot: false }
  // After a gap the stream goes on from what `since` says, if it says something else than the cursor that was no good.
  const goOn = since && since.kind !== 'position' ? since : undefined
  const fallback =
    origin.cursor !== undefined && since?.kind === 'position'
      ? await findPlace(hub, { selectors: origin.selectors, since }, tail)
      : await placeSince(hub, origin, goOn ?? { kind: 'earliest' }, tail)
  // What is trimmed above the place that the `$gap` names is another gap, not a part of this one.
  return { ...fallback, freshness: fallback.isSnapshot ? 'settled' : 'resumed', gap: { reason: judged, requested } }
}

/** The offset of a cursor that is good, or why it is not. */
async function judgeCursor(hub: BeginSurroundings, origin: Origin, text: string): Promise<number | Gap['reason']> {
  const position = parsePosition(text)
  if (!position) return 'unknown'
  const judged = judge(position, hub.epochs)
  if (judged !== 'good') return judged
  const { offset } = position
  if (offset > hub.tail) {
    // This hub may lag behind another one that gave this position; the log knows.
    const head = await hub.log.head()
    if (offset > head.offset || presentEpoch(head.epochs) !== position.epoch) return 'rewound'
    await hub.reached(offset)
  }
  if (offset >= hub.recentFrom) return offset
  const floor = await askOr(0, hub.log.floor(origin.selectors))
  return offset < floor ? 'trimmed' : offset
}

async function placeSince(hub: BeginSurroundings, origin: Origin, since: Since, tail: number): Promise<Place> {
  const place = { freshness: 'settled', gap: undefined, isSnapshot: false } as const
  switch (since.kind) {
    case 'now':
      return { ...place, cursor: tail }
    case 'latest':
      return { ...place, cursor: tail, isSnapshot: true }
    case 'earliest':
      return {
        ...place,
        cursor: Math.min(tail, await askOr(0, hub.log.floor(origin.selectors))),
        freshness: 'floating',
      }
    case 'time': {
      const before = await hub.log.offsetBefore(since.time)
      const floor = await hub.log.floor(origin.selectors)
      return { ...place, cursor: Math.min(tail, Math.max(before, floor)), freshness: 'floating' }
    }
    case 'position':
      return findPlace(hub, { selectors: origin.selectors, since }, tail)
  }
}
