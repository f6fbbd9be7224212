// better-sse in Express, with its channel. Its HTTP/2 is that of node:http2, since Express has none.
// Usage: node better-sse.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { createChannel, createSession } from 'better-sse'
import express from 'express'

const [, , port, cert, key] = process.argv
const app = express()
app.use(express.text({ type: '*/*', limit: '1mb' }))

/** @param {string} path @param {import('better-sse').SessionOptions} options */
function route(path, options) {
  const channel = createChannel()

  app.get(path, async (req, res) => {
    channel.register(await createSession(req, res, options))
  })

  app.post(path, (req, res) => {
    const { type, id, comment } = req.query
    if (comment !== undefined) {
      for (const session of channel.activeSessions) session.batch(buffer => void buffer.comment(comment).dispatch())
    } else channel.broadcast(req.body, type, id === undefined ? {} : { eventId: id })
    res.sendStatus(204)
  })

  app.get(`${path}/readers`, (_req, res) => {
    res.json(channel.sessionCount)
  })
  return channel
}
const channel = route('/events', {})
route('/text', { serializer: String })

if (cert && key) {
  createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (req, res) => {
    if (req.method === 'GET') {
      channel.register(await createSession(req, res))
      return
    }
    let body = ''
    for await (const piece of req.setEncoding('utf8')) body += piece
    channel.broadcast(body)
    res.writeHead(204).end()
  }).listen(Number(port), '127.0.0.1')
} else app.listen(Number(port), '127.0.0.1')
