// What gzip saves and costs with many readers: the hub with it and without, beside a compressor for each response and none.
//
// Method. A server at a time in a fresh process on core 0, this process on core 1. Readers are bare sockets that count bytes and decode nothing; three
// more are `fetch`, which decode, and check that each event comes once, in order, to the letter. An event is published when every reader has been given something
// since the one before, so nothing waits for anything else, and none is compressed with another: what comes together becomes fewer bytes still.
// CPU is user and system time of the server per delivery, bytes are those of a reader's connection per event, memory is the growth of
// the server's PSS from nobody connected to after the flow, per connection. Servers take turns; the figures are medians of rounds. The machine's mood
// is in the absolute ones; set beside each other they hold.
//
// Usage: node bench/gzip/run.mjs [--connections 5000] [--events 16] [--rounds 1] [--to FILE.json]; the built hub (`npm run build` first).
// Two minutes on an idle machine.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { describeMachine } from '../load/machine.mjs'
import { isPinned } from '../load/processes.mjs'
import { startServer } from '../load/servers.mjs'
import { median, say } from '../micro/measure.mjs'
import { kinds } from './events.mjs'
import { openCheck, Readers } from './readers.mjs'

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '5000' },
    events: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '1' },
    to: { type: 'string' },
  },
})
const connections = Number(options.connections)
const events = Number(options.events)
const rounds = Number(options.rounds)
/** Published before anything counts: servers warm up, and readers fall into step. */
const warmUp = 4
const checkers = 3

/** @type {readonly { title: string, server: string, args?: readonly string[] }[]} */
const contestants = [
  { title: 'Tidings, off', server: 'hub' },
  { title: 'Tidings, gzip', server: 'hub', args: ['--compression', 'gzip'] },
  { title: '`res.write`', server: 'res-write' },
  { title: '`res.write`, a `createGzip` each', server: 'res-gzip' },
]

/** @typedef {{ size: string, title: string, bytes: number, cpuUs: number, memory: number }} Result */
/** @type {Result[]} */
const results = []
const machine = describeMachine('node')
if (isPinned()) spawnSync('taskset', ['-pc', '1', String(process.pid)])
for (let round = 0; round < rounds; round++) {
  for (const size of Object.keys(kinds)) {
    for (const contestant of contestants) {
      const result = { size, title: contestant.title, ...(await measure(contestant, size)) }
      results.push(result)
      say(show(result))
    }
  }
}
say('')
for (const size of Object.keys(kinds)) {
  for (const { title } of contestants) {
    const all = results.filter(result => result.size === size && result.title === title)
    const of = (/** @type {'bytes' | 'cpuUs' | 'memory'} */ name) => median(all.map(result => result[name]))
    say(show({ size, title, bytes: of('bytes'), cpuUs: of('cpuUs'), memory: of('memory') }))
  }
}
if (options.to) {
  const head = { at: new Date().toISOString(), connections, events, rounds, machine }
  writeFileSync(options.to, `${JSON.stringify({ ...head, results }, null, 2)}\n`)
}

/** @param {Result} result */
function show({ size, title, bytes, cpuUs, memory }) {
  const figures = [`${Math.round(bytes)} B`, `${cpuUs.toFixed(1)} µs`, `${(memory / 1000).toFixed(1)} kB`]
  return `${`${size} bytes`.padEnd(12)}${title.padEnd(36)}${figures.map(text => text.padStart(12)).join('')}`
}

/**
 * @param {(typeof contestants)[number]} contestant
 * @param {string} size
 */
async function measure({ server: name, args = [] }, size) {
  const server = await startServer(name, { core: 0, args })
  const readers = new Readers()
  try {
    const path = server.events('orders')
    const before = server.memory().pss
    const checks = await Promise.all(
      Array.from({ length: checkers }, () => openCheck(`http://127.0.0.1:${server.port}${path}`)),
    )
    await readers.open(server.port, path, connections)
    const dataOf = kinds[size]?.(7)
    if (!dataOf) throw new Error(`no events of ${size} bytes`)
    const said = Array.from({ length: warmUp + events }, (_, n) => dataOf(n))
    let cpu = 0
    let bytes = 0
    for (const [i, data] of said.entries()) {
      if (i === warmUp) {
        cpu = server.cpuMs()
        bytes = readers.bytes
      }
      const heard = readers.all()
      const answer = await fetch(`http://127.0.0.1:${server.port}${server.publish('orders')}`, {
        method: 'POST',
        body: data,
        headers: { 'content-type': 'application/json' },
      })
      await answer.arrayBuffer()
      await heard
    }
    // What was only begun on the last of them is theirs too.
    await Promise.all(checks.map(check => check.hears(said)))
    await delay(50)
    const deliveries = events * (connections + checkers)
    const result = {
      bytes: (readers.bytes - bytes) / events / connections,
      cpuUs: ((server.cpuMs() - cpu) * 1_000) / deliveries,
      memory: (server.memory().pss - before) / (connections + checkers),
    }
    for (const check of checks) check.leave()
    return result
  } finally {
    readers.close()
    await server.end()
  }
}
