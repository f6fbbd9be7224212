import type { Gap } from './receiver.js'
import type { Attempt } from './transport.js'

/** What a hub answers. */
export interface Page {
  readonly events: readonly {
    readonly type?: string
    readonly topic: string
    readonly id?: string
    readonly data: string
    readonly end?: boolean
  }[]
  readonly cursor: string
  readonly more: boolean
  readonly gap: Gap | null
  readonly ended: boolean
}

/** Gives an attempt what a page has. */
export function takePage({ take, settings }: Attempt, { events, cursor, gap, ended }: Page): void {
  const tell = (type: string, id: string, data = ''): void => take({ type, topic: '', id, data })
  // A picture of the newest has no place of its own; what follows any other gap has.
  if (gap) tell('$gap', settings.isSnapshot ? '' : gap.resumedAt, JSON.stringify(gap))
  for (const { type = 'message', topic, id = '', data } of events) take({ type, topic, id, data })
  tell('$cursor', cursor)
  const last = events.at(-1)
  if (ended) tell('$end', cursor, last?.end && last.type === 'outcome' ? last.data : '{}')
}
