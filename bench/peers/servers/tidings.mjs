// A hub in an Express application, and `openStream` at /one. Its HTTP/2 is that of node:http2, since Express has none.
// Usage: node tidings.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import express from 'express'
import { createHub, openStream } from '../../../dist/entry/index.js'

const [, , port, cert, key] = process.argv
const hub = createHub()
const app = express()
app.use(express.text({ type: '*/*', limit: '1mb' }))

for (const topic of ['events', 'text']) {
  app.get(`/${topic}`, hub.handler({ topics: [topic] }))

  app.post(`/${topic}`, async (req, res) => {
    const { type, id } = req.query
    await hub.publish(topic, req.body, { type, eventId: id })
    res.sendStatus(204)
  })

  app.get(`/${topic}/readers`, (_req, res) => {
    res.json(hub.subscribers(topic))
  })
}

/** @type {Set<import('../../../dist/entry/index.js').EventStream>} */
const streams = new Set()
app.get('/one', (req, res) => {
  const stream = openStream(req, res)
  streams.add(stream)
  stream.signal.addEventListener('abort', () => streams.delete(stream))
})

app.post('/one', async (req, res) => {
  const { type, id, comment } = req.query
  for (const stream of streams) {
    if (comment === undefined) await stream.send({ data: req.body, type, id })
    else await stream.comment(comment)
  }
  res.sendStatus(204)
})

app.get('/one/readers', (_req, res) => {
  res.json(streams.size)
})

app.use((error, _req, res, _next) => {
  res.status(400).send(error.message)
})

if (cert && key) {
  const events = hub.handler({ topics: ['events'] })
  createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (req, res) => {
    if (req.method === 'GET') {
      await events(req, res)
      return
    }
    let body = ''
    for await (const piece of req.setEncoding('utf8')) body += piece
    await hub.publish('events', body)
    res.writeHead(204).end()
  }).listen(Number(port), '127.0.0.1')
} else app.listen(Number(port), '127.0.0.1')
