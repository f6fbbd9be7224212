import { readPage, takePage } from './page.js'
import type { Transport } from './transport.js'

const longestWaitMs = 25_000
/** After so long, a stream may get through again. */
const backMs = 600_000
/** An empty page that comes sooner was not held back. */
const atOnceMs = 500

/** Asks a hub for page after page, each held back until there is something. The first is not held back. */
export const longPoll: Transport = async attempt => {
  const { settings, signal } = attempt
  const { url, silenceMs, clock } = settings
  const wait = `${Math.max(1, Math.floor(Math.min(longestWaitMs, (silenceMs || Infinity) / 2) / 1000))}`
  const begunAt = clock.now()
  let { cursor } = attempt
  for (let isHeld = false; ; isHeld = true) {
    const askedAt = clock.now()
    const page = await readPage(attempt, cursor, {
      limit: '1000',
      ...(isHeld && { wait }),
      // Without it, pages begin with the oldest, unlike streams; beside a cursor it would say where to go on after a gap.
      ...(!cursor && !/[?&]since=/.test(url) && { since: 'now' }),
    })
    if ('kind' in page) return page
    cursor = page.cursor
    takePage(attempt, page)
    await attempt.room()
    const now = clock.now()
    if (signal.aborted || now - begunAt > backMs) return { kind: 'again' }
    if (isHeld && !page.events[0] && !page.more && now - askedAt < atOnceMs) {
      return { kind: 'cut', why: 'The server held no poll back.' }
    }
  }
}
