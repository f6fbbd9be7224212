import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createHub } from 'tidings'
import { listStocks, openMarket } from './market.js'
import { createSlowReader } from './slow-reader.js'

// Ten seconds of what is said, and always the newest of each stock: that is what `since=latest` begins with.
const retention = [
  { selector: 'stocks', count: 100_000, keepLatest: true },
  { selector: 'figures', count: 10, keepLatest: true },
]
const hub = createHub({ retention })

const app = express()
app.use(express.static(fileURLToPath(new URL('page', import.meta.url))))
app.use('/uplot', express.static(dirname(fileURLToPath(import.meta.resolve('uplot')))))
// The page says how wide its window of conflation is: `?conflate=250`.
app.get('/stocks', hub.handler({ topics: ['stocks'], since: 'latest' }))
app.get('/market', hub.handler({ topics: ['stocks', 'figures'], since: 'latest' }))

const stocks = listStocks(500)
const market = openMarket(stocks, 20, ({ symbol, price, updates }) => {
  hub.publish('stocks', { symbol, price: price.toFixed(2), updates }, { key: symbol, type: 'stock' }).catch(stop)
})
function stop(/** @type {unknown} */ error) {
  market.close()
  console.error('The market is closed.', error)
}
app.post('/market', express.json(), (req, res) => {
  market.isPaused = req.body?.isPaused === true
  sayFigures().then(() => res.status(204).end(), stop)
})

const slow = createSlowReader(() => `http://127.0.0.1:${port()}/stocks?conflate=0`, stocks)
app.post('/slow-reader', (_req, res) => {
  if (slow.reader.state === 'stopped') slow.readOn()
  else if (slow.reader.state !== 'reading on') slow.start()
  res.status(204).end()
})

async function sayFigures() {
  const { counters, status } = await hub.onLog()
  const figures = {
    published: counters.published,
    heldBytes: status.heldBytes,
    isPaused: market.isPaused,
    slowReader: slow.reader,
    time: Date.now(),
  }
  await hub.publish('figures', figures, { type: 'figures' })
}
const figures = setInterval(() => sayFigures().catch(stop), 500)

const server = app.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1', error => {
  if (error) throw error
  console.log('Open http://127.0.0.1:%d', port())
})
const port = () => /** @type {import('node:net').AddressInfo} */ (server.address()).port

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    market.close()
    clearInterval(figures)
    server.close()
    await hub.close()
    process.exit()
  })
}
