import { createPlot } from './plot.js'

/** @typedef {import('../slow-reader.js').SlowReader} SlowReader */

/**
 * A stock as it was heard last, and its row, which is painted later.
 *
 * @typedef {object} Stock
 * @property {string} price
 * @property {number} updates
 * @property {HTMLTableRowElement} row
 * @property {number} place
 * @property {boolean} isPainted
 * @property {number} direction
 * @property {[times: number[], prices: number[]]} points The last minute.
 */

const state = element('state')
const rows = element('rows')
const scroller = element('scroller')
const conflate = /** @type {HTMLSelectElement} */ (element('conflate'))
const symbol = /** @type {HTMLSelectElement} */ (element('symbol'))
const pause = element('pause')
const slowState = element('slow-state')

// It scrolls, so the keyboard has to reach it.
scroller.tabIndex = 0

/** @type {Map<string, Stock>} */
const stocks = new Map()
const plot = createPlot(element('plot'))
let isPaused = false

/** @type {EventSource | undefined} */
let source
let received = 0
/** What was received, and what the hub had published, when this window of conflation was chosen; and at the figures before these. */
let first = { published: Number.NaN, received: 0, time: 0 }
let before = first

function listen() {
  source?.close()
  received = 0
  first = before = { published: Number.NaN, received: 0, time: 0 }
  for (const id of ['published', 'received', 'all-published', 'all-received']) element(id).textContent = '0'
  source = new EventSource(conflate.value === '' ? '/market' : `/market?conflate=${conflate.value}`)
  source.onopen = () => show('live')
  source.onerror = () => show(source?.readyState === EventSource.CLOSED ? 'refused' : 'connecting')
  source.addEventListener('stock', ({ data }) => {
    received++
    hear(JSON.parse(data))
  })
  source.addEventListener('figures', ({ data }) => tell(JSON.parse(data)))
}

/** @param {{ symbol: string, price: string, updates: number }} said */
function hear({ symbol: name, price, updates }) {
  const stock = stocks.get(name) ?? add(name)
  stock.direction = Math.sign(Number(price) - Number(stock.price))
  stock.price = price
  stock.updates = updates
  stock.isPainted = false
  const [times, prices] = stock.points
  const now = Date.now() / 1_000
  times.push(now)
  prices.push(Number(price))
  if ((times[0] ?? now) < now - 90) {
    const old = times.findIndex(time => time > now - 60)
    times.splice(0, old)
    prices.splice(0, old)
  }
}

/** @param {string} name */
function add(name) {
  const row = document.createElement('tr')
  row.append(document.createElement('th'), document.createElement('td'), document.createElement('td'))
  row.cells[0]?.setAttribute('scope', 'row')
  row.cells[0]?.append(name)
  row.addEventListener('click', () => choose(name))
  /** @type {Stock} */
  const stock = { price: '', updates: 0, row, place: 0, isPainted: false, direction: 0, points: [[], []] }
  stocks.set(name, stock)
  isSorted = false
  return stock
}

let isSorted = true
function sort() {
  isSorted = true
  const names = [...stocks.keys()].sort()
  symbol.replaceChildren(...names.map(name => new Option(name)))
  for (const [place, name] of names.entries()) {
    const stock = stocks.get(name)
    if (!stock) continue
    stock.place = place
    rows.append(stock.row)
  }
  element('count').textContent = String(names.length)
  choose(chosen || (names[0] ?? ''))
}

/** The stock of the plot. */
let chosen = ''
/** @param {string} name */
function choose(name) {
  stocks.get(chosen)?.row.classList.remove('chosen')
  chosen = symbol.value = name
  stocks.get(name)?.row.classList.add('chosen')
}

// What is in sight is painted with each frame, the rest once a second: the browser may be as slow as it likes.
let allPaintedMs = 0
/** @param {number} nowMs */
function paint(nowMs) {
  if (!isSorted) sort()
  const height = rows.firstElementChild?.clientHeight ?? 1
  const top = scroller.scrollTop / height - 2
  const bottom = top + scroller.clientHeight / height + 3
  const isAll = nowMs - allPaintedMs > 1_000
  if (isAll) allPaintedMs = nowMs
  for (const stock of stocks.values()) {
    if (stock.isPainted || !(isAll || (stock.place >= top && stock.place <= bottom))) continue
    const [, price, updates] = stock.row.cells
    if (!price || !updates) continue
    price.textContent = `${['▼', '', '▲'][stock.direction + 1]} ${stock.price}`
    price.className = ['down', '', 'up'][stock.direction + 1] ?? ''
    updates.textContent = stock.updates.toLocaleString('en')
    stock.isPainted = true
  }
  const plotted = stocks.get(chosen)
  if (plotted) plot.draw(plotted.points)
  requestAnimationFrame(paint)
}

/** @param {{ published: number, heldBytes: number, isPaused: boolean, slowReader: SlowReader, time: number }} figures */
function tell({ published, heldBytes, time, ...said }) {
  const number = (/** @type {number} */ value) => Math.round(value).toLocaleString('en')
  const now = { published, received, time }
  if (Number.isNaN(first.published)) first = before = now
  const seconds = (time - before.time) / 1_000
  if (seconds > 0.9) {
    element('published').textContent = number((published - before.published) / seconds)
    element('received').textContent = number((received - before.received) / seconds)
    before = now
  }
  element('all-published').textContent = number(published - first.published)
  element('all-received').textContent = number(received - first.received)
  element('lag').textContent = `${number(Math.max(0, Date.now() - time))} ms`
  element('held').textContent = `${number(heldBytes / 1_000)} kB`
  isPaused = said.isPaused
  pause.textContent = isPaused ? 'Let it go on' : 'Pause the market'
  show(isPaused ? 'paused' : 'live')
  const { state: slow, given, spared } = said.slowReader
  const isStopped = slow === 'stopped' || slow === 'reading on'
  element('slow').textContent = isStopped ? 'Let it read on' : 'Start a reader that stops reading'
  const words = {
    none: '',
    stopped: 'It reads nothing.',
    'reading on': 'It reads on.',
    'at the newest': `It is at the newest: given ${number(given)} updates, spared ${number(spared)}.`,
    'cut off': 'It was cut off, as is who takes nothing for a minute. With its cursor it could come back.',
  }[slow]
  if (slowState.textContent !== words) slowState.textContent = words
}

pause.addEventListener('click', () => post('/market', { isPaused: !isPaused }))
conflate.addEventListener('change', listen)
symbol.addEventListener('change', () => {
  choose(symbol.value)
  stocks.get(chosen)?.row.scrollIntoView({ block: 'nearest' })
})

element('slow').addEventListener('click', () => post('/slow-reader', {}))

/**
 * @param {string} address
 * @param {object} body
 */
async function post(address, body) {
  try {
    const headers = { 'Content-Type': 'application/json' }
    await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) })
  } catch {
    show('connecting')
  }
}

/** @param {string} word */
function show(word) {
  if (state.textContent !== word) state.textContent = word
  state.dataset['state'] = word
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`The page has no #${id}.`)
  return found
}

listen()
requestAnimationFrame(paint)
