// As tutorials have it: Express, an array of responses, a string written to each. Usage: node express.mjs PORT
import express from 'express'

const app = express()
/** @type {import('express').Response[]} */
let clients = []

app.use(express.text({ limit: '1mb' }))

app.get('/events/:topic', (req, res) => {
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', Connection: 'keep-alive' })
  res.flushHeaders()
  clients.push(res)
  req.on('close', () => {
    clients = clients.filter(client => client !== res)
  })
})

app.post('/events/:topic', (req, res) => {
  for (const client of clients) client.write(`data: ${req.body}\n\n`)
  res.sendStatus(204)
})

app.listen(Number(process.argv[2]), '127.0.0.1')
