import { ask } from './ask.js'
import type { Gap } from './receiver.js'
import type { Attempt, Ending } from './transport.js'

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

/** Asks a hub for what follows the cursor, as much as one answer has. What is no page is what becomes of the attempt. */
export async function readPage(
  attempt: Attempt,
  cursor: string,
  query: Readonly<Record<string, string>>,
): Promise<Page | Ending> {
  const answer = await ask(attempt, 'application/json', cursor, query)
  if ('kind' in answer) return answer
  attempt.opened()
  attempt.heard()
  const page: Page = Object(await answer.json())
  attempt.heard()
  // A proxy that answers with something else may yet come to itself.
  return Array.isArray(page.events) ? page : { kind: 'cut', why: 'The server answered with no page of events.' }
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
