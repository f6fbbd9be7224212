// Hono's streamSSE on Node.js. Its helper streams to one client; the list of those that are written to is the application's.
// Usage: node hono.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { setImmediate } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

const [, , port, cert, key] = process.argv
const app = new Hono()

/** @param {string} path @param {(data: string) => string} serialize */
function route(path, serialize) {
  /** @type {Set<import('hono/streaming').SSEStreamingApi>} */
  const clients = new Set()

  app.get(path, c =>
    streamSSE(c, async stream => {
      clients.add(stream)
      await new Promise(resolve => stream.onAbort(resolve))
      clients.delete(stream)
    }),
  )

  app.post(path, async c => {
    const message = { data: serialize(await c.req.text()), event: c.req.query('type'), id: c.req.query('id') }
    let refusal = ''
    for (const client of clients) {
      client.writeSSE(message).catch(error => {
        refusal = String(error)
      })
    }
    await setImmediate()
    return refusal === '' ? c.body(null, 204) : c.text(refusal, 400)
  })

  app.get(`${path}/readers`, c => c.json(clients.size))
}
route('/events', JSON.stringify)
route('/text', String)

const secure =
  cert && key
    ? { createServer: createSecureServer, serverOptions: { cert: readFileSync(cert), key: readFileSync(key) } }
    : {}
serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1', ...secure })
