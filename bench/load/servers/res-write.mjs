// What Node.js gives without a library, used with care: `node:http`, one Buffer for all, `res.write`. Usage: node res-write.mjs PORT
import { createServer } from 'node:http'
import { readFrame } from './frame.mjs'

/** @type {Set<import('node:http').ServerResponse>} */
const clients = new Set()

createServer((req, res) => {
  if (req.method === 'GET') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    res.flushHeaders()
    clients.add(res)
    res.on('close', () => clients.delete(res))
    return
  }
  readFrame(req, frame => {
    for (const client of clients) client.write(frame)
    res.writeHead(204).end()
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
