// Polling, long polling, WebSocket and event streams, beside each other on one live feed: `node bench/transports/run.mjs`.
//
// Method. For each way of hearing a fresh hub, `tidings serve` with its log in memory, in a process of its own on core 0; its 1,000 clients,
// which also publish, in another one on core 1. A hundred clients come and go first, so that nothing is measured that is compiled or kept
// at the first of anything. Then:
//
// - memory: PSS of the hub with all clients there, less that with none, for each;
// - feed: two events of 100 bytes a second for 15 seconds, to every client. Latency is from when an event was to be published to when a client
//   has it. Requests and bytes are counted at the clients' sockets (TLS included, headers of TCP and IP not), CPU is user and system time of
//   the hub, publishing included; all until the last client has the last event;
// - cut: all connections are reset at once, five events are published while nobody is there, and all come back by their cursors, at once,
//   pollers at their next turn. How long until a client has heard all five, and whether any was missed. A client of its own accord waits
//   before that: `EventSource` for the `retry` of the hub, `connect()` up to a second at the first failure.
//
// Requests carry the headers that a browser sends, without cookies. What a browser may hold is not measured: docs/transports.md names the
// sources. A whole run writes `bench/results/transports-DATE.json` and `.md`, and from them the section of docs/transports.md that is kept for
// it, and its picture.
//
// Usage: node bench/transports/run.mjs [--only WAY,...] [--rounds N] [--clients N] [--to DIRECTORY] [--built] [--report] [--tiny]
import { fork } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build, checkNode, install, SetUpError } from '../../scripts/set-up.mjs'
import { describeMachine } from '../load/machine.mjs'
import { busyMs, cpuMs as cpuOf, isPinned } from '../load/processes.mjs'
import { servers, startServer } from '../load/servers.mjs'
import { toMarkdown, toPlot, withSection } from './report.mjs'
import { ways } from './ways.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const resultsFolder = join(root, 'bench', 'results')
const page = join(root, 'docs', 'transports.md')
const picture = join(root, 'docs', 'pictures', 'transports.svg')

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    clients: { type: 'string' },
    to: { type: 'string' },
    built: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  },
})

if (options.help) {
  process.stdout.write(`node bench/transports/run.mjs [OPTIONS]

  --only WAY,...   of ${Object.keys(ways).join(', ')}
  --rounds N       default: 1, of under five minutes; medians are told
  --clients N      default: 1000
  --to DIRECTORY   where results go; default: bench/results, and docs/transports.md, of a whole run, else .build/bench/results
  --built          measure what is built; default: build first
  --report         only put the newest whole run into docs/transports.md
  --tiny           ten clients for a moment: tries the bench, measures nothing
`)
  process.exit(0)
}

if (options.report) {
  const newest = readdirSync(resultsFolder)
    .filter(name => /^transports-.*\.json$/.test(name))
    .sort()
    .at(-1)
  if (newest === undefined) throw new Error('There is no result of a whole run in bench/results.')
  writeDocs(JSON.parse(readFileSync(join(resultsFolder, newest), 'utf8')))
  process.exit(0)
}

const chosen = options.only?.split(',') ?? Object.keys(ways)
for (const name of chosen) {
  if (name in ways) continue
  say(`There is no way ${name}; there are ${Object.keys(ways).join(', ')}.`)
  process.exit(2)
}
const size = options.tiny
  ? { clients: 10, warm: 4, seconds: 0.5, rate: 10, settleMs: 50, patienceMs: 20_000, scale: 0.1 }
  : { clients: 1_000, warm: 100, seconds: 15, rate: 2, settleMs: 2_000, patienceMs: 30_000, scale: 1 }
const clients = Number(options.clients ?? size.clients)
const rounds = Number(options.rounds)
const isWhole = !options.only && !options.clients && !options.tiny

try {
  checkNode()
  install()
  if (!options.built) build()
} catch (error) {
  if (!(error instanceof SetUpError)) throw error
  say(error.message)
  process.exit(1)
}

const begin = performance.now()
const machine = describeMachine('node')
/** @type {import('./report.mjs').Result[]} */
const results = []
/** @type {Record<string, string>} */
const left = {}
for (let round = 1; round <= rounds; round++) {
  for (const name of chosen) {
    const lack = servers[ways[name]?.server ?? '']?.lacks?.()
    if (lack !== undefined) {
      if (round === 1) say(`${name}: left out, since ${lack}`)
      left[name] = lack
      continue
    }
    const result = await measure(name)
    results.push({ way: name, round, ...result })
    say(`${name} ${round}: p50 ${result.p50Ms.toFixed(1)} ms, ${result.cpuPerEventUs.toFixed(1)} µs an event`)
    for (const fault of result.wrong) say(`  WRONG: ${fault}`)
  }
}

/** @type {import('./report.mjs').Run} */
const measured = {
  when: new Date().toISOString(),
  tookSeconds: Math.round((performance.now() - begin) / 1_000),
  rounds,
  clients,
  seconds: size.seconds,
  rate: size.rate,
  machine: { ...machine, ws: createRequire(import.meta.url)('ws/package.json').version },
  left,
  ways: Object.fromEntries(
    chosen.map(name => [name, { title: ways[name]?.title ?? name, browser: ways[name]?.browser ?? '' }]),
  ),
  results,
}
const to = options.to ?? (isWhole ? resultsFolder : join(root, '.build', 'bench', 'results'))
mkdirSync(to, { recursive: true })
const name = `transports-${measured.when.slice(0, 10)}`
const kept = toJson(measured)
writeFileSync(join(to, `${name}.json`), kept)
// Told is what is kept, with as many digits, so that it can be told again.
/** @type {import('./report.mjs').Run} */
const run = JSON.parse(kept)
writeFileSync(join(to, `${name}.md`), `# Ways to hear a hub\n\n${toMarkdown(run)}`)
if (isWhole && options.to === undefined) writeDocs(run)
else writeFileSync(join(to, 'transports.svg'), toPlot(run))
process.stdout.write(`\n${toMarkdown(run)}\n`)
say(`Written to ${to}: ${name}.json and .md, after ${run.tookSeconds} s.`)
if (results.some(({ wrong }) => wrong.length > 0)) process.exitCode = 1

/** @param {import('./report.mjs').Run} given */
function writeDocs(given) {
  writeFileSync(page, withSection(readFileSync(page, 'utf8'), given))
  writeFileSync(picture, toPlot(given))
}

/** One way, from its start to its end. @param {string} name @returns {Promise<Omit<import('./report.mjs').Result, 'way' | 'round'>>} */
async function measure(name) {
  const way = ways[name]
  if (!way) throw new Error(`no way ${name}`)
  const hub = await startServer(way.server, { core: 0 })
  const url = `${way.server === 'hub-tls' ? 'https' : 'http'}://127.0.0.1:${hub.port}`
  const where = { way: name, url, port: hub.port, scale: size.scale }
  const warmers = startClients()
  const crowd = startClients()
  try {
    await warmers.tell('open', { ...where, count: size.warm })
    await warmers.tell('feed', { rate: 20, seconds: size.seconds / 10, patienceMs: size.patienceMs })
    await warmers.tell('end', {})
    await delay(size.settleMs)
    const empty = hub.memory().pss
    await crowd.tell('open', { ...where, count: clients })
    await delay(size.settleMs)
    const bytesPerClient = (hub.memory().pss - empty) / clients
    // So that every client has heard something, and would notice that it missed something.
    await crowd.tell('feed', { rate: 10, seconds: 0.3, patienceMs: size.patienceMs })

    const cpu = hub.cpuMs()
    const busy = { all: busyMs(), own: crowd.cpuMs() }
    const feed = await crowd.tell('feed', { rate: size.rate, seconds: size.seconds, patienceMs: size.patienceMs })
    const hubMs = hub.cpuMs() - cpu
    const othersMs = Math.max(0, busyMs() - busy.all - hubMs - (crowd.cpuMs() - busy.own))
    const cut = await crowd.tell('cut', { events: 5, patienceMs: size.patienceMs })
    const minutes = feed.wallMs / 60_000
    return {
      ...{ p50Ms: at(feed.latency, 50), p99Ms: at(feed.latency, 99) },
      requestsPerMinute: feed.counts.requests / clients / minutes,
      ...{ upPerEvent: feed.counts.up / feed.delivered, downPerEvent: feed.counts.down / feed.delivered },
      cpuPerEventUs: (hubMs * 1_000) / feed.delivered,
      bytesPerClient,
      ...{ backP50Ms: at(cut.back, 50), backMaxMs: at(cut.back, 100), missedAfterCut: cut.missed },
      delivered: feed.delivered,
      othersShare: othersMs / feed.wallMs,
      wrong: [
        ...(feed.isWhole && feed.delivered === feed.events * clients ? [] : ['not every client heard every event']),
        ...(feed.missed + cut.missed > 0 ? [`${feed.missed + cut.missed} events missed`] : []),
        ...(feed.repeated + cut.repeated > 0 ? [`${feed.repeated + cut.repeated} events repeated`] : []),
      ],
    }
  } finally {
    crowd.end()
    warmers.end()
    await hub.end()
  }
}

/** A process of clients, pinned to the other core. */
function startClients() {
  const file = fileURLToPath(new URL('clients.mjs', import.meta.url))
  const child = fork(file, {
    execArgv: [],
    ...(isPinned() && { execPath: 'taskset', execArgv: ['-c', '1', process.execPath] }),
  })
  return {
    /** @param {string} command @param {object} given @returns {Promise<any>} */
    tell: (command, given) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error('The clients are gone.'))
        child.once('exit', onExit)
        child.once('message', message => {
          child.off('exit', onExit)
          const { done, failed } = /** @type {{ done?: unknown, failed?: string }} */ (message)
          if (failed === undefined) resolve(done)
          else reject(new Error(`The clients failed. ${failed}`))
        })
        child.send({ command, ...given })
      }),
    cpuMs: () => cpuOf(child.pid ?? 0),
    end: () => void child.kill(),
  }
}

/** @param {readonly number[]} sorted @param {number} percent */
function at(sorted, percent) {
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}

/** One result a line. @param {import('./report.mjs').Run} given */
function toJson({ results: all, ...head }) {
  const lines = all.map(result =>
    JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)),
  )
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "results": [\n    ${lines.join(',\n    ')}\n  ]\n}\n`
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`)
}
