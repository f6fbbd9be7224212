// What was said before the page was there, in pages.

import { isCut, toProblem } from './problem.js'

/** @typedef {import('./stream.js').Heard} Heard */

const pageEvents = 1000
const maxPages = 3

/** How far back the newest events are looked for, until there are enough: on a busy hub a minute is long. */
const reaches = ['1m', '10m', '1h', '6h', '1d', 'earliest']

/** What the hub refuses, such as a selector that is none. Its message is the problem's detail. */
export class Refused extends Error {}

/**
 * The events since then, oldest first, and the cursor behind them. Reads at most three pages, about 3 MB: if that is not
 * all, `isComplete` is false. Throws `Refused`.
 *
 * @param {readonly string[]} selectors
 * @param {string} since
 */
export async function readSince(selectors, since) {
  /** @type {Heard[]} */
  const events = []
  let cursor = ''
  for (let page = 1; ; page++) {
    const query = new URLSearchParams(selectors.map(selector => ['topic', selector]))
    query.set('limit', String(pageEvents))
    query.set('since', since)
    if (cursor !== '') query.set('lastEventId', cursor)
    const response = await fetch(`/events?${query}`, { headers: { Accept: 'application/json' } })
    if (!response.ok) throw new Refused((await toProblem(response)).detail)
    const answer = await response.json()
    events.push(...answer.events)
    cursor = answer.cursor
    if (!answer.more || page === maxPages) return { events, cursor, isComplete: !answer.more }
  }
}

/**
 * The newest events that match, oldest first: `max` of them if a few reads find so many. Throws `Refused`.
 *
 * @param {readonly string[]} selectors
 * @param {number} max
 * @returns {Promise<Heard[]>}
 */
export async function readNewest(selectors, max) {
  /** @type {Heard[]} */
  let newest = []
  for (const since of reaches) {
    const { events, isComplete } = await readSince(selectors, since)
    // The oldest part of so long a time is not the newest.
    if (!isComplete) break
    newest = events
    if (newest.length >= max) break
  }
  return newest.slice(-max)
}

/**
 * What `read` finds; nothing where the hub does not answer or refuses, since the stream says so, and goes on trying.
 *
 * @template T
 * @param {Promise<T>} read
 * @returns {Promise<T | undefined>}
 */
export async function ifAnswered(read) {
  try {
    return await read
  } catch (error) {
    if (error instanceof Refused || isCut(error)) return undefined
    throw error
  }
}
