// `res-write.mjs` with a compressor for each response, flushed behind each event, as middleware that compresses does when it is told to flush.
// Usage: node res-gzip.mjs PORT
import { createServer } from 'node:http'
import { constants, createGzip } from 'node:zlib'
import { readFrame } from './frame.mjs'

/** @type {Set<import('node:zlib').Gzip>} */
const clients = new Set()

createServer((req, res) => {
  if (req.method === 'GET') {
    res.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache',
      'Content-Encoding': 'gzip',
    })
    res.flushHeaders()
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
    gzip.pipe(res)
    clients.add(gzip)
    res.on('close', () => {
      clients.delete(gzip)
      gzip.destroy()
    })
    return
  }
  readFrame(req, frame => {
    for (const client of clients) client.write(frame)
    res.writeHead(204).end()
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
