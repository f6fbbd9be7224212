// What a waiting long poll costs, and what one publish costs that wakes them all: node bench/micro/long-polls.mjs [COUNT] [ROUNDS]
//
// Method. `tidings serve` as it is by itself, in a process of its own on core 0; the polls are bare sockets of this process, on core 1. Each
// round is a fresh hub, warmed up by polls that were answered. Memory is PSS from /proc, the difference between none and all waiting, divided by
// their number; the hub is asked how many readers the topic has, so that it is known that all wait. Then one event is published, and the
// time until each poll has its whole answer is taken. Last, on one connection: what an ordinary poll costs that brings nothing, as a page and,
// with its tag, as a 304. Figures are medians of rounds; CPU is user and system time of the hub. Raw results, one line for each round, go to
// `.build/bench/results`, of 5,000 polls to bench/results. The built hub: `npm run build` first.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describeMachine } from '../load/machine.mjs'
import { median } from '../load/measure.mjs'
import { startServer } from '../load/servers.mjs'

const [count = 5_000, rounds = 3] = process.argv.slice(2).map(Number)
const plainPolls = 5_000
const topic = 'bench'
/** Until what was thrown away at the opening is collected: the hub idles. */
const settleMs = 3_000
/** At once under way while they are opened. */
const abreast = 200
const root = fileURLToPath(new URL('../..', import.meta.url))

spawnSync('taskset', ['-pc', '1', String(process.pid)])

/** @type {Round[]} */
const results = []
for (let round = 1; round <= rounds; round++) {
  const result = await measureRound()
  results.push(result)
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

const when = new Date().toISOString()
const to = count === 5_000 ? join(root, 'bench', 'results') : join(root, '.build', 'bench', 'results')
mkdirSync(to, { recursive: true })
const head = { when, count, rounds, machine: describeMachine('node') }
const lines = results.map(result => `\n    ${JSON.stringify(result)}`)
const file = join(to, `long-polls-${when.slice(0, 10)}.json`)
writeFileSync(file, `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "results": [${lines.join(',')}\n  ]\n}\n`)

for (const [name, unit] of /** @type {const} */ ([
  ['bytesPerPoll', 'bytes of PSS a waiting poll'],
  ['cpuPerWakeUs', 'µs of CPU to wake one and answer it'],
  ['wakeP50Ms', 'ms until half are answered'],
  ['wakeMaxMs', 'ms until all are'],
  ['cpuPerEmptyPageUs', 'µs of CPU a poll that brings an empty page'],
  ['cpuPerNotModifiedUs', 'µs of CPU a poll that is a 304'],
])) {
  const value = median(results.map(result => result[name]))
  process.stdout.write(`${Number(value.toPrecision(3)).toLocaleString('en').padStart(10)} ${unit}\n`)
}
process.stdout.write(`Written to ${file}.\n`)

/**
 * @typedef {{ bytesPerPoll: number, cpuPerWakeUs: number, wakeP50Ms: number, wakeMaxMs: number, cpuPerEmptyPageUs: number, cpuPerNotModifiedUs: number }} Round
 * @returns {Promise<Round>}
 */
async function measureRound() {
  const hub = await startServer('hub', { core: 0, args: ['--limits-max-long-polls', String(count)] })
  const origin = `http://127.0.0.1:${hub.port}`
  const publish = () => fetch(`${origin}/events/${topic}`, { method: 'POST', body: 'x'.repeat(100) })
  /** @type {Poll[]} */
  const polls = []
  try {
    await publish()
    // What is compiled and kept at the first of anything is not the price of one more.
    const first = await openPolls(origin, hub.port, Math.min(count, 1_000))
    await publish()
    await Promise.all(first.map(poll => poll.answered))
    for (const poll of first) poll.socket.destroy()
    await subscribers(origin, 0)
    await delay(settleMs)
    const before = hub.memory().pss
    polls.push(...(await openPolls(origin, hub.port, count)))
    await delay(settleMs)
    const bytesPerPoll = (hub.memory().pss - before) / count

    const cpu = hub.cpuMs()
    const begin = performance.now()
    await publish()
    const times = await Promise.all(polls.map(poll => poll.answered.then(() => performance.now() - begin)))
    times.sort((a, b) => a - b)
    const cpuPerWakeUs = ((hub.cpuMs() - cpu) * 1_000) / count
    for (const poll of polls) poll.socket.destroy()
    await subscribers(origin, 0)

    const page = await fetch(`${origin}/events/${topic}?since=now`, { headers: { accept: 'application/json' } })
    const { cursor } = /** @type {{ cursor: string }} */ (await page.json())
    const target = `/events/${topic}?lastEventId=${cursor}`
    const empty = await fetch(origin + target, { headers: { accept: 'application/json' } })
    await empty.text()
    const tag = empty.headers.get('etag') ?? ''
    await plain(hub, target, '')
    await plain(hub, target, `If-None-Match: ${tag}\r\n`)
    const cpuPerEmptyPageUs = await plain(hub, target, '')
    const cpuPerNotModifiedUs = await plain(hub, target, `If-None-Match: ${tag}\r\n`)
    return {
      ...{ bytesPerPoll, cpuPerWakeUs, wakeP50Ms: times[times.length >> 1] ?? 0, wakeMaxMs: times.at(-1) ?? 0 },
      ...{ cpuPerEmptyPageUs, cpuPerNotModifiedUs },
    }
  } finally {
    for (const poll of polls) poll.socket.destroy()
    await hub.end()
  }
}

/**
 * @typedef {{ socket: import('node:net').Socket, answered: Promise<void> }} Poll
 * @param {string} origin
 * @param {number} port
 * @param {number} many
 * @returns {Promise<Poll[]>} when all wait
 */
async function openPolls(origin, port, many) {
  /** @type {Poll[]} */
  const polls = []
  while (polls.length < many) {
    const some = Array.from({ length: Math.min(abreast, many - polls.length) }, () => openPoll(port))
    polls.push(...some)
    await Promise.all(some.map(({ socket }) => once(socket, 'connect')))
    await subscribers(origin, polls.length)
  }
  return polls
}

/** As a browser asks, about. @param {number} port @returns {Poll} */
function openPoll(port) {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `GET /events/${topic}?since=now&wait=60 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nAccept-Language: en\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: http://127.0.0.1:${port}/\r\nConnection: keep-alive\r\n\r\n`,
  )
  let received = ''
  return {
    socket,
    answered: new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('data', bytes => {
        received += bytes.toString('latin1')
        if (received.endsWith('}\n')) resolve()
      })
    }),
  }
}

/** Resolves when the topic has so many. @param {string} origin @param {number} many */
async function subscribers(origin, many) {
  for (;;) {
    const status = /** @type {{ subscribers: number }} */ (await (await fetch(`${origin}/topics/${topic}`)).json())
    if (status.subscribers === many) return
    await delay(5)
  }
}

/**
 * Polls one after the other over one connection; resolves to µs of the hub's CPU time for each.
 *
 * @param {import('../load/servers.mjs').Running} hub
 * @param {string} target
 * @param {string} header
 */
async function plain(hub, target, header) {
  const socket = connect(hub.port, '127.0.0.1')
  const request = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n${header}\r\n`
  const cpu = hub.cpuMs()
  for (let i = 0; i < plainPolls; i++) {
    socket.write(request)
    const [bytes] = await once(socket, 'data')
    const expected = header === '' ? 'HTTP/1.1 200' : 'HTTP/1.1 304'
    if (!String(bytes).startsWith(expected)) throw new Error(`not ${expected}: ${bytes}`)
  }
  socket.destroy()
  return ((hub.cpuMs() - cpu) * 1_000) / plainPolls
}
