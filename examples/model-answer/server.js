import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createHub } from 'tidings'
import { openLmdbLog } from 'tidings/lmdb'
import { ask } from './ask.js'
import { chatCompletions } from './model.js'

const retention = [{ selector: 'answers/*', ageMs: 24 * 60 * 60_000, bytes: 64 * 1024 * 1024 }]
/** @type {import('tidings').Hub<{ 'answers/*': { question: string } | { text: string } }>} */
const hub = createHub({ log: () => openLmdbLog(process.env['LOG'] ?? '.tidings', { retention }) })

const app = express()
app.use(express.static(fileURLToPath(new URL('page', import.meta.url))))
app.use(express.json())
app.post('/v1/chat/completions', chatCompletions)

// Whoever knows the name of an answer may hear it, and a `*` would select those of all.
app.param('id', (_req, res, next, id) => (/^[\da-f-]{36}$/.test(id) ? next() : res.status(404).end()))

app.post('/answers', async (req, res) => {
  const { question } = req.body ?? {}
  if (typeof question !== 'string' || question.trim() === '' || question.length > 2_000) {
    return void res.status(400).end()
  }
  const id = randomUUID()
  // If this process dies, the answer ends as `abandoned` five seconds later.
  const stream = await hub.openStream(`answers/${id}`, { leaseMs: 5_000 })
  await stream.send({ type: 'question', data: { question } })
  // It goes on by itself, whoever listens. `signal` aborts when it is stopped, which ends the model's work too.
  void stream.from(ask(service(), question, stream.signal))
  res.status(201).json({ id })
})

app.get('/answers/:id', hub.handler({ topics: ({ params }) => [`answers/${params.id}`], since: 'earliest' }))

app.delete('/answers/:id', async ({ params }, res) => {
  res.json({ stopped: await hub.stopStream(`answers/${params.id}`) })
})

const server = app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', error => {
  if (error) throw error
  console.log('Open http://127.0.0.1:%d', port())
})
const port = () => /** @type {import('node:net').AddressInfo} */ (server.address()).port
const service = () => ({
  url: process.env['MODEL_URL'] ?? `http://127.0.0.1:${port()}/v1/chat/completions`,
  key: process.env['MODEL_KEY'] ?? '',
  model: process.env['MODEL'] ?? 'stand-in',
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close()
    await hub.close()
    process.exit()
  })
}
