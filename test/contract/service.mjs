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
  'post',
  'read-timeout',
  'report',
  'restart',
  'server-directed-shutdown-request',
]

/**
 * @typedef {object} Wanted
 * @property {string} streamUrl
 * @property {string} callbackUrl
 * @property {number | null} [initialDelayMs]
 * @property {number | null} [readTimeoutMs]
 * @property {string | null} [lastEventId]
 * @property {Record<string, string> | null} [headers]
 * @property {string | null} [method]
 * @property {string | null} [body]
 *
 * @typedef {object} Stream
 * @property {(type: string) => void} listen
 * @property {() => void} restart
 * @property {() => void} close
 */

/** @type {Map<string, Stream>} */
const streams = new Map()
let made = 0

/** @param {Wanted} wanted @returns {Stream} */
function openStream(wanted) {
  const { streamUrl, callbackUrl, initialDelayMs, readTimeoutMs, lastEventId, headers, method, body } = wanted
  let said = 0
  let saying = Promise.resolve()
  let isClosed = false
  // One after another, each under its own number, until nobody wants to hear them.
  const say = (/** @type {object} */ what) => {
    saying = saying.then(async () => {
      if (isClosed) return
      const place = `${callbackUrl}/${++said}`
      const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(what) }
      await fetch(place, init).then(
        answer => answer.arrayBuffer(),
        error => process.stderr.write(`${place}: ${error}\n`),
      )
    })
  }
  const delayMs = Math.max(1, initialDelayMs ?? 1000)
  const connection = connect(streamUrl, {
    cursor: lastEventId ?? '',
    headers: headers ?? {},
    backoffMs: delayMs,
    maxBackoffMs: delayMs,
    ...(method && { method }),
    ...(typeof body === 'string' && { body }),
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
    listened.add(type)
    connection.on(type, ({ data, id }) => say({ kind: 'event', event: { type, data, id } }))
  }
  listen('message')
  return {
    listen,
    restart: () => connection.reconnect(),
    close() {
      isClosed = true
      connection.close()
    },
  }
}

/** @param {string} text @returns {Wanted | undefined} nothing: it is not what is asked for */
function toWanted(text) {
  const wanted = toObject(text)
  if (typeof wanted?.['streamUrl'] !== 'string' || typeof wanted['callbackUrl'] !== 'string') return undefined
  return /** @type {Wanted} */ (wanted)
}

/** @param {string} text @returns {any} */
function toObject(text) {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON, which is answered as every other request that says nothing.
    return undefined
  }
}

/** @param {string} id @param {string} text @returns {number} the status of the answer */
function command(id, text) {
  const stream = streams.get(id)
  const asked = toObject(text)
  if (!stream) return 404
  if (asked?.command === 'restart') stream.restart()
  else if (asked?.command === 'listen' && typeof asked.listen?.type === 'string') stream.listen(asked.listen.type)
  else return 400
  return 202
}

const server = createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  const { method, url = '/' } = request
  const id = /^\/streams\/(\d+)$/.exec(url)?.[1] ?? ''
  let status = 404
  if (url === '/' && method === 'GET') {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ name: 'tidings', capabilities }))
    return
  }
  if (url === '/' && method === 'DELETE') {
    status = 204
    for (const stream of streams.values()) stream.close()
    server.close()
  } else if (url === '/' && method === 'POST') {
    const wanted = toWanted(text)
    status = wanted ? 201 : 400
    if (wanted) {
      try {
        streams.set(`${++made}`, openStream(wanted))
        response.setHeader('Location', `/streams/${made}`)
      } catch (error) {
        status = 400
        process.stderr.write(`${error}\n`)
      }
    }
  } else if (id && method === 'POST') {
    status = command(id, text)
  } else if (id && method === 'DELETE') {
    status = streams.has(id) ? 204 : 404
    streams.get(id)?.close()
    streams.delete(id)
  }
  response.writeHead(status, { Connection: 'close' })
  response.end()
})

const { values } = parseArgs({ options: { port: { type: 'string', default: '8000' } } })
server.listen(Number(values.port), () => {
  const address = server.address()
  process.stdout.write(`Listening on port ${typeof address === 'object' ? address?.port : address}\n`)
})
