import type { ask } from './ask.js'
import { type Page, takePage } from './take-page.js'
import type { Transport } from './transport.js'

export { takePage } from './take-page.js'

const longestWaitMs = 25_000
/** After so long, a stream may get through again. */
const backMs = 600_000
/** An empty page that comes sooner was not held back. */
const atOnceMs = 500

/**
 * Asks a hub for page after page, each held back until there is something. The first is not held back.
 *
 * Is loaded when it is used, and given what is there already, so that a bundler makes no third piece of that.
 */
export const createLongPoll =
  (give: { readonly ask: typeof ask }): Transport =>
  async attempt => {
    const { settings, signal } = attempt
    const { url, silenceMs, clock } = settings
    const wait = `${Math.max(1, Math.floor(Math.min(longestWaitMs, (silenceMs || Infinity) / 2) / 1000))}`
    const begunAt = clock.now()
    let { cursor } = attempt
    for (let isHeld = false; ; isHeld = true) {
      const askedAt = clock.now()
      const query = {
        limit: '1000',
        ...(isHeld && { wait }),
        // Without it, pages begin with the oldest, unlike streams; beside a cursor it would say where to go on after a gap.
        ...(!cursor && !/[?&]since=/.test(url) && { since: 'now' }),
      }
      const answer = await give.ask(attempt, { accept: 'application/json', query, cursor })
      if ('kind' in answer) return answer
      attempt.opened()
      attempt.heard()
      const page: Page = Object(await answer.json())
      // A proxy that answers with something else may yet come to itself.
      if (!Array.isArray(page.events)) return { kind: 'cut', why: 'The server answered with no page of events.' }
      cursor = page.cursor
      attempt.heard()
      takePage(attempt, page)
      await attempt.room()
      const now = clock.now()
      if (signal.aborted || now - begunAt > backMs) return { kind: 'again' }
      if (isHeld && !page.events[0] && !page.more && now - askedAt < atOnceMs) {
        return { kind: 'cut', why: 'The server does not hold polls back.' }
      }
    }
  }
