// What a delivery costs in Node.js with nothing around it: each event is one `socket.write` of one Buffer to each connection.
// It speaks just enough HTTP for the generator, as the floor does, and looks like the hub's stream to it.
// Usage: node socket-write.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls'

const [, , port, cert, key] = process.argv
const opening = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 3000\n\n'
/** @type {Set<import('node:net').Socket>} */
const subscribers = new Set()
let said = 0

const server =
  cert === undefined || key === undefined
    ? createServer({ noDelay: true })
    : createTlsServer({ cert: readFileSync(cert), key: readFileSync(key), noDelay: true })
server.on(
  server instanceof TlsServer ? 'secureConnection' : 'connection',
  (/** @type {import('node:net').Socket} */ socket) => {
    let request = ''
    socket.on('error', () => undefined)
    socket.on('close', () => subscribers.delete(socket))
    socket.on('data', piece => {
      request += piece.toString('latin1')
      for (let end = request.indexOf('\r\n\r\n') + 4; end > 3; end = request.indexOf('\r\n\r\n') + 4) {
        if (request.startsWith('GET')) {
          request = ''
          socket.write(opening)
          subscribers.add(socket)
          return
        }
        const length = Number(/^Content-Length: (\d+)/im.exec(request)?.[1] ?? 0)
        if (request.length < end + length) return
        const data = request.slice(end, end + length)
        request = request.slice(end + length)
        socket.write('HTTP/1.1 204 No Content\r\n\r\n')
        const frame = Buffer.from(`id: bare-${++said}\ndata: ${data}\n\n`)
        for (const subscriber of subscribers) subscriber.write(frame)
      }
    })
  },
)
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 })
