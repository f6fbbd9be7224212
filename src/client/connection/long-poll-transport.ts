import { hubTypes } from '../../wire/names.js'
import { ask, lost } from './ask.js'
import type { Gap } from './receiver.js'
import type { Attempt, Transport } from './transport.js'

const longestWaitMs = 25_000
const maxEvents = '500'

/** Asks a hub for page after page, each held back until there is something. The first is not held back. */
export const longPoll: Transport = async attempt => {
  const { settings, signal } = attempt
  const { silenceMs, answerMs } = settings
  const waitMs = silenceMs ? Math.min(longestWaitMs, silenceMs / 2) : longestWaitMs
  const query: Record<string, string> = { limit: maxEvents }
  // Without it, pages begin with the oldest, unlike streams.
  if (!new URL(settings.url).searchParams.has('since')) query['since'] = 'now'
  const asHub = { ...attempt, isHub: true }
  let { cursor } = attempt
  for (;;) {
    const answer = await ask(asHub, { accept: 'application/json', query, cursor, answerMs: answerMs + waitMs })
    if ('kind' in answer) return answer
    const page: unknown = await answer.json()
    if (signal.aborted) return { kind: 'again' }
    // A proxy that answers with something else may yet come to itself.
    if (!isPage(page)) return { kind: 'cut', error: lost('The server answered with no page of events.') }
    cursor = page.cursor
    attempt.heard()
    take(attempt, page, query['since'] === undefined)
    await attempt.room()
    if (signal.aborted) return { kind: 'again' }
    query['wait'] = String(Math.max(1, Math.floor(waitMs / 1000)))
  }
}

interface Page {
  readonly events: readonly {
    readonly type?: string
    readonly topic: string
    readonly id?: string
    readonly data: string
  }[]
  readonly cursor: string
  readonly gap: Gap | null
  readonly ended: boolean
}

function isPage(value: unknown): value is Page {
  const { events, cursor } = Object(value)
  return Array.isArray(events) && typeof cursor === 'string'
}

function take(attempt: Attempt, { events, cursor, gap, ended }: Page, hasSince: boolean): void {
  const tell = (type: string, id: string, data = ''): void => attempt.take({ type, topic: '', id, data })
  attempt.opened()
  // A picture of the newest has no place of its own; what follows any other gap has.
  if (gap) tell(hubTypes.gap, hasSince && attempt.settings.isSnapshot ? '' : gap.resumedAt, JSON.stringify(gap))
  for (const { type = 'message', topic, id = '', data } of events) attempt.take({ type, topic, id, data })
  tell(hubTypes.cursor, cursor)
  if (ended) tell(hubTypes.end, cursor)
}
