// What the rows share: their shape, and a peer that runs while they look at it.
import { startPeer } from '../peers.mjs'

/**
 * What one peer did in one row.
 *
 * @typedef {object} Outcome
 * @property {'holds' | 'breaks' | 'not claimed'} verdict whether it does what the row asks; `not claimed`: it does not say that it would
 * @property {string} says the cell of the table
 * @property {Readonly<Record<string, number>>} [values]
 */

/**
 * @typedef {object} Row
 * @property {string} title as the table has it
 * @property {string} about what is done, and what is asked, as the notes below the table say it
 * @property {(name: string, place: Place) => Promise<Outcome>} try
 */

/**
 * @typedef {object} Place
 * @property {number | undefined} serverCore
 * @property {readonly [cert: string, key: string]} certificate
 */

/**
 * Starts a peer, and ends it afterwards. A failure tells what the peer wrote to its standard error.
 *
 * @template T
 * @param {string} name
 * @param {(running: import('../peers.mjs').Running) => Promise<T>} use
 * @param {Parameters<typeof startPeer>[1]} [options]
 * @returns {Promise<T>}
 */
export async function withPeer(name, use, options) {
  const running = await startPeer(name, options)
  try {
    return await use(running)
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : error}\n${running.errors()}`, { cause: error })
  } finally {
    await running.end()
  }
}

/** Resolves when the application knows of so many readers, to the milliseconds that took; to nothing after `withinMs`. @param {import('../peers.mjs').Running} running @param {string} path @param {number} count */
export async function untilReaders(running, path, count, withinMs = 5_000) {
  const begin = performance.now()
  while ((await running.readers(path)) !== count) {
    if (performance.now() - begin > withinMs) return undefined
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return performance.now() - begin
}
