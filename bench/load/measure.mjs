// What one flow of events cost, and whether it may be counted.
import { busyMs } from './processes.mjs'

/** Above this share of its core the generator may be what holds the server back... */
const busy = 0.9
/** ...and times mean nothing if, for one delivery of a hundred, it may have read later than half of what was measured. */
const late = 0.5
/** Nor do times and rates mean anything if programs that are no part of this took more than so much of a core. */
const disturbed = 0.3

/**
 * @typedef {object} Cost
 * @property {number} cpuPerMillion seconds of the server's CPU time for a million deliveries
 * @property {number} cpuPerPublishUs microseconds of it for an event
 * @property {number} deliveriesPerSecond
 * @property {number} publishesPerSecond events
 * @property {number} bytesPerSecond of data delivered
 * @property {number} eventsPerRead
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {number} answerP99Ms
 * @property {number} serverShare of its core
 * @property {number} generatorShare of its core
 * @property {number} othersShare of a core, taken by programs that are no part of this
 */

/**
 * @typedef {object} Measured
 * @property {Cost} cost
 * @property {string[]} wrong what the server did that it must not
 * @property {string[]} void why the figures do not count
 * @property {string[]} untimed why times and rates do not count; CPU and memory do
 * @property {import('./generator.mjs').Flow} flow
 */

/**
 * Runs a flow and says what it cost.
 *
 * @param {import('./servers.mjs').Running} server
 * @param {() => Promise<import('./generator.mjs').Flow>} run
 * @param {{ bytes?: number }} [about] bytes of data of an event; default: 100
 * @returns {Promise<Measured>}
 */
export async function measure(server, run, { bytes = 100 } = {}) {
  const watch = watchCpu(server)
  const flow = await run()
  return { ...judge(flow, watch(), bytes), flow }
}

/**
 * Repeats a flow until an event costs no less than the time before, or eight times: a program that is compiled as it runs, on one
 * core with its compiler, needs seconds for that. (Single POSTs to the hub: 200 µs each in the second second, 60 in the sixth.)
 *
 * @param {import('./servers.mjs').Running} server
 * @param {() => Promise<import('./generator.mjs').Flow>} run
 */
export async function warmUp(server, run) {
  let last = Number.POSITIVE_INFINITY
  for (let times = 0; times < 8; times++) {
    const { cost } = await measure(server, run)
    if (cost.cpuPerPublishUs > 0.93 * last) return
    last = cost.cpuPerPublishUs
  }
}

/**
 * Milliseconds of CPU time since the call: of the server, and of everything on this machine.
 *
 * @typedef {{ server: number, all: number }} CpuMs
 * @param {import('./servers.mjs').Running} server
 * @returns {() => CpuMs}
 */
export function watchCpu(server) {
  const before = { server: server.cpuMs(), all: busyMs() }
  return () => ({ server: server.cpuMs() - before.server, all: busyMs() - before.all })
}

/**
 * @param {import('./generator.mjs').Flow} flow
 * @param {CpuMs} cpu
 * @param {number} [bytes] of data of an event
 * @returns {Omit<Measured, 'flow'>}
 */
export function judge(flow, cpu, bytes = 100) {
  const seconds = flow.wallMs / 1_000
  /** @type {Cost} */
  const cost = {
    cpuPerMillion: (cpu.server * 1_000) / flow.delivered,
    cpuPerPublishUs: (cpu.server * 1_000) / flow.published,
    deliveriesPerSecond: flow.delivered / seconds,
    publishesPerSecond: flow.published / seconds,
    bytesPerSecond: (flow.delivered * bytes) / seconds,
    eventsPerRead: flow.delivered / flow.reads,
    p50Ms: at(flow.latency, 50),
    p99Ms: at(flow.latency, 99),
    answerP99Ms: at(flow.answer, 99),
    serverShare: cpu.server / flow.wallMs,
    generatorShare: flow.cpuMs / flow.wallMs,
    othersShare: Math.max(0, cpu.all - cpu.server - flow.cpuMs) / flow.wallMs,
  }
  const isUnread = flow.reads > 0 && flow.behindMs.p99 > late * cost.p99Ms
  return {
    cost,
    wrong: faults(flow),
    void: [
      ...(cost.generatorShare > busy && cost.serverShare < busy ? ['the generator was the bottleneck'] : []),
      ...(flow.published === 0 ? ['nothing was published'] : []),
    ],
    untimed: [...(isUnread ? ['the generator read too late'] : []), ...disturbance(cost.othersShare)],
  }
}

/** Why times and rates do not count when others took so much of a core. @param {number} othersShare @returns {string[]} */
export function disturbance(othersShare) {
  return othersShare > disturbed ? [`other programs took ${Math.round(othersShare * 100)} % of a core`] : []
}

/** What the subscribers heard that was not what was published. @param {import('./generator.mjs').Flow} flow @returns {string[]} */
export function faults(flow) {
  return [
    [flow.requests - flow.answered, 'requests not answered'],
    [flow.refused, `requests refused (${flow.refusal})`],
    [flow.missing, 'deliveries missing'],
    [flow.skipped, 'events passed over'],
    [flow.late, 'events repeated or out of order'],
    [flow.damaged, 'events damaged'],
    [flow.foreign, 'events that nobody published'],
    [flow.gaps, 'gaps'],
    [flow.cut, 'connections cut'],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]))
}

/** @param {import('./generator.mjs').Times} times @param {number} percent */
export function at(times, percent) {
  return times.points.find(([point]) => point === percent)?.[1] ?? 0
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
