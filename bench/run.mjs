// `npm run bench`: what the hub costs beside what else can be had, measured from outside.
//
// Method. Every server runs in a process of its own on core 0, the load generator on core 1 (`taskset`; without it the head of the
// table says so). For each scenario the servers take turns, round after round, so that a change of the machine's mood meets all of
// them; a fresh process each time, warmed up with the same events. CPU is utime + stime of the server's process tree, memory its PSS,
// both from /proc. The generator checks number and order of what each connection hears, and a round in which it was itself what held
// things up does not count. Before the first round it is shown servers that lose, repeat and swap events, and must notice.
// Figures are medians of rounds. What survives another machine are the ratios, to the C floor above all: a program that does
// nothing but `send()` one buffer to each of the same sockets.
//
// Usage: node bench/run.mjs [--quick] [--only SCENARIO,...] [--servers NAME,...] [--rounds N] [--to DIRECTORY] [--built] [--node]
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build, checkNode, install, SetUpError } from '../scripts/set-up.mjs'
import { installPeers } from './install-peers.mjs'
import { describeMachine } from './load/machine.mjs'
import { proveChecker } from './load/prove-checker.mjs'
import { plots } from './load/report/plots.mjs'
import { toMarkdown } from './load/report/tables.mjs'
import { scenarios } from './load/scenarios/all.mjs'
import { sizes } from './load/scenarios/scenario.mjs'
import { servers } from './load/servers.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const fullRounds = 3

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    only: { type: 'string' },
    servers: { type: 'string' },
    rounds: { type: 'string' },
    to: { type: 'string' },
    built: { type: 'boolean', default: false },
    node: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  },
})

if (options.only === 'peers') {
  const args = [...(options.to ? ['--to', options.to] : []), ...(options.rounds ? ['--rounds', options.rounds] : [])]
  const file = join(root, 'bench', 'peers', 'run.mjs')
  const { status } = spawnSync(process.execPath, [file, ...args, ...(options.built ? ['--built'] : [])], {
    stdio: 'inherit',
  })
  process.exit(status ?? 1)
}

if (options.help) {
  process.stdout.write(`npm run bench -- [OPTIONS]

  --quick               fewer connections, one round: under three minutes instead of under fifteen
  --tiny                a handful of connections: tries the bench, measures nothing
  --only NAME,...       of ${Object.keys(scenarios).join(', ')};
                        or peers: libraries for an application, by themselves (see bench/peers/run.mjs --help)
  --servers NAME,...    of ${Object.keys(servers).join(', ')}, bare-lmdb
  --rounds N            default: ${fullRounds}, with --quick 1
  --to DIRECTORY        where results go; default: bench/results of a full run, else .build/bench/results
  --built               measure what is built; default: build first
  --node                the generator for Node.js, also where there is a C compiler
`)
  process.exit(0)
}

const chosen = choose('scenario', options.only, Object.keys(scenarios))
const contestants = choose('server', options.servers, [...Object.keys(servers), 'bare-lmdb'])
const mode = options.tiny ? 'tiny' : options.quick ? 'quick' : 'full'
const isWhole = mode === 'full' && !options.only && !options.servers
const rounds = Number(options.rounds ?? (mode === 'full' ? fullRounds : 1))

try {
  checkNode()
  install()
  if (!options.built) build()
  installPeers()
} catch (error) {
  if (!(error instanceof SetUpError)) throw error
  say(error.message)
  process.exit(1)
}

/** @type {import('./load/scenarios/scenario.mjs').Place} */
const place = { sizes: sizes[mode], serverCore: 0, generatorCore: 1, generator: options.node ? 'node' : undefined }
const machine = describeMachine(place.generator)
for (const line of machine.notes) say(`Note: ${line}.`)

await proveChecker(place)
say('The checker notices what it must.')

/** @typedef {import('./load/scenarios/scenario.mjs').Record_ & { scenario: string, server: string, round: number, load: number }} Result */
/** @type {Result[]} */
const results = []
/** @type {Map<string, string>} */
const left = new Map()
const begin = performance.now()

for (const name of chosen) {
  const scenario = scenarios[name]
  if (!scenario) continue
  const times = Math.min(rounds, scenario.rounds ?? rounds)
  for (let round = 1; round <= times; round++) {
    for (const server of scenario.servers.filter(each => contestants.includes(each))) {
      const lack = servers[server]?.lacks?.() ?? scenario.lacks?.(server, place)
      if (lack !== undefined) {
        if (!left.has(`${name}, ${server}`)) say(`${name}, ${server}: left out, since ${lack}`)
        left.set(`${name}, ${server}`, lack)
        continue
      }
      const load = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0])
      try {
        for (const record of await scenario.round(server, place)) {
          results.push({ scenario: name, server, round, load, ...record })
          tell(name, server, round, record)
        }
      } catch (error) {
        if (!(error instanceof Error)) throw error
        say(`${name}, ${server}, round ${round}: failed. ${error.message}`)
        results.push({
          scenario: name,
          server,
          round,
          load,
          case: 'failed',
          values: {},
          wrong: [error.message],
          void: [],
          untimed: [],
        })
      }
    }
  }
}

const when = new Date().toISOString()
const run = {
  when,
  mode,
  rounds,
  tookSeconds: Math.round((performance.now() - begin) / 1_000),
  machine,
  left: Object.fromEntries(left),
  results,
}
const to = options.to ?? (isWhole ? join(root, 'bench', 'results') : join(root, '.build', 'bench', 'results'))
mkdirSync(to, { recursive: true })
const day = when.slice(0, 10)
const table = toMarkdown(run, sizes[mode])
writeFileSync(join(to, `${day}.json`), toJson(run))
writeFileSync(join(to, `${day}.md`), table)
for (const [name, svg] of plots(run, sizes[mode])) writeFileSync(join(to, `${name}.svg`), svg)
process.stdout.write(`\n${table}\n`)
say(`Written to ${to}: ${day}.json, ${day}.md and plots, after ${run.tookSeconds} s.`)

/** One result a line: small, and a change of one shows as one. @param {typeof run} run */
function toJson({ results, ...head }) {
  const lines = results.map(result =>
    JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)),
  )
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "results": [\n    ${lines.join(',\n    ')}\n  ]\n}\n`
}

/**
 * @param {string} name
 * @param {string} server
 * @param {number} round
 * @param {import('./load/scenarios/scenario.mjs').Record_} record
 */
function tell(name, server, round, { case: what, values, wrong, void: reasons, untimed }) {
  const shown = [
    'cpuPerMillion',
    'cpuPerPublishUs',
    'publishesPerSecond',
    'bytesPerSecond',
    'pssPerConnection',
    'p99Ms',
    'peakBytes',
    'startMs',
  ]
  const figures = shown
    .filter(key => Number.isFinite(values[key]))
    .map(key => `${key} ${Number(values[key]?.toPrecision(3))}`)
  say(`${name} ${round} ${server}: ${what}: ${figures.join(', ')}`)
  for (const fault of wrong) say(`  WRONG: ${fault}`)
  for (const reason of reasons) say(`  does not count: ${reason}`)
  for (const reason of untimed) say(`  times do not count: ${reason}`)
}

/** @param {string} what @param {string | undefined} given @param {readonly string[]} all */
function choose(what, given, all) {
  const names = given?.split(',') ?? all
  for (const name of names) {
    if (all.includes(name)) continue
    say(`There is no ${what} ${name}; there are ${all.join(', ')}.`)
    process.exit(2)
  }
  return names
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`)
}
