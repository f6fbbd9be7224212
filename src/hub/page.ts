import { cutAfter, epochAt, judge, presentEpoch } from '../log/epochs.js'
import type { EpochEntry, LogEvent, Page } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import { hubTypes, toPositionText } from '../wire/names.js'
import { findStart } from './begin.js'
import type { EventObject, PageOptions, PageResult, StopSignal, Subscription } from './hub.js'
import type { LiveFlow } from './live-flow.js'
import { isMark } from './mark.js'
import type { Gap, SubscribeRequest } from './request.js'
import { exactTopic } from './selection.js'
import type { Encoding, Sink, SinkListener } from './sink.js'

/** Data of one page, about; the page ends with the event that passes it. */
const maxPageBytes = 1024 * 1024
/** How many reads that bring nothing a page makes before it says `more`. */
const maxEmptyReads = 8

/** An event as JSON forms show it. `id` is left out where it would be taken for a cursor and is none. */
export function toEventObject(event: LogEvent, id: string | undefined): EventObject {
  return {
    ...(id === undefined ? {} : { id }),
    topic: event.topic,
    time: event.time,
    ...(event.type === '' ? {} : { type: event.type }),
    ...(event.key === '' ? {} : { key: event.key }),
    ...(event.eventId === '' ? {} : { eventId: event.eventId }),
    data: event.data,
    ...(event.end ? { end: true } : {}),
  }
}

type PageRequest = Omit<SubscribeRequest, 'encoding' | 'conflateMs'>

/** Where a page begins, and what is known of what lies before. */
interface Place {
  readonly cursor: number
  readonly epoch: string
  /** Of what comes after the cursor, nothing may be missing without a word. */
  readonly isOwed: boolean
  readonly gap: Gap | null
}

/** What a look at the log brought. */
interface Look {
  readonly page: PageResult
  /** Where the next look begins, if this one brought nothing. */
  readonly next: Place
}

/**
 * The looks at the log that those take who were woken by the same event: who asked for the same, and stands at the same place, is given the
 * same page, read once.
 */
export class WokenLooks {
  readonly #looks = new Map<string, Promise<Look>>()

  /** The look that is under way for `key`, or a new one. */
  share(key: string, look: () => Promise<Look>): Promise<Look> {
    const begun = this.#looks.get(key)
    if (begun) return begun
    const shared = look().finally(() => this.#looks.delete(key))
    this.#looks.set(key, shared)
    return shared
  }
}

/** See `Hub.page`. Pages of those who were woken together are one object. */
export async function readPage(
  flow: LiveFlow,
  woken: WokenLooks,
  request: PageRequest,
  options: PageOptions,
): Promise<PageResult> {
  // To go on after a gap `findStart` has a default of its own; only without a cursor a page begins at the oldest event.
  const since = request.since ?? (request.cursor === undefined ? ({ kind: 'earliest' } as const) : undefined)
  const start = await findStart(flow, { ...request, since })
  if (start === 'ended') {
    return { events: [], cursor: request.cursor ?? '', more: false, gap: null, ended: true }
  }
  const { limit } = options
  const newest = start.isSnapshot
  const resumedAt = flow.positionAt(newest ? flow.tail : start.cursor)
  const deadline = performance.now() + (options.waitMs ?? 0)
  let { page, next } = await look(
    flow,
    request,
    { limit, newest },
    {
      cursor: newest ? 0 : start.cursor,
      epoch: start.epoch,
      // Whoever asked for the oldest, or the newest of each, takes what is left; of what comes after a first read, nothing may be missing.
      isOwed: start.freshness !== 'floating' && !newest,
      gap: start.gap ? { ...start.gap, resumedAt } : null,
    },
  )
  for (;;) {
    const waitMs = deadline - performance.now()
    const isOver = waitMs <= 0 || options.signal?.aborted || flow.isDraining || flow.isClosed
    if (page.events.length > 0 || page.more || page.ended || page.gap || isOver) return page
    const place = await nextMatch(flow, request, next, waitMs, options.signal)
    const goOn = (): Promise<Look> => look(flow, request, { limit, newest }, place)
    const key = JSON.stringify([newest, limit, place.epoch, place.cursor, ...request.selectors.map(({ text }) => text)])
    ;({ page, next } = await woken.share(key, goOn))
  }
}

/** Reads once what there is behind a place. */
async function look(
  flow: LiveFlow,
  request: PageRequest,
  { limit, newest }: { readonly limit: number; readonly newest: boolean },
  place: Place,
): Promise<Look> {
  const { epochs } = flow
  const { epoch, isOwed } = place
  let { cursor, gap } = place
  if (judge({ epoch, offset: cursor }, epochs) !== 'good') {
    const requested = toPositionText(epoch, cursor)
    cursor = Math.min(cursor, flow.tail, cutAfter([{ epoch, first: 0 }], epochs))
    if (isOwed || gap) gap = { ...(gap ?? { reason: 'rewound', requested }), resumedAt: flow.positionAt(cursor) }
  }
  const read = await readSome(flow, request, cursor, { limit, newest, epochs })
  const { floor, through, head } = read.page
  if (isOwed && floor > cursor) {
    // Trimmed since the cursor was judged, or before and judged by the recent events: the page holds what is left after it.
    gap = {
      ...(gap ?? { reason: 'trimmed', requested: flow.positionAt(cursor) }),
      resumedAt: flow.positionAt(Math.min(floor, through)),
    }
  }
  const topic = exactTopic(request.selectors)
  const more = through < head.offset
  const ended =
    !more && topic !== undefined && ((await flow.log.topic(topic))?.end ?? Number.POSITIVE_INFINITY) <= through
  const events = read.events.map(event => toEventObject(event, newest ? undefined : flow.positionAt(event.offset)))
  return {
    page: { events, cursor: flow.positionAt(through), more, gap, ended },
    next: { cursor: through, epoch: epochAt(through, head.epochs), isOwed: true, gap: null },
  }
}

/** Reads on until there is something, the log has no more, or enough was looked through. */
async function readSome(
  flow: LiveFlow,
  request: PageRequest,
  after: number,
  options: { readonly limit: number; readonly newest: boolean; readonly epochs: readonly EpochEntry[] },
): Promise<{ readonly page: Page; readonly events: readonly LogEvent[] }> {
  const events: LogEvent[] = []
  let floor = 0
  let cursor = after
  for (let empty = 0; ; ) {
    const page = await flow.log.read(cursor, {
      selectors: request.selectors,
      maxEvents: options.limit - events.length,
      maxBytes: maxPageBytes,
      newest: options.newest,
    })
    if (presentEpoch(page.head.epochs) !== presentEpoch(options.epochs)) {
      throw new TidingsError(
        'log-unavailable',
        'The log has begun a new epoch, which this hub is about to follow; try again.',
      )
    }
    const heard = page.events.filter(event => !isMark(event))
    events.push(...heard)
    floor = Math.max(floor, page.floor)
    const isStuck = page.through === cursor
    cursor = page.through
    if (heard.length === 0) empty++
    const isDone = events.length > 0 || cursor >= page.head.offset || empty >= maxEmptyReads
    if (isDone || isStuck) return { page: { ...page, from: after, floor, events }, events }
  }
}

/** Frames that say no more than that there is something: whoever waits for a page only wants to be woken. */
const something = new Uint8Array(1)
const nothing = new Uint8Array()
const wake: Encoding = {
  name: 'wake',
  event: () => something,
  hubEvent: type => (type === hubTypes.cursor ? nothing : something),
}

/**
 * Resolves when the hub has passed a matching event behind `place`, or the time is over, or nobody waits any more: to where to look, which is
 * the same place for all who were woken by the same event.
 */
function nextMatch(
  flow: LiveFlow,
  { selectors }: PageRequest,
  place: Place,
  waitMs: number,
  signal: StopSignal | undefined,
): Promise<Place> {
  const { epoch, cursor } = place
  return new Promise(resolve => {
    const waiter = new Waiter(flow, from => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      resolve(from === undefined ? place : { ...place, cursor: from, epoch: epochAt(from, flow.epochs) })
    })
    const stop = (): void => waiter.end()
    const timer = setTimeout(stop, waitMs)
    signal?.addEventListener('abort', stop)
    // Ahead of a hub that lags, the log has already shown what the hub will pass next.
    void flow.reached(cursor).then(() => {
      if (waiter.isEnding) return
      waiter.subscription = flow.attach(
        { selectors, encoding: wake },
        { cursor, epoch, freshness: 'resumed', gap: undefined, isSnapshot: false, ended: undefined },
        waiter,
      )
    })
  })
}

/** A sink that ends as soon as it is given something. */
class Waiter implements Sink {
  readonly #flow: Pick<LiveFlow, 'turnFrom'>
  readonly #onClosed: (from: number | undefined) => void
  #listener: SinkListener | undefined
  /** Behind this lies what it was woken by; unless it was live then, that is not known. */
  #from: number | undefined
  subscription: Pick<Subscription, 'state'> | undefined
  isEnding = false

  constructor(flow: Pick<LiveFlow, 'turnFrom'>, onClosed: (from: number | undefined) => void) {
    this.#flow = flow
    this.#onClosed = onClosed
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.length === 0 || this.isEnding) return true
    // Whoever is live would have been woken by whatever matched before this turn.
    if (this.subscription?.state === 'live') this.#from = this.#flow.turnFrom
    this.end()
    return true
  }

  end(): void {
    if (this.isEnding) return
    this.isEnding = true
    // A sink tells its subscription nothing from inside `write`.
    queueMicrotask(() => {
      this.#listener?.closed()
      this.#onClosed(this.#from)
    })
  }

  destroy(): void {
    this.end()
  }

  /** It takes everything at once. */
  watchStall(): void {}
}
