// Express with nothing beside it, as tutorials have it: a list of responses, and a string written to each.
// Usage: node express.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import express from 'express'

const [, , port, cert, key] = process.argv
const app = express()
app.use(express.text({ type: '*/*', limit: '1mb' }))

/** @param {string} path @param {(data: string) => string} serialize */
function route(path, serialize) {
  /** @type {import('express').Response[]} */
  let clients = []

  app.get(path, (req, res) => {
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', Connection: 'keep-alive' })
    res.flushHeaders()
    clients.push(res)
    req.on('close', () => {
      clients = clients.filter(client => client !== res)
    })
  })

  app.post(path, (req, res) => {
    const { type, id, comment } = req.query
    for (const client of clients) {
      if (comment !== undefined) client.write(`: ${comment}\n\n`)
      else {
        const head = (id === undefined ? '' : `id: ${id}\n`) + (type === undefined ? '' : `event: ${type}\n`)
        client.write(`${head}data: ${serialize(req.body)}\n\n`)
      }
    }
    res.sendStatus(204)
  })

  app.get(`${path}/readers`, (_req, res) => {
    res.json(clients.length)
  })
}
route('/events', JSON.stringify)
route('/text', String)

if (cert && key) {
  createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, app).listen(Number(port), '127.0.0.1')
} else app.listen(Number(port), '127.0.0.1')
