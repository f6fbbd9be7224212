import { median } from '../measure.mjs'

/**
 * @typedef {import('../scenarios/scenario.mjs').Record_ & { scenario: string, server: string, round: number, load: number }} Result
 * @typedef {object} Run
 * @property {string} when
 * @property {string} mode
 * @property {number} rounds
 * @property {number} tookSeconds
 * @property {ReturnType<typeof import('../machine.mjs').describeMachine>} machine
 * @property {Readonly<Record<string, string>>} left
 * @property {readonly Result[]} results
 */

/** @param {readonly Result[]} results @param {string} scenario @param {string} what @param {string} server */
export function select(results, scenario, what, server) {
  return results.filter(each => each.scenario === scenario && each.case === what && each.server === server)
}

/** Whether a figure is a time or a rate, which others on the machine spoil, and not CPU time or memory. @param {string} value */
function isTimed(value) {
  return /(?:Ms|PerSecond|Seconds|timesQuiet)$/.test(value) && value !== 'cpuSeconds'
}

/**
 * The median of the rounds that count; nothing if none does.
 *
 * @param {readonly Result[]} results
 * @param {string} scenario
 * @param {string} what
 * @param {string} server
 * @param {string} value
 */
export function middle(results, scenario, what, server, value) {
  const values = select(results, scenario, what, server)
    .filter(each => each.void.length === 0 && (each.untimed.length === 0 || !isTimed(value)))
    .flatMap(each => each.values[value] ?? [])
  return values.length === 0 ? undefined : median(values)
}
