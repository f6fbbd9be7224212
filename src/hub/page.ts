import { cutAfter, epochAt, judge, presentEpoch } from '../log/epochs.js'
import type { EpochEntry, LogEvent, Page } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import { hubTypes, type Position, toPositionText } from '../wire/names.js'
import { findStart } from './begin.js'
import type { EventObject, PageOptions, PageResult } from './hub.js'
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

/** See `Hub.page`. */
export async function readPage(flow: LiveFlow, request: PageRequest, options: PageOptions): Promise<PageResult> {
  // To go on after a gap `findStart` has a default of its own; only without a cursor a page begins at the oldest event.
  const since = request.since ?? (request.cursor === undefined ? ({ kind: 'earliest' } as const) : undefined)
  const start = await findStart(flow, { ...request, since })
  if (start === 'ended') {
    return { events: [], cursor: request.cursor ?? '', more: false, gap: null, ended: true }
  }
  const topic = exactTopic(request.selectors)
  const resumedAt = flow.positionAt(start.isSnapshot ? flow.tail : start.cursor)
  let gap: Gap | null = start.gap ? { ...start.gap, resumedAt } : null
  let cursor = start.isSnapshot ? 0 : start.cursor
  let { epoch } = start
  // Whoever asked for the oldest, or the newest of each, takes what is left; of what comes after a first read, nothing may be missing.
  let isOwed = start.freshness !== 'floating' && !start.isSnapshot
  const deadline = performance.now() + (options.waitMs ?? 0)
  for (;;) {
    const { epochs } = flow
    if (judge({ epoch, offset: cursor }, epochs) !== 'good') {
      const requested = toPositionText(epoch, cursor)
      cursor = Math.min(cursor, flow.tail, cutAfter([{ epoch, first: 0 }], epochs))
      if (isOwed || gap) gap = { ...(gap ?? { reason: 'rewound', requested }), resumedAt: flow.positionAt(cursor) }
    }
    const read = await readSome(flow, request, cursor, { limit: options.limit, newest: start.isSnapshot, epochs })
    const { page } = read
    if (isOwed && page.floor > cursor) {
      // Trimmed since the cursor was judged, or before and judged by the recent events: the page holds what is left after it.
      gap = {
        ...(gap ?? { reason: 'trimmed', requested: flow.positionAt(cursor) }),
        resumedAt: flow.positionAt(Math.min(page.floor, page.through)),
      }
    }
    cursor = page.through
    epoch = epochAt(cursor, page.head.epochs)
    isOwed = true
    const more = cursor < page.head.offset
    const ended =
      !more && topic !== undefined && ((await flow.log.topic(topic))?.end ?? Number.POSITIVE_INFINITY) <= cursor
    const waitMs = deadline - performance.now()
    const isOver = waitMs <= 0 || options.signal?.aborted || flow.isDraining || flow.isClosed
    if (read.events.length > 0 || more || ended || gap || isOver) {
      const events = read.events.map(event =>
        toEventObject(event, start.isSnapshot ? undefined : flow.positionAt(event.offset)),
      )
      return { events, cursor: flow.positionAt(cursor), more, gap, ended }
    }
    await nextMatch(flow, request, { epoch, offset: cursor }, waitMs, options.signal)
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

/** Resolves when the hub has passed a matching event after `cursor`, or the time is over, or nobody waits any more. */
function nextMatch(
  flow: LiveFlow,
  { selectors }: PageRequest,
  { epoch, offset: cursor }: Position,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise(resolve => {
    const waiter = new Waiter(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    const stop = (): void => waiter.end()
    const timer = setTimeout(stop, waitMs)
    signal?.addEventListener('abort', stop, { once: true })
    // Ahead of a hub that lags, the log has already shown what the hub will pass next.
    void flow.reached(cursor).then(() => {
      if (waiter.isEnding) return
      flow.attach(
        { selectors, encoding: wake },
        { cursor, epoch, freshness: 'resumed', gap: undefined, isSnapshot: false, ended: undefined },
        waiter,
      )
    })
  })
}

/** A sink that ends as soon as it is given something. */
class Waiter implements Sink {
  readonly #onClosed: () => void
  #listener: SinkListener | undefined
  isEnding = false

  constructor(onClosed: () => void) {
    this.#onClosed = onClosed
  }

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (bytes.length > 0) this.end()
    return true
  }

  end(): void {
    if (this.isEnding) return
    this.isEnding = true
    // A sink tells its subscription nothing from inside `write`.
    queueMicrotask(() => {
      this.#listener?.closed()
      this.#onClosed()
    })
  }

  destroy(): void {
    this.end()
  }

  /** It takes everything at once. */
  watchStall(): void {}
}
