import { hubTypes } from '../../wire/names.js'
import { ask } from './ask.js'
import type { Gap } from './receiver.js'
import type { Attempt, Transport } from './transport.js'

const longestWaitMs = 25_000
/** After so long, a stream may get through again. */
const backMs = 600_000
/** An empty page that comes sooner was not held back. */
const atOnceMs = 500

/** Asks a hub for page after page, each held back until there is something. The first is not held back. */
export const longPoll: Transport = async attempt => {
  const { settings, signal } = attempt
  const { silenceMs, answerMs, clock } = settings
  const waitMs = Math.max(1_000, Math.min(longestWaitMs, (silenceMs || longestWaitMs * 2) / 2))
  const begunAt = clock.now()
  // Without it, pages begin with the oldest, unlike streams; beside a cursor it says where to go on after a gap.
  const isNow = !new URL(settings.url).searchParams.has('since')
  let { cursor } = attempt
  for (let isHeld = false; ; isHeld = true) {
    const askedAt = clock.now()
    const answer = await ask(
      { ...attempt, isHub: true },
      {
        accept: 'application/json',
        query: {
          limit: '1000',
          ...(isNow && cursor === '' && { since: 'now' }),
          ...(isHeld && { wait: `${Math.floor(waitMs / 1000)}` }),
        },
        cursor,
        answerMs: isHeld ? answerMs + waitMs : answerMs,
      },
    )
    if ('kind' in answer) return answer
    attempt.opened()
    attempt.heard()
    const page: Page = Object(await answer.json())
    // A proxy that answers with something else may yet come to itself.
    if (!Array.isArray(page.events)) return { kind: 'cut', why: 'The server answered with no page of events.' }
    cursor = page.cursor
    attempt.heard()
    take(attempt, page)
    await attempt.room()
    const now = clock.now()
    if (signal.aborted || now - begunAt > backMs) return { kind: 'again' }
    if (isHeld && !page.events.length && !page.more && now - askedAt < atOnceMs) {
      return { kind: 'cut', why: 'The server does not hold polls back.' }
    }
  }
}

interface Page {
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

function take({ take, settings }: Attempt, { events, cursor, gap, ended }: Page): void {
  const tell = (type: string, id: string, data = ''): void => take({ type, topic: '', id, data })
  // A picture of the newest has no place of its own; what follows any other gap has.
  if (gap) tell(hubTypes.gap, settings.isSnapshot ? '' : gap.resumedAt, JSON.stringify(gap))
  for (const { type = 'message', topic, id = '', data } of events) take({ type, topic, id, data })
  tell(hubTypes.cursor, cursor)
  const last = events.at(-1)
  if (ended) tell(hubTypes.end, cursor, last?.end && last.type === 'outcome' ? last.data : '{}')
}
