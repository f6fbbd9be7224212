// An application of `Request` and `Response` as test/app/try-application.ts has it, on Bun or Deno: RUNTIME application.mjs plain|hono [IDLE_SECONDS [HEARTBEAT_MS]]
import process from 'node:process'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors } from 'hono/cors'
import { createHub } from 'tidings'

const [kind, idleTimeout = '60', heartbeatMs = '15000'] = process.argv.slice(2)
const hub = createHub({ heartbeatMs: Number(heartbeatMs) })
let left = 0
function topics(request) {
  const user = request.headers.get('x-user')
  if (user === 'mallory') throw new Error('secret')
  return user ? ['news', `user/${user}`] : []
}
const events = hub.fetchHandler({ topics })
const zipped = hub.fetchHandler({ topics, compression: 'gzip' })

/** What the tests ask of the hub. */
async function control(request) {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/publish') {
    return Response.json(
      await hub.publish(searchParams.get('topic'), await request.text(), {
        type: searchParams.get('type') ?? undefined,
      }),
    )
  }
  if (pathname === '/close') return Response.json(await hub.close().then(() => true))
  const { heldBytes } = (await hub.onLog()).status
  return Response.json({ subscribers: hub.subscribers('news'), left, heldBytes })
}

async function plain(request) {
  if (!request.url.includes('/events')) return control(request)
  request.signal.addEventListener('abort', () => left++)
  const response = await (request.url.includes('/zipped') ? zipped : events)(request)
  response.headers.set('Access-Control-Allow-Origin', 'https://app.example')
  response.headers.set('Access-Control-Allow-Credentials', 'true')
  response.headers.set('X-Own', 'yes')
  response.headers.append('Set-Cookie', 'a=b')
  return response
}

const app = new Hono()
app.use(cors({ origin: 'https://app.example', credentials: true }), compress({ threshold: 0 }))
app.use(async (c, next) => {
  c.req.raw.signal.addEventListener('abort', () => left++)
  await next()
  c.res.headers.set('X-Own', 'yes')
  c.res.headers.append('Set-Cookie', 'a=b')
})
app.onError((_error, c) => c.text('teapot', 418))
app.get('/events', c => events(c.req.raw))
app.get('/zipped/events', c => zipped(c.req.raw))
app.all('*', c => control(c.req.raw))

const teapot = () => new Response('teapot', { status: 418 })
const fetch = kind === 'hono' ? app.fetch : request => plain(request).catch(teapot)
const where = { port: 0, hostname: '127.0.0.1' }
if ('Bun' in globalThis) {
  const server = Bun.serve({ ...where, idleTimeout: Number(idleTimeout), fetch })
  console.log(`http://127.0.0.1:${server.port}`)
} else {
  Deno.serve({ ...where, onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`) }, fetch)
}
