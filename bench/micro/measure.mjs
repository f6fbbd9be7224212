// How long something takes and what it allocates, beside what else does the same.
//
// Contestants take turns, round after round, so that a change of the machine's mood meets both; figures are medians of rounds, of the time that
// the process had a core, collection included: what else runs on the machine takes turns too, which is none of theirs. Allocations
// are what the heap grew by over many runs without a collection in between: `run.mjs` gives the young heap the room for that.
// mitata and tinybench measure one function after the other, which on a noisy machine compares two moods; hence this.
import { setTimeout as delay } from 'node:timers/promises'

const rounds = 11
const roundMs = 60
/** Well within the young heap that `run.mjs` asks for. */
const maxGrowthBytes = 16 * 1024 * 1024
const maxRuns = 65_536

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {() => unknown} run what is measured; what it returns is kept, so that no compiler leaves the work away
 */

/** @type {{ value: unknown }} */
const kept = { value: undefined }

/**
 * Measures contestants that do the same, and prints a line for each: the first is the one that the others are set beside.
 *
 * @param {string} title
 * @param {readonly Contestant[]} contestants
 * @param {{ operations?: number, bytes?: number }} [per] how many operations a run is, and how many bytes it goes through
 */
export async function compare(title, contestants, { operations = 1, bytes } = {}) {
  const all = contestants.map(({ name, run }) => {
    for (let i = 0; i < 20; i++) kept.value = run()
    return { name, run, batch: batchOf(run), times: /** @type {number[]} */ ([]) }
  })
  for (let round = 0; round < rounds; round++) {
    for (const each of all) {
      const begin = cpuMs()
      for (let i = 0; i < each.batch; i++) kept.value = each.run()
      each.times.push((cpuMs() - begin) / each.batch)
      // What the last one left to be collected is not the next one's.
      await delay(0)
    }
  }
  const [first] = all.map(({ times }) => median(times))
  say(title)
  for (const { name, run, times } of all) {
    const ms = median(times)
    const figures = [
      `${figure((ms * 1e6) / operations)} ns`,
      bytes === undefined ? '' : `${figure(bytes / ms / 1e3)} MB/s`,
      `${figure(allocated(run) / operations)} B`,
      `${(ms / (first ?? ms)).toFixed(2)} ×`,
    ]
    say(`  ${name.padEnd(34)}${figures.map(text => text.padStart(14)).join('')}`)
  }
}

/** Bytes that a run allocates on the heap: garbage, and what is kept. @param {() => unknown} run */
export function allocated(run) {
  const { gc } = globalThis
  if (gc === undefined) return Number.NaN
  let found = Number.NaN
  for (let runs = 1; runs <= maxRuns; runs *= 2) {
    gc()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < runs; i++) kept.value = run()
    const growth = process.memoryUsage().heapUsed - before
    // As many as the young heap holds, and no more: a collection in between would hide what it took away.
    if (growth > maxGrowthBytes) return Number.isNaN(found) ? growth / runs : found
    found = Math.max(0, growth - measuringBytes()) / runs
  }
  return found
}

function cpuMs() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** What the two looks at the heap allocate themselves. */
function measuringBytes() {
  const before = process.memoryUsage().heapUsed
  return process.memoryUsage().heapUsed - before
}

/** How many runs take a round. @param {() => unknown} run */
function batchOf(run) {
  let batch = 1
  for (;;) {
    const begin = performance.now()
    for (let i = 0; i < batch; i++) kept.value = run()
    const took = performance.now() - begin
    if (took >= roundMs / 2) return Math.max(1, Math.round((batch * roundMs) / took))
    batch *= 2
  }
}

/** @param {readonly number[]} values */
export function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

/** @param {number} value */
function figure(value) {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

/** @param {string} line */
export function say(line) {
  process.stdout.write(`${line}\n`)
}
