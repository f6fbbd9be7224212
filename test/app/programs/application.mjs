// An application of `Request` and `Response` on Bun or Deno: RUNTIME application.mjs plain|hono [IDLE_SECONDS [HEARTBEAT_MS]]
import process from 'node:process'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { createHub } from 'tidings'
import { answer, createTrial } from './trial.mjs'

const [kind, idleTimeout = '60', heartbeatMs = '15000'] = process.argv.slice(2)
const trial = createTrial(createHub({ heartbeatMs: Number(heartbeatMs) }))

const app = new Hono()
app.use(cors({ origin: 'https://app.example', credentials: true }), compress({ threshold: 0 }))
app.use(async (c, next) => {
  await next()
  c.res.headers.set('X-Own', 'yes')
  c.res.headers.append('Set-Cookie', 'a=b')
})
app.onError((_error, c) => c.text('teapot', 418))
app.get('/events', c => trial.events(c.req.raw))
app.get('/zipped/events', c => trial.events(c.req.raw))
app.all('*', c => trial.control(c.req.raw))

const fetch = kind === 'hono' ? app.fetch : request => answer(trial, request)
const where = { port: 0, hostname: '127.0.0.1' }
if ('Bun' in globalThis) {
  const server = Bun.serve({ ...where, idleTimeout: Number(idleTimeout), fetch })
  console.log(`http://127.0.0.1:${server.port}`)
} else {
  Deno.serve({ ...where, onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`) }, fetch)
}
