// The clients of bench/transports, all of one way, in a process of their own: told by messages what to do, and answering with what came of it.
//
// Each client keeps its cursor and checks that each event comes once and in order. The events carry their number and the time at which they
// were to be published, by the clock of this process, which publishes them too. Bytes are those of the sockets, both ways, TLS included and the
// headers of TCP and IP not.
import * as http from 'node:http'
import * as https from 'node:https'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { ways } from './ways.mjs'

const topic = 'bench'
const dataBytes = 100
/** Opened at once. */
const abreast = 50

/** @type {import('./ways.mjs').Client[]} */
let clients = []
/** Bytes of sockets that are closed, and of those that are not. */
const closed = { up: 0, down: 0 }
/** @type {Set<import('node:net').Socket>} */
const sockets = new Set()
let requests = 0

/** What is being measured. @type {{ from: number, latency: number[], delivered: number, repeated: number, missed: number }} */
let measured = { from: 1, latency: [], delivered: 0, repeated: 0, missed: 0 }
let published = 0
/** Of those that come back: since when, and when each had heard the last event. @type {{ from: number, times: number[] } | undefined} */
let back

/** @typedef {{ way: string, url: string, port: number, scale: number }} Place */
/** @type {Place} */
let place

/**
 * What a client is given to work with.
 *
 * @type {import('./ways.mjs').Surroundings}
 */
const surroundings = {
  topic,
  dial() {
    const socket = connect(place.port, '127.0.0.1')
    socket.setNoDelay(true)
    return this.follow(socket)
  },
  follow(socket) {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (!sockets.delete(socket)) return
      closed.up += socket.bytesWritten
      closed.down += socket.bytesRead
    })
    return socket
  },
  asked() {
    requests++
  },
  hear(client, text) {
    const [number = 0, planned = 0] = text.split(' ', 2).map(Number)
    if (number <= client.heard) {
      measured.repeated++
      return
    }
    if (client.heard > 0) measured.missed += number - client.heard - 1
    client.heard = number
    if (number < measured.from) return
    measured.delivered++
    measured.latency.push(performance.now() - planned)
    if (back && number === published) back.times.push(performance.now() - back.from)
  },
}

/** @type {Record<string, (message: any) => Promise<object>>} */
const commands = {
  /** @param {Place & { count: number }} given */
  async open(given) {
    place = given
    const way = ways[given.way]
    if (!way) throw new Error(`no way ${given.way}`)
    const all = Array.from({ length: given.count }, (_, i) =>
      way.create(surroundings, { url: given.url, share: i / given.count, scale: given.scale }),
    )
    for (let i = 0; i < all.length; i += abreast) await Promise.all(all.slice(i, i + abreast).map(each => each.come()))
    clients = all
    return {}
  },

  /** Events at a rate, heard by all before this answers. @param {{ rate: number, seconds: number, patienceMs: number }} given */
  async feed({ rate, seconds, patienceMs }) {
    begin()
    const before = count()
    const from = performance.now()
    const events = Math.max(1, Math.round(rate * seconds))
    for (let i = 0; i < events; i++) {
      const planned = from + (i * 1_000) / rate
      await delay(Math.max(0, planned - performance.now()))
      await publish(planned)
    }
    const isWhole = await allHave(patienceMs)
    return { events, isWhole, wallMs: performance.now() - from, counts: since(before), ...result() }
  },

  /** All are cut, something is published while nobody hears, and all come back. @param {{ events: number, patienceMs: number }} given */
  async cut({ events, patienceMs }) {
    for (const client of clients) client.cut()
    for (const socket of sockets) socket.resetAndDestroy()
    await delay(200)
    begin()
    for (let i = 0; i < events; i++) await publish(performance.now())
    back = { from: performance.now(), times: [] }
    const { times } = back
    await Promise.all(clients.map(client => client.come()))
    const isWhole = await allHave(patienceMs)
    back = undefined
    const last = published
    const lost = clients.reduce((sum, { heard }) => sum + last - heard, 0)
    return { ...result(), isWhole, back: times.sort((a, b) => a - b), missed: measured.missed + lost }
  },

  async end() {
    for (const client of clients) client.cut()
    for (const socket of sockets) socket.resetAndDestroy()
    clients = []
    return {}
  },
}

function begin() {
  measured = { from: published + 1, latency: [], delivered: 0, repeated: 0, missed: 0 }
}

function count() {
  const counts = { up: closed.up, down: closed.down, requests }
  for (const socket of sockets) {
    counts.up += socket.bytesWritten
    counts.down += socket.bytesRead
  }
  return counts
}

/** @param {ReturnType<typeof count>} before */
function since(before) {
  const now = count()
  return { up: now.up - before.up, down: now.down - before.down, requests: now.requests - before.requests }
}

function result() {
  const { latency, delivered, repeated, missed } = measured
  return { latency: latency.sort((a, b) => a - b), delivered, repeated, missed }
}

/** Whether all have heard the last event before patience is over. @param {number} patienceMs */
async function allHave(patienceMs) {
  const until = performance.now() + patienceMs
  while (clients.some(({ heard }) => heard < published)) {
    const left = until - performance.now()
    if (left <= 0) return false
    await delay(Math.min(left, 10))
  }
  return true
}

const agents = { 'http:': new http.Agent({ keepAlive: true }), 'https:': new https.Agent({ keepAlive: true }) }

/** @param {number} planned @returns {Promise<void>} */
function publish(planned) {
  published++
  const data = `${published} ${planned} `.padEnd(dataBytes, 'x')
  const url = new URL(`/events/${topic}`, place.url)
  const isTls = url.protocol === 'https:'
  const options = {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain' },
    agent: isTls ? agents['https:'] : agents['http:'],
    rejectUnauthorized: false,
  }
  return new Promise((resolve, reject) => {
    const asking = (isTls ? https : http).request(url, options, answer => {
      answer.resume()
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))))
    })
    asking.on('error', reject)
    asking.end(data)
  })
}

process.on('message', async message => {
  const { command, ...given } = /** @type {{ command: string }} */ (message)
  try {
    process.send?.({ done: await commands[command]?.(given) })
  } catch (error) {
    process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.on('disconnect', () => process.exit())
