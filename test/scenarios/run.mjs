import { cases, formatCases } from './cases.mjs'
import { createTools } from './tools.mjs'

/**
 * @typedef {object} Surroundings
 * @property {import('./tools.mjs').AnyEventSource} EventSource the one that is tried
 * @property {string} url of the scenario server
 * @property {boolean} isBrowser
 */

const atOnce = 4
const longestMs = 15_000

/**
 * Runs all cases that can be run here, some at a time, and says what each has observed.
 *
 * @param {Surroundings} surroundings
 * @returns {Promise<{ name: string, observed: unknown }[]>}
 */
export async function runCases({ EventSource, url, isBrowser }) {
  const about = await (await fetch(`${url}/about`)).json()
  const all = [...formatCases(about.vectors), ...cases].filter(({ where }) => where !== 'browser' || isBrowser)
  const tools = createTools(EventSource, about.origins)
  /** @type {{ name: string, observed: unknown }[]} */
  const results = []
  const waiting = all.values()
  const work = async () => {
    for (const { name, run } of waiting) {
      let timer
      const late = new Promise(resolve => {
        timer = setTimeout(resolve, longestMs, 'nothing in time')
      })
      const observed = await Promise.race([run(tools), late]).catch(error => String(error))
      clearTimeout(timer)
      results.push({ name, observed })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return results
}
