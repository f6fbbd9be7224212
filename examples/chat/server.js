import { fileURLToPath } from 'node:url'
import express from 'express'
import { createHub } from 'tidings'
import { openLmdbLog } from 'tidings/lmdb'

const retention = [{ selector: 'rooms/*', ageMs: 24 * 60 * 60_000, bytes: 64 * 1024 * 1024 }]
/** @type {import('tidings').Hub<{ 'rooms/*': { name: string, text: string, key: string } }>} */
const hub = createHub({ log: () => openLmdbLog(process.env['LOG'] ?? '.tidings', { retention }) })

const app = express()
app.use(express.static(fileURLToPath(new URL('page', import.meta.url))))

// Else `*` would be heard as all rooms, and `a/b` kept by no rule; control characters are in no topic.
app.param('room', (_req, res, next, room) => (/^[^*/\p{C}]{1,64}$/u.test(room) ? next() : res.status(404).end()))

app.get('/rooms/:room', hub.handler({ topics: ({ params }) => [`rooms/${params.room}`], since: '24h' }))

app.post('/rooms/:room', express.json(), async ({ params, body }, res) => {
  const { name, text, key } = body ?? {}
  const isWhole = [name, text, key].every(
    part => typeof part === 'string' && part.trim() !== '' && part.length <= 2_000,
  )
  if (!isWhole || !/^[!-~]{1,256}$/.test(key)) return void res.status(400).end()
  // Whoever got no answer says it again with the same key; it is kept once.
  await hub.publish(`rooms/${params.room}`, { name, text, key }, { idempotencyKey: key })
  res.status(204).end()
})

const server = app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', error => {
  if (error) throw error
  console.log('Open http://127.0.0.1:%d', /** @type {import('node:net').AddressInfo} */ (server.address()).port)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close()
    await hub.close()
    process.exit()
  })
}
