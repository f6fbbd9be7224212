// Fastify with @fastify/sse. History is kept as its README has it: an array of the application's, and `replay`.
// Usage: node fastify-sse.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs'
import sse from '@fastify/sse'
import Fastify from 'fastify'

const [, , port, cert, key] = process.argv
const secure = cert && key ? { http2: true, https: { cert: readFileSync(cert), key: readFileSync(key) } } : {}
const app = Fastify({ bodyLimit: 1 << 20, ...secure })
await app.register(sse)

/** @param {string} path @param {object} options */
function route(path, options) {
  /** @type {Set<import('fastify').FastifyReply>} */
  const clients = new Set()
  /** @type {{ id: string, data: unknown }[]} */
  const history = []

  app.get(path, { sse: { kind: 'only', ...options } }, async (_, reply) => {
    reply.sse.keepAlive()
    await reply.sse.replay(async lastEventId => {
      const start = history.findIndex(message => message.id === lastEventId)
      for (const message of start === -1 ? history : history.slice(start + 1)) await reply.sse.send(message)
    })
    reply.sse.sendHeaders()
    reply.raw.flushHeaders?.()
    clients.add(reply)
    reply.sse.onClose(() => clients.delete(reply))
  })

  app.post(path, async (request, reply) => {
    const { type: event, id } = request.query
    const message = { id, event, data: request.body }
    if (id !== undefined) history.push(message)
    for (const client of clients) client.sse.send(message).catch(() => clients.delete(client))
    return reply.code(204).send()
  })

  app.get(`${path}/readers`, async () => clients.size)
}
route('/events', {})
route('/text', { serializer: String })

await app.listen({ port: Number(port), host: '127.0.0.1' })
