// The topics of the hub, asked for again and again, gently.

import { ifAnswered, Refused } from './history.js'
import { toProblem } from './problem.js'

/**
 * @typedef {{
 *   topic: string, events: number, first: string | null, last: string | null, ended: boolean, subscribers: number, rate: number
 * }} Topic
 * @typedef {{ topics: readonly Topic[], isComplete: boolean }} Listing
 */

const pageTopics = 1000
/** More are looked at only from a place on that somebody names. */
const maxTopics = 5000
const leastMs = 3000
const mostMs = 10_000
/** Between two times lies so many times what one takes, so that thousands of topics cost the hub no more than a few. */
const restFactor = 30

/**
 * The topics from the first that begins with `beginning`, by name, at most 5000. Throws `Refused`.
 *
 * @param {string} beginning
 * @returns {Promise<Listing>}
 */
async function readTopics(beginning) {
  /** @type {Topic[]} */
  const topics = []
  let after = justBefore(beginning)
  for (;;) {
    const query = new URLSearchParams({ limit: String(pageTopics) })
    if (after !== '') query.set('after', after)
    const response = await fetch(`/topics?${query}`)
    if (!response.ok) throw new Refused((await toProblem(response)).detail)
    const page = await response.json()
    topics.push(...page.topics)
    if (!page.more || topics.length >= maxTopics) return { topics, isComplete: !page.more }
    after = page.after
  }
}

/**
 * A name that stands behind all that come before `text`, and before it: pages of topics begin behind a name.
 *
 * @param {string} text
 */
function justBefore(text) {
  const points = [...text]
  const last = points.pop()?.codePointAt(0) ?? 0
  if (last === 0) return ''
  // U+E000 has half characters before it, which are in no name.
  const before = last === 0xe000 ? 0xd7ff : last - 1
  return `${points.join('')}${String.fromCodePoint(before)}\u{10ffff}`
}

/**
 * Reads the topics at once, and then every three seconds or less often, while somebody looks.
 *
 * @param {{ beginning: () => string, listed: (listing: Listing) => void }} options
 *   `beginning`: how the names begin that are wanted, if there are more than can be looked at.
 */
export function watchTopics({ beginning, listed }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let reading = Promise.resolve()
  let isComplete = true

  // One after the other: whoever asks is told what there was after it asked.
  const read = () => {
    clearTimeout(timer)
    reading = reading.then(readOnce)
    return reading
  }
  const readOnce = async () => {
    clearTimeout(timer)
    const begun = performance.now()
    const from = isComplete ? '' : beginning()
    const listing = await ifAnswered(readTopics(from))
    if (listing) {
      // What begins in the midst of the names is not all of them, though it reaches their end.
      isComplete = listing.isComplete && from === ''
      listed({ ...listing, isComplete })
      // The first look may show that there are too many, when a name had been given already.
      if (!isComplete && from !== beginning()) return readOnce()
    }
    if (document.visibilityState === 'hidden') return
    timer = setTimeout(read, Math.min(mostMs, Math.max(leastMs, restFactor * (performance.now() - begun))))
  }
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') void read()
    else clearTimeout(timer)
  })
  return { read }
}
