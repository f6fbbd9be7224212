// What the scenarios share: their shape, and a server with its generator.
import { setTimeout as delay } from 'node:timers/promises'
import { Generator } from '../generator.mjs'
import { startServer } from '../servers.mjs'

/**
 * How large and how long everything is.
 *
 * @typedef {object} Sizes
 * @property {number} many
 * @property {number} some
 * @property {number} few
 * @property {number} flowSeconds
 * @property {number} rateSeconds
 * @property {number} rampSeconds within which a herd comes back
 * @property {number} crowd
 */
/** @type {Readonly<Record<'full' | 'quick' | 'tiny', Sizes>>} */
export const sizes = {
  full: { many: 10_000, some: 3_000, few: 1_000, flowSeconds: 2.5, rateSeconds: 5, rampSeconds: 5, crowd: 45_000 },
  quick: { many: 3_000, some: 1_000, few: 300, flowSeconds: 1, rateSeconds: 2, rampSeconds: 2, crowd: 12_000 },
  // To try the bench itself, not the servers.
  tiny: { many: 40, some: 20, few: 10, flowSeconds: 0.2, rateSeconds: 0.5, rampSeconds: 0.5, crowd: 60 },
}

/** The topic that a reader of a table would call "one". */
export const topic = 'bench'

/**
 * One row of figures: what one server did in one case of one round.
 *
 * @typedef {object} Record_
 * @property {string} case such as `10000 subscribers`
 * @property {Readonly<Record<string, number>>} values
 * @property {readonly string[]} wrong what the server did that it must not
 * @property {readonly string[]} void why the figures do not count
 * @property {readonly string[]} untimed why times and rates do not count; CPU and memory do
 * @property {readonly (readonly [number, number])[]} [percentiles] of latency, in milliseconds
 */

/**
 * @typedef {object} Place
 * @property {Sizes} sizes
 * @property {number | undefined} serverCore
 * @property {number | undefined} generatorCore
 * @property {'c' | 'node' | undefined} generator
 */

/**
 * @typedef {object} Scenario
 * @property {string} title
 * @property {string} about what is done, as the table says it
 * @property {readonly string[]} servers
 * @property {(server: string, place: Place) => string | undefined} [lacks] why the server is left out
 * @property {(server: string, place: Place) => Promise<readonly Record_[]>} round
 * @property {number} [rounds] if fewer are enough
 */

/**
 * Starts a server and a generator, each on its core, and ends both afterwards.
 *
 * @template T
 * @param {string} name
 * @param {Place} place
 * @param {(server: import('../servers.mjs').Running, generator: Generator) => Promise<T>} use
 * @param {readonly string[]} [args]
 * @returns {Promise<T>}
 */
export async function withServer(name, place, use, args = []) {
  const server = await startServer(name, { core: place.serverCore, args })
  try {
    const { isTls } = server.server
    const generator = new Generator({ port: server.port, core: place.generatorCore, kind: place.generator, isTls })
    try {
      return await use(server, generator)
    } finally {
      await generator.end()
    }
  } finally {
    await server.end()
  }
}

/**
 * What was measured, as a row.
 *
 * @param {string} what
 * @param {import('../measure.mjs').Measured} measured
 * @param {Readonly<Record<string, number>>} [more] figures
 * @returns {Record_}
 */
export function toRecord(what, { cost, wrong, void: reasons, untimed }, more = {}) {
  return { case: what, values: { ...cost, ...more }, wrong, void: reasons, untimed }
}

/** Resolves when the server has come to rest, behind what it had to do for connections that came or went; within ten seconds. @param {import('../servers.mjs').Running} server */
export async function rest(server) {
  const lookMs = 300
  for (let looks = 0; looks < 33; looks++) {
    const before = server.cpuMs()
    await delay(lookMs)
    if (server.cpuMs() - before <= lookMs / 15) return
  }
}

/** What was seen while nothing flowed. @param {string} what @param {Readonly<Record<string, number>>} values @returns {Record_} */
export function still(what, values) {
  return { case: what, values, wrong: [], void: [], untimed: [] }
}

/** @param {import('../generator.mjs').Subscribed} subscribed */
export function mustSubscribe(subscribed) {
  if (subscribed.failed > 0) throw new Error(`${subscribed.failed} subscribers were refused or not answered`)
  return subscribed
}
