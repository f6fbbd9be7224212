// What an application's event streams do that are made with a hub in it, better-sse, @fastify/sse, Hono's streamSSE, or Express by itself.
//
// Method. Each peer is a small server, written as its documentation says, in a process of its own that is fresh for each row. A row
// is a probe over real sockets with something that is right or wrong (rows/). The last row is measured: 2,000 readers, one
// publisher, events of 100 bytes as they are; the peers take turns, three rounds, each held to a core, and the median of the ratios to
// Express of the same round is told. That one wants a quiet machine.
//
// Usage: node bench/peers/run.mjs [--only ROW,...] [--peers NAME,...] [--rounds N] [--to DIRECTORY] [--built] [--report]
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build, checkNode, install, SetUpError } from '../../scripts/set-up.mjs'
import { installPeers } from '../install-peers.mjs'
import { packagesOf, peers, versionsOf } from './peers.mjs'
import { measure, notes, toMarkdown, withTable } from './report.mjs'
import { rows } from './rows/all.mjs'
import { costOf, subscribers } from './rows/cost.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const resultsFolder = join(root, 'bench', 'results')
const page = join(root, 'docs', 'peers.md')

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    to: { type: 'string' },
    built: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false, short: 'h' },
  },
})

if (options.help) {
  process.stdout.write(`node bench/peers/run.mjs [OPTIONS]

  --only ROW,...     of ${Object.keys(rows).join(', ')}, cost; only cost wants a quiet machine
  --peers NAME,...   of ${Object.keys(peers).join(', ')}
  --rounds N         of cost; default: 3
  --to DIRECTORY     where results go; default: bench/results, and docs/peers.md, of a whole run, else .build/bench/results
  --built            try what is built; default: build first
  --report           only put the table of the newest result into docs/peers.md
`)
  process.exit(0)
}

if (options.report) {
  const newest = readdirSync(resultsFolder)
    .filter(name => /^peers-.*\.json$/.test(name))
    .sort()
    .at(-1)
  if (newest === undefined) throw new Error('There is no result of a whole run in bench/results.')
  writeFileSync(
    page,
    withTable(readFileSync(page, 'utf8'), JSON.parse(readFileSync(join(resultsFolder, newest), 'utf8'))),
  )
  process.exit(0)
}

const chosen = choose('row', options.only, [...Object.keys(rows), 'cost'])
const contestants = choose('peer', options.peers, Object.keys(peers))
const isWhole = !options.only && !options.peers

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

const begin = performance.now()
const load = readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')
const folder = mkdtempSync(join(tmpdir(), 'tidings-peers-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const certificate = makeCertificate()

/** @type {import('./report.mjs').Run['results'][number][]} */
const results = []
for (const [row, { try: attempt }] of Object.entries(rows)) {
  if (!chosen.includes(row)) continue
  for (const peer of contestants) {
    const outcome = await attempt(peer, { serverCore: undefined, certificate })
    results.push({ row, peer, ...outcome })
    say(`${row}, ${peer}: ${outcome.verdict}: ${outcome.says}`)
  }
}

/** @type {import('./report.mjs').Cost[]} */
const costs = []
if (chosen.includes('cost')) {
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const peer of contestants) {
      const cost = await costOf(peer, { serverCore: 0, generatorCore: 1 })
      costs.push({ peer, round, ...cost })
      say(`cost ${round}, ${peer}: ${cost.cpuPerMillion.toPrecision(3)} s for a million deliveries`)
      for (const fault of cost.wrong) say(`  WRONG: ${fault}`)
      for (const reason of cost.void) say(`  does not count: ${reason}`)
    }
  }
}

/** @type {import('./report.mjs').Run} */
const run = {
  when: new Date().toISOString(),
  tookSeconds: Math.round((performance.now() - begin) / 1_000),
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    kernel: release(),
    node: process.version,
    load,
  },
  peers: Object.fromEntries(
    contestants.map(name => [
      name,
      { title: peers[name]?.title ?? name, versions: versionsOf(name), packages: packagesOf(name) },
    ]),
  ),
  rows: Object.fromEntries(
    Object.entries(rows).flatMap(([row, { title, about }]) => (chosen.includes(row) ? [[row, { title, about }]] : [])),
  ),
  results,
  subscribers,
  costs,
}
const to = options.to ?? (isWhole ? resultsFolder : join(root, '.build', 'bench', 'results'))
mkdirSync(to, { recursive: true })
const name = `peers-${run.when.slice(0, 10)}`
writeFileSync(join(to, `${name}.json`), toJson(run))
writeFileSync(join(to, `${name}.md`), `# Event streams in an application\n\n${toMarkdown(run)}\n${notes(run)}`)
if (isWhole && options.to === undefined) writeFileSync(page, withTable(readFileSync(page, 'utf8'), run))
process.stdout.write(`\n${toMarkdown(run)}\n`)
say(`Written to ${to}/${name}.json and .md after ${run.tookSeconds} s. Costs are told as multiples of ${measure}.`)
if (results.some(({ peer, verdict }) => peer === 'tidings' && verdict !== 'holds')) {
  say('Tidings does not do what a row asks.')
  process.exitCode = 1
}

/** One result a line. @param {import('./report.mjs').Run} all */
function toJson({ results: outcomes, costs: measured, ...head }) {
  /** @param {readonly object[]} list */
  const lines = list =>
    list
      .map(each =>
        JSON.stringify(each, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value)),
      )
      .map(line => `\n    ${line}`)
      .join(',')
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "results": [${lines(outcomes)}\n  ],\n  "costs": [${lines(measured)}\n  ]\n}\n`
}

/** @returns {[cert: string, key: string]} */
function makeCertificate() {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const made = ['-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', cert]
  const { status, stderr } = spawnSync('openssl', ['req', '-x509', ...curve, ...made], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl makes no certificate. ${stderr}`)
  return [cert, key]
}

/** @param {string} what @param {string | undefined} given @param {readonly string[]} all */
function choose(what, given, all) {
  const names = given?.split(',') ?? all
  for (const each of names) {
    if (all.includes(each)) continue
    say(`There is no ${what} ${each}; there are ${all.join(', ')}.`)
    process.exit(2)
  }
  return names
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`)
}
