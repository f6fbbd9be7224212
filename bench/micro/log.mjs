// The log in memory: appending, and reading from a cursor. Of the one in LMDB, lmdb.mjs has the same, and more.
import { createMemoryLog } from '../../dist/log/memory.js'
import { parseSelector } from '../../dist/wire/selector.js'
import { allocated, median, say } from './measure.mjs'

const topics = 1_000
const data = 'x'.repeat(100)
const held = 200_000
const log = createMemoryLog()
let made = 0
const event = () => ({ topic: `sensors/${made++ % topics}`, data })

/**
 * Medians of many runs, of a promise each.
 *
 * @param {string} name
 * @param {number} events of a run
 * @param {() => Promise<unknown>} run
 */
async function time(name, events, run) {
  for (let i = 0; i < 200; i++) await run()
  /** @type {number[]} */
  const times = []
  const until = performance.now() + 1_000
  while (performance.now() < until) {
    const begin = performance.now()
    await run()
    times.push(performance.now() - begin)
  }
  const us = median(times) * 1_000
  say(
    `${name.padEnd(40)}${us.toFixed(1).padStart(10)} µs${((us * 1_000) / events).toFixed(0).padStart(10)} ns an event`,
  )
}

await time('append one', 1, () => log.append([event()]))
await time('append a thousand', 1_000, () => log.append(Array.from({ length: 1_000 }, event)))
while ((await log.usage()).events < held) await log.append(Array.from({ length: 1_000 }, event))
const kept = allocated(() => log.append([event()]))
say(`${'heap that one append takes'.padEnd(40)}${kept.toFixed(0).padStart(10)} B`)

const { offset } = await log.head()
const somewhere = () => offset - 1_000 - Math.floor(Math.random() * (held / 2))
/** @type {Readonly<Record<string, readonly string[] | undefined>>} */
const selections = { 'all topics': undefined, 'one topic': ['sensors/7'], 'a glob of all': ['sensors/*'] }
for (const [name, texts] of Object.entries(selections)) {
  const selectors = texts?.map(parseSelector)
  for (const maxEvents of [1, 100]) {
    const options = { maxEvents, maxBytes: 1 << 20, ...(selectors && { selectors }) }
    await time(`read ${maxEvents} of ${name}`, maxEvents, () => log.read(somewhere(), options))
  }
}
await log.close()
