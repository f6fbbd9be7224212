// better-sse with its channel, data passed on as they are. Usage: node better-sse.mjs PORT
import { createServer } from 'node:http'
import { createChannel, createSession } from 'better-sse'

const channel = createChannel()

createServer(async (req, res) => {
  if (req.method === 'GET') {
    channel.register(await createSession(req, res, { serializer: String, keepAlive: null }))
    return
  }
  let body = ''
  req.setEncoding('utf8')
  req.on('data', piece => {
    body += piece
  })
  req.on('end', () => {
    channel.broadcast(body)
    res.writeHead(204).end()
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
