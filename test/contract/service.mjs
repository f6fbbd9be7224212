// A service for the public SSE contract tests: it is told over HTTP what to connect to, and tells by callbacks what the client of the
// package has heard. `npm run contract-service -- --port P`; DELETE / ends it.
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { connect } from '../../dist/entry/client.js'

const capabilities = [
  'bom',
  'comments',
  'event-type-listeners',
  'headers',
  'last-event-id',
  'payload-size-stress-testable',
  'post',
  'read-timeout',
  'report',
  'restart',
  'server-directed-shutdown-request',
]

/** The tests go up to a payload of 128 MiB and a byte. */
const maxEventChars = 2 ** 28

/**
 * @typedef {object} Wanted
 * @property {string} streamUrl
 * @property {string} callbackUrl
 * @property {number} [initialDelayMs]
 * @property {number} [readTimeoutMs]
 * @property {string} [lastEventId]
 * @property {Record<string, string>} [headers]
 * @property {string} [method]
 * @property {string} [body]
 *
 * @typedef {object} Stream
 * @property {(type: string) => void} listen
 * @property {() => void} restart
 * @property {() => void} close
 */

/** What each member has to be, if it is there. */
const kinds = {
  streamUrl: 'string',
  callbackUrl: 'string',
  initialDelayMs: 'number',
  readTimeoutMs: 'number',
  lastEventId: 'string',
  headers: 'object',
  method: 'string',
  body: 'string',
}

/** @type {Map<string, Stream>} */
const streams = new Map()
let made = 0

/** @param {Wanted} wanted @returns {Stream} throws for what no request can be made of */
function openStream({ streamUrl, callbackUrl, initialDelayMs, readTimeoutMs, lastEventId, headers, method, body }) {
  const closing = new AbortController()
  const { signal } = closing
  const asked = { ...(method !== undefined && { method, body }), headers: headers ?? {} }
  // The client would only find out with its first attempt, and then try again.
  for (const url of [streamUrl, callbackUrl]) new Request(url, asked)
  let said = 0
  let saying = Promise.resolve()
  // One after another, each under its own number, until nobody wants to hear them.
  const say = (/** @type {object} */ what) => {
    saying = saying.then(async () => {
      if (signal.aborted) return
      const place = `${callbackUrl}/${++said}`
      const init = {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(what),
        signal,
      }
      try {
        await (await fetch(place, init)).arrayBuffer()
      } catch (error) {
        if (!signal.aborted) process.stderr.write(`${place}: ${error}\n`)
      }
    })
  }
  const delayMs = Math.max(1, initialDelayMs ?? 1000)
  const connection = connect(streamUrl, {
    ...asked,
    cursor: lastEventId ?? '',
    backoffMs: delayMs,
    maxBackoffMs: delayMs,
    maxEventChars,
    signal,
    ...(readTimeoutMs && { silenceMs: readTimeoutMs, answerMs: readTimeoutMs }),
    onComment: comment => say({ kind: 'comment', comment }),
    onState({ error }) {
      if (error) say({ kind: 'error', comment: error.message, error: error.message })
    },
    // Each failure is told by the state that it leads to.
    onError() {},
  })
  const listened = new Set()
  const listen = (/** @type {string} */ type) => {
    if (listened.has(type)) return
    connection.on(type, event => {
      // The client hears topics by such a name too.
      if (event.type === type) say({ kind: 'event', event: { type, data: event.data, id: event.id } })
    })
    listened.add(type)
  }
  listen('message')
  return { listen, restart: () => connection.reconnect(), close: () => closing.abort() }
}

/** @param {string} text @returns {Wanted} throws if it is not what is asked for */
function toWanted(text) {
  const wanted = toObject(text)
  for (const [name, kind] of Object.entries(kinds)) {
    const value = wanted[name]
    if (value !== undefined && typeof value !== kind) throw new TypeError(`${name} is not of the type ${kind}`)
  }
  return wanted
}

/** @param {string} text @returns {any} what it says, without the members that are null */
const toObject = text => JSON.parse(text, (_, value) => value ?? undefined)

/** @param {string} id @param {string} text @returns {number} the status of the answer */
function command(id, text) {
  const stream = streams.get(id)
  if (!stream) return 404
  const asked = toObject(text)
  if (asked.command === 'restart') stream.restart()
  else if (asked.command === 'listen' && typeof asked.listen?.type === 'string') stream.listen(asked.listen.type)
  else return 400
  return 202
}

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function answer(request, response) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  const { method, url = '/', headers } = request
  const id = /^\/streams\/(\d+)$/.exec(url)?.[1] ?? ''
  let status = 404
  let body = ''
  try {
    if (url === '/' && method === 'GET') {
      status = 200
      response.setHeader('Content-Type', 'application/json')
      body = JSON.stringify({ name: 'tidings', capabilities })
    } else if (url === '/' && method === 'DELETE') {
      status = 204
      for (const stream of streams.values()) stream.close()
      server.close()
      // Nor is there to be waited for what others have begun to ask.
      response.once('finish', () => server.closeAllConnections())
    } else if (url === '/' && method === 'POST') {
      const stream = openStream(toWanted(text))
      streams.set(`${++made}`, stream)
      status = 201
      // Whole, since a base that ends with a slash would have two of them with a path behind it.
      response.setHeader('Location', `http://${headers.host}/streams/${made}`)
    } else if (id && method === 'POST') {
      status = command(id, text)
    } else if (id && method === 'DELETE') {
      status = streams.has(id) ? 204 : 404
      streams.get(id)?.close()
      streams.delete(id)
    }
  } catch (error) {
    status = 400
    process.stderr.write(`${error}\n`)
  }
  response.writeHead(status, { Connection: 'close' })
  response.end(body)
}

const server = createServer((request, response) => {
  // Whoever asked is gone, before it was all said.
  answer(request, response).catch(() => response.destroy())
})

const { values } = parseArgs({ options: { port: { type: 'string', default: '8000' } } })
server.listen(Number(values.port), () => {
  const address = server.address()
  process.stdout.write(`Listening on port ${typeof address === 'object' ? address?.port : address}\n`)
})
