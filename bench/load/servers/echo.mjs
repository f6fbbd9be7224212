// What the HTTP of Node.js costs by itself: reads a body, answers with it, keeps nothing. Usage: node echo.mjs PORT
import { createServer } from 'node:http'

createServer((req, res) => {
  /** @type {Buffer[]} */
  const pieces = []
  req.on('data', piece => pieces.push(piece))
  req.on('end', () => {
    const body = Buffer.concat(pieces)
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length }).end(body)
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
