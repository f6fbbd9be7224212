// The ways to hear a hub, each as its client in a browser would speak, over sockets whose bytes can be counted.
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import { createParser } from '../../dist/wire/parse.js'

/**
 * @typedef {object} Surroundings
 * @property {string} topic
 * @property {() => import('node:net').Socket} dial opens a connection whose bytes are counted
 * @property {(socket: import('node:net').Socket) => import('node:net').Socket} follow counts the bytes of one that is open
 * @property {() => void} asked counts a request
 * @property {(client: Client, data: string) => void} hear is told each event
 */

/**
 * @typedef {object} Client
 * @property {number} heard the number of the last event
 * @property {() => Promise<void>} come connects, by its cursor if it has one; resolves when it hears, or when its timer runs
 * @property {() => void} cut
 */

/** @typedef {{ url: string, share: number, scale: number }} Place `share`: from 0 up to 1, for what clients do by turns; `scale` of all intervals */

/**
 * @typedef {object} Way
 * @property {string} title
 * @property {'hub' | 'hub-tls'} server
 * @property {string} browser how many of these a browser may hold to one host
 * @property {number} [everyMs] of polling
 * @property {(surroundings: Surroundings, place: Place) => Client} create
 */

/** What browsers send beside what is asked for, about: a page of the hub's own origin, without cookies. */
const browserHeaders = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
  'accept-language': 'en-US,en;q=0.5',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'sec-fetch-dest': 'empty',
  'sec-fetch-mode': 'cors',
  'sec-fetch-site': 'same-origin',
}

/** @param {string} host @param {string} target @param {Readonly<Record<string, string | undefined>>} headers */
function toRequest(host, target, headers) {
  const lines = Object.entries({ host, ...browserHeaders, connection: 'keep-alive', ...headers })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** One connection that is asked for page after page. */
class PageLine {
  /** @type {import('node:net').Socket | undefined} */
  #socket
  #received = ''
  /** @type {((answer: { status: number, tag: string | undefined, body: string } | undefined) => void) | undefined} */
  #answer
  #surroundings
  #host

  /** @param {Surroundings} surroundings @param {string} url */
  constructor(surroundings, url) {
    this.#surroundings = surroundings
    this.#host = new URL(url).host
  }

  /** Resolves to the answer, or to nothing if the connection was cut. @param {string} target @param {string | undefined} tag */
  get(target, tag) {
    this.#socket ??= this.#connect()
    this.#surroundings.asked()
    this.#socket.write(toRequest(this.#host, target, { accept: 'application/json', 'if-none-match': tag }))
    return new Promise(resolve => {
      this.#answer = resolve
    })
  }

  cut() {
    this.#socket?.resetAndDestroy()
    this.#over()
  }

  #connect() {
    const socket = this.#surroundings.dial()
    socket.setEncoding('latin1')
    socket.on('data', text => {
      this.#received += text
      this.#look()
    })
    socket.on('close', () => {
      if (this.#socket === socket) this.#over()
    })
    return socket
  }

  #over() {
    this.#socket = undefined
    this.#received = ''
    this.#answer?.(undefined)
  }

  #look() {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.slice(0, end)
    const status = Number(head.slice(9, 12))
    const length = status === 304 ? 0 : Number(/\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#received.length < end + 4 + length) return
    const body = this.#received.slice(end + 4, end + 4 + length)
    this.#received = this.#received.slice(end + 4 + length)
    this.#answer?.({ status, tag: /\netag: (\S+)/i.exec(head)?.[1], body })
  }
}

/** Asks for pages, each after `everyMs`, by turns with the others; or, without, each as soon as the last was answered, and lets it wait. */
class Poller {
  heard = 0
  /** @type {string | undefined} */
  #cursor
  /** @type {string | undefined} */
  #tag
  #surroundings
  #line
  #everyMs
  #phase
  #isOn = false
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /** @param {Surroundings} surroundings @param {Place} place @param {number | undefined} everyMs */
  constructor(surroundings, { url, share, scale }, everyMs) {
    this.#surroundings = surroundings
    this.#line = new PageLine(surroundings, url)
    this.#everyMs = everyMs === undefined ? undefined : everyMs * scale
    this.#phase = share
  }

  async come() {
    this.#isOn = true
    if (this.#cursor === undefined) await this.#ask('')
    if (this.#everyMs === undefined) void this.#wait()
    else this.#schedule()
  }

  cut() {
    this.#isOn = false
    clearTimeout(this.#timer)
    this.#line.cut()
  }

  async #wait() {
    while (this.#isOn) await this.#ask('&wait=60')
  }

  #schedule() {
    const every = this.#everyMs ?? 0
    const turn = performance.now() / every - this.#phase
    this.#timer = setTimeout(
      () => void this.#ask('').then(() => this.#isOn && this.#schedule()),
      (Math.floor(turn) + 1 - turn) * every,
    )
  }

  /** @param {string} more */
  async #ask(more) {
    const where = this.#cursor === undefined ? 'since=now' : `lastEventId=${this.#cursor}`
    const answer = await this.#line.get(`/events/${this.#surroundings.topic}?${where}${more}`, this.#tag)
    if (answer?.status !== 200) return
    this.#tag = answer.tag
    const { cursor, events } = JSON.parse(answer.body)
    this.#cursor = cursor
    for (const { data } of events) this.#surroundings.hear(this, data)
  }
}

/** An event stream over a connection that is made for it. */
class Streamer {
  heard = 0
  #cursor = ''
  #surroundings
  #open
  /** @type {() => void} */
  #cut = () => {}

  /**
   * @param {Surroundings} surroundings
   * @param {(headers: Readonly<Record<string, string>>, target: string, onBody: (bytes: Uint8Array) => void) => () => void} open what it returns cuts it
   */
  constructor(surroundings, open) {
    this.#surroundings = surroundings
    this.#open = open
  }

  /** @returns {Promise<void>} */
  come() {
    return new Promise(resolve => {
      const parser = createParser({
        onEvent: ({ type, id, data }) => {
          this.#cursor = id
          if (type === '$cursor') resolve()
          else this.#surroundings.hear(this, data)
        },
      })
      this.#surroundings.asked()
      const cursor = this.#cursor === '' ? {} : { 'last-event-id': this.#cursor }
      const headers = { accept: 'text/event-stream', 'cache-control': 'no-cache', ...cursor }
      this.#cut = this.#open(headers, `/events/${this.#surroundings.topic}`, bytes => parser.push(bytes))
    })
  }

  cut() {
    this.#cut()
  }
}

/** @param {Surroundings} surroundings @param {Place} place */
function streamHttp1(surroundings, { url }) {
  return new Streamer(surroundings, (headers, target, onBody) => {
    const socket = surroundings.dial()
    socket.write(toRequest(new URL(url).host, target, headers))
    let head = ''
    let isInBody = false
    socket.on('data', bytes => {
      if (isInBody) return onBody(bytes)
      head += bytes.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      isInBody = true
      onBody(Buffer.from(head.slice(end + 4), 'latin1'))
    })
    return () => void socket.resetAndDestroy()
  })
}

/** One connection a client, as a browser has one to each host. @param {Surroundings} surroundings @param {Place} place */
function streamHttp2(surroundings, { url }) {
  return new Streamer(surroundings, (headers, target, onBody) => {
    const below = surroundings.dial()
    const isTls = url.startsWith('https:')
    const socket = isTls ? connectTls({ socket: below, ALPNProtocols: ['h2'], rejectUnauthorized: false }) : below
    const session = connectHttp2(url, { createConnection: () => socket, settings: { enablePush: false } })
    session.on('error', () => undefined)
    const stream = session.request({ ':path': target, ...browserHeaders, ...headers })
    stream.on('error', () => undefined)
    stream.on('data', onBody)
    return () => {
      below.resetAndDestroy()
      session.destroy()
    }
  })
}

class WebSocketHearer {
  heard = 0
  #cursor = ''
  #surroundings
  #url
  /** @type {WebSocket | undefined} */
  #socket

  /** @param {Surroundings} surroundings @param {Place} place */
  constructor(surroundings, { url }) {
    this.#surroundings = surroundings
    this.#url = `${url.replace(/^http/, 'ws')}/events/${surroundings.topic}`
  }

  /** @returns {Promise<void>} */
  come() {
    return new Promise((resolve, reject) => {
      this.#surroundings.asked()
      const url = this.#cursor === '' ? this.#url : `${this.#url}?lastEventId=${this.#cursor}`
      const { 'user-agent': agent, 'accept-language': language, 'accept-encoding': encoding } = browserHeaders
      const headers = { 'User-Agent': agent, 'Accept-Language': language, 'Accept-Encoding': encoding }
      const socket = new WebSocket(url, { headers, perMessageDeflate: false })
      this.#socket = socket
      socket.on('upgrade', ({ socket: below }) => void this.#surroundings.follow(below))
      socket.on('error', reject)
      socket.on('message', bytes => {
        const { id, type, data } = JSON.parse(bytes.toString())
        this.#cursor = id ?? this.#cursor
        if (type === '$cursor') resolve()
        else this.#surroundings.hear(this, data)
      })
    })
  }

  cut() {
    this.#socket?.terminate()
  }
}

const perHost = '6 to a host'

/** @type {Readonly<Record<string, Way>>} */
export const ways = {
  'poll-5s': {
    title: 'Polling every 5 s',
    server: 'hub',
    browser: perHost,
    everyMs: 5_000,
    create: (surroundings, place) => new Poller(surroundings, place, 5_000),
  },
  'poll-1s': {
    title: 'Polling every second',
    server: 'hub',
    browser: perHost,
    everyMs: 1_000,
    create: (surroundings, place) => new Poller(surroundings, place, 1_000),
  },
  'long-poll': {
    title: 'Long polling',
    server: 'hub',
    browser: perHost,
    create: (surroundings, place) => new Poller(surroundings, place, undefined),
  },
  websocket: {
    title: 'WebSocket',
    server: 'hub',
    browser: '255, 200 in all',
    create: (surroundings, place) => new WebSocketHearer(surroundings, place),
  },
  'sse-http1': { title: 'SSE, HTTP/1.1', server: 'hub', browser: perHost, create: streamHttp1 },
  'sse-h2c': { title: 'SSE, HTTP/2 without TLS', server: 'hub', browser: 'none: for proxies', create: streamHttp2 },
  'sse-http2': {
    title: 'SSE, HTTP/2 over TLS',
    server: 'hub-tls',
    browser: '256 on one connection',
    create: streamHttp2,
  },
}
