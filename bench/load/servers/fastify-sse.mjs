// Fastify with @fastify/sse, data passed on as they are. Usage: node fastify-sse.mjs PORT
import sse from '@fastify/sse'
import Fastify from 'fastify'

const app = Fastify({ bodyLimit: 1 << 20 })
/** @type {Set<import('fastify').FastifyReply>} */
const clients = new Set()

await app.register(sse, { serializer: String, heartbeatInterval: 0 })

app.get('/events/:topic', { sse: 'only' }, async (_, reply) => {
  reply.sse.keepAlive()
  reply.sse.sendHeaders()
  reply.raw.flushHeaders()
  clients.add(reply)
  reply.sse.onClose(() => clients.delete(reply))
})

app.post('/events/:topic', async (request, reply) => {
  const message = { data: request.body }
  for (const client of clients) {
    client.sse.send(message).catch(() => clients.delete(client))
  }
  return reply.code(204).send()
})

await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
