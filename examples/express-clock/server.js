import { fileURLToPath } from 'node:url'
import express from 'express'
import { createHub } from 'tidings'

const hub = createHub()
const app = express()
app.use(express.static(fileURLToPath(new URL('page', import.meta.url))))
app.get('/events', hub.handler({ topics: ['clock'] }))
const server = app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', error => {
  if (error) throw error
  console.log('Open http://127.0.0.1:%d', /** @type {import('node:net').AddressInfo} */ (server.address()).port)
})
const clock = setInterval(() => hub.publish('clock', new Date().toISOString()), 5_000)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    clearInterval(clock)
    server.close()
    await hub.close()
    process.exit()
  })
}
