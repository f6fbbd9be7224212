// A reader of streams for the probes: over a bare socket, so that it can stop reading, and hears what the bytes say and not
// what a client would make of them.
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * What an `EventSource` would make of the blocks of a stream.
 *
 * @typedef {{ type: string, data: string, id: string, topic?: string }} Heard
 * @param {string} text from the beginning of the body
 * @returns {Heard[]}
 */
export function parse(text) {
  /** @type {Heard[]} */
  const events = []
  let [type, id] = ['', '']
  /** @type {string[]} */
  let data = []
  // What stands behind the last line's end is not a line yet.
  for (const line of text.split(/\r\n|\n|\r/).slice(0, -1)) {
    if (line === '') {
      if (data.length > 0) events.push({ type: type || 'message', data: data.join('\n'), id })
      type = ''
      data = []
      continue
    }
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') type = value
    else if (name === 'data') data.push(value)
    else if (name === 'id' && !value.includes('\0')) id = value
  }
  return events
}

export class Reader {
  #socket
  #raw = Buffer.alloc(0)
  #pieces = /** @type {Buffer[]} */ ([])
  #body = ''
  /** How many bytes, the head and whatever else is around the events included. */
  received = 0

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket
    socket.on('error', () => undefined)
    socket.on('data', piece => {
      this.#pieces.push(piece)
      this.received += piece.length
    })
  }

  /** All that was heard, but for what the library says of itself (types that begin with `$`). @returns {Heard[]} */
  get events() {
    return parse(this.body).filter(({ type }) => !type.startsWith('$'))
  }

  /** The same with what the library says of itself. */
  get all() {
    return parse(this.body)
  }

  get body() {
    if (this.#pieces.length > 0) {
      this.#raw = Buffer.concat([this.#raw, ...this.#pieces.splice(0)])
      const [head = '', ...rest] = split(this.#raw)
      const isChunked = /^transfer-encoding:\s*chunked/im.test(head)
      const body = rest[0] ?? Buffer.alloc(0)
      this.#body = (isChunked ? unchunk(body) : body).toString('utf8')
    }
    return this.#body
  }

  /** Resolves when it has heard what `is` looks for; rejects after ten seconds. @param {(reader: Reader) => boolean} is */
  async until(is) {
    const end = performance.now() + 10_000
    while (!is(this)) {
      if (performance.now() > end) throw new Error(`not heard within ten seconds; heard was ${this.body.slice(-300)}`)
      await delay(5)
    }
  }

  stall() {
    this.#socket.pause()
  }

  readOn() {
    this.#socket.resume()
  }

  /** How a client leaves whose page is closed, or, with `rudely`, one whose process was killed. */
  leave({ rudely = false } = {}) {
    if (rudely) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }
}

/**
 * Asks for a stream and resolves when the answer has begun.
 *
 * @param {number} port
 * @param {string} path
 * @param {Readonly<Record<string, string>>} [headers]
 */
export async function hear(port, path, headers = {}) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const reader = new Reader(socket)
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, Accept: 'text/event-stream', ...headers })
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  return reader
}

/** Head and body. @param {Buffer} raw @returns {[head: string, body: Buffer] | []} */
function split(raw) {
  const end = raw.indexOf('\r\n\r\n')
  return end < 0 ? [] : [raw.subarray(0, end).toString('latin1'), raw.subarray(end + 4)]
}

/** @param {Buffer} body */
function unchunk(body) {
  const pieces = []
  for (let at = 0; ; ) {
    const line = body.indexOf('\r\n', at)
    if (line < 0) break
    const length = Number.parseInt(body.subarray(at, line).toString('latin1'), 16)
    if (!(length > 0) || line + 2 + length > body.length) break
    pieces.push(body.subarray(line + 2, line + 2 + length))
    at = line + 2 + length + 2
  }
  return Buffer.concat(pieces)
}
