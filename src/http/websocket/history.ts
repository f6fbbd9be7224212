import type { Hub } from '../../hub/hub.js'
import type { Since } from '../../hub/request.js'
import { hubTypes, type Position, parsePosition } from '../../wire/names.js'
import type { Selector } from '../../wire/selector.js'
import { toTextFrame, webSocketEncoding } from './frames.js'

/** Events of one read. */
const maxEvents = 100

export interface History {
  readonly selectors: readonly Selector[]
  readonly since: Since
  /** What comes later is told by a subscription. */
  readonly end: Position
  /** Whether an event was given already. */
  isHeard(topic: string, offset: number): boolean
}

export interface Listener {
  /** Resolves when there is room for more. */
  write(frame: Uint8Array): Promise<void>
  /** Aborts when nobody listens any more. */
  readonly signal: AbortSignal
}

/**
 * Tells who has just subscribed what the log has from `since` to `end`, as fast as he takes it. Resolves to the offset after which all of
 * it was told; nothing, where only the newest were. Rejects as `Hub.page`.
 */
export async function tellHistory(
  hub: Pick<Hub, 'page'>,
  { selectors, since, end, isHeard }: History,
  { write, signal }: Listener,
): Promise<number | undefined> {
  let cursor: string | undefined
  let from = firstOffset(since)
  for (;;) {
    const page = await hub.page({ selectors, since, cursor }, { limit: maxEvents })
    if (page.gap) await write(webSocketEncoding.hubEvent(hubTypes.gap, page.gap.resumedAt, JSON.stringify(page.gap)))
    for (const event of page.events) {
      if (signal.aborted) return undefined
      const offset = parsePosition(event.id ?? '')?.offset
      if (offset !== undefined && (offset > end.offset || isHeard(event.topic, offset))) continue
      if (since.kind === 'time') from ??= (offset ?? end.offset) - 1
      await write(toTextFrame(JSON.stringify(event)))
    }
    cursor = page.cursor
    const reached = parsePosition(cursor)?.offset ?? end.offset
    if (!page.more || reached >= end.offset || signal.aborted)
      return since.kind === 'latest' ? undefined : (from ?? end.offset)
  }
}

/** The offset that `since` begins after, if it says so itself. */
function firstOffset(since: Since): number | undefined {
  if (since.kind === 'earliest') return 0
  return since.kind === 'position' ? parsePosition(since.position)?.offset : undefined
}
