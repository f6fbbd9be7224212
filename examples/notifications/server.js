import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createHub } from 'tidings'
import { openLmdbLog } from 'tidings/lmdb'
import { createSessions } from './sessions.js'

const directory = process.env['LOG'] ?? '.tidings'
// The first rule that selects a topic is the only one for it, so however much the ticker says, it pushes nobody's notification out.
const retention = [
  { selector: 'inbox/*', ageMs: 30 * 24 * 60 * 60_000, bytes: 256 * 1024 * 1024 },
  { selector: 'ticker', count: 1_000 },
]
/** @type {import('tidings').Hub<{ 'inbox/*': { from: string, text: string } | { ids: string[] }, ticker: { tick: number } }>} */
const hub = createHub({ log: () => openLmdbLog(join(directory, 'log'), { retention }) })

const users = ['ann', 'ben']
const { userOf, cookieOf } = createSessions(join(directory, 'key'), users)
const isText = (/** @type {unknown} */ value) => typeof value === 'string' && value.trim() !== '' && value.length <= 500

const app = express()
app.use(express.static(fileURLToPath(new URL('page', import.meta.url))))
app.use(express.json())
app.get('/session', (req, res) => void res.json({ user: userOf(req) }))
const signedOut = new EventEmitter().setMaxListeners(0)
app.post('/session', (req, res) => {
  const before = userOf(req)
  const user = users.includes(req.body?.user) ? req.body.user : ''
  if (before && before !== user) res.once('close', () => signedOut.emit(before))
  res.set('Set-Cookie', cookieOf(user)).json({ user })
})

// Everybody hears his own inbox, a new device all of it; a list without topics is answered 403.
app.get(
  '/inbox/:user',
  (req, res, next) => {
    // A stream outlives the session that it began with. So it is cut: who is signed in on another device comes back by himself.
    const cut = () => res.destroy()
    signedOut.on(req.params.user, cut)
    res.once('close', () => signedOut.off(req.params.user, cut))
    next()
  },
  hub.handler({
    topics: req => (userOf(req) === req.params.user ? [`inbox/${req.params.user}`] : []),
    since: 'earliest',
  }),
)
app.get('/ticker', hub.handler({ topics: ['ticker'], since: 'latest', conflateMs: 1_000 }))

// What was read is said in the inbox too, so all devices of a user hear it.
app.post('/inbox/:user/read', async (req, res) => {
  const { ids } = req.body ?? {}
  if (userOf(req) !== req.params.user) return void res.status(403).end()
  if (!Array.isArray(ids) || ids.length === 0 || !ids.every(isText)) return void res.status(400).end()
  await hub.publish(`inbox/${req.params.user}`, { ids }, { type: 'read' })
  res.status(204).end()
})

app.post('/notices', async (req, res) => {
  const { to, text } = req.body ?? {}
  const from = userOf(req)
  if (!from) return void res.status(403).end()
  if (!users.includes(to) || !isText(text)) return void res.status(400).end()
  await hub.publish(`inbox/${to}`, { from, text }, { type: 'notice' })
  res.status(204).end()
})

// A thousand events a second beside it.
let tick = 0
const ticker = setInterval(() => {
  for (let i = 0; i < 50; i++) hub.publish('ticker', { tick: ++tick }).catch(stop)
}, 50)
function stop(/** @type {unknown} */ error) {
  clearInterval(ticker)
  console.error('The ticker has stopped.', error)
}

const server = app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', error => {
  if (error) throw error
  console.log('Open http://127.0.0.1:%d', /** @type {import('node:net').AddressInfo} */ (server.address()).port)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    clearInterval(ticker)
    server.close()
    await hub.close()
    process.exit()
  })
}
