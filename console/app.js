import { createNewest } from './newest.js'
import { createPlot } from './plot.js'
import { listen } from './stream.js'

/** After so long without any, nobody feeds the clock and the figures. */
const feedsMs = 12_000

const topics = ['clock', 'host/**', 'news']

const states = {
  connecting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting\u2026',
  refused: 'the hub refuses, trying again\u2026',
}

const plots = [
  createPlot({
    topic: 'host/cpu',
    title: 'Processor',
    values: ({ percent = 0 }) => [percent],
    top: () => 100,
    value: ({ percent = 0 }) => `${percent.toFixed(0)} %`,
    note: () => 'busy, all cores',
  }),
  createPlot({
    topic: 'host/memory',
    title: 'Memory',
    values: ({ percent = 0 }) => [percent],
    top: () => 100,
    value: ({ percent = 0 }) => `${percent.toFixed(0)} %`,
    note: ({ availableBytes = 0 }) => `${bytes(availableBytes)} available`,
  }),
  createPlot({
    topic: 'host/load',
    title: 'Load',
    values: ({ one = 0 }) => [one],
    top: (highest, { cores = 1 }) => Math.max(cores, highest),
    value: ({ one = 0 }) => one.toFixed(2),
    note: ({ cores = 1 }) => `on ${cores} ${cores === 1 ? 'core' : 'cores'}`,
  }),
  createPlot({
    topic: 'host/network',
    title: 'Network',
    values: ({ receivedBytesPerSecond = 0, sentBytesPerSecond = 0 }) => [receivedBytesPerSecond, sentBytesPerSecond],
    top: highest => Math.max(1_000, highest),
    value: ({ receivedBytesPerSecond = 0 }) => `\u2193 ${bytes(receivedBytesPerSecond)}/s`,
    note: ({ sentBytesPerSecond = 0 }) => `\u2191 ${bytes(sentBytesPerSecond)}/s`,
  }),
]

const state = element('state', HTMLElement)
const clock = element('clock', HTMLElement)
const nothing = element('nothing', HTMLElement)
const list = element('newest', HTMLElement)
const newest = createNewest(list, {
  pause: element('pause', HTMLButtonElement),
  figures: element('figures', HTMLButtonElement),
})

let isDrawn = true
let isFed = false

listen(topics, {
  heard(event) {
    newest.add(event)
    if (event.topic === 'clock') clock.textContent = event.data
    isFed ||= event.topic !== 'news'
    const plot = plots.find(({ topic }) => topic === event.topic)
    const figures = plot && toFigures(event.data)
    if (figures) plot.add(event.time, figures)
    // However many events come between two frames, and in a tab that nobody sees: drawn once.
    if (isDrawn) requestAnimationFrame(draw)
    isDrawn = false
  },
  gap() {
    newest.add({
      topic: '$gap',
      time: Date.now(),
      data: 'Events before this may be missing: the hub no longer has them.',
    })
  },
  state(now) {
    state.dataset['state'] = now
    state.textContent = states[now]
  },
})
element('plots', HTMLElement).prepend(...plots.map(plot => plot.element))
element('lines', HTMLElement).append(
  line(`curl -N ${location.origin}/events/news`),
  line(`curl -d 'Hello' ${location.origin}/events/news`),
)
setTimeout(() => {
  element('unfed', HTMLElement).hidden = isFed
}, feedsMs)

function draw() {
  isDrawn = true
  newest.draw()
  nothing.hidden = list.childElementCount > 0
  for (const plot of plots) plot.draw()
}

/**
 * The members of a JSON object that are numbers; nothing if the data are no such object: anybody may publish there.
 *
 * @param {string} data
 * @returns {Record<string, number> | undefined}
 */
function toFigures(data) {
  try {
    const object = JSON.parse(data)
    if (typeof object !== 'object' || object === null) return undefined
    return Object.fromEntries(Object.entries(object).filter(([, figure]) => Number.isFinite(figure)))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** @param {number} count */
function bytes(count) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  let rest = count
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${rest.toFixed(rest < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`
}

/**
 * A command with a button that copies it.
 *
 * @param {string} command
 */
function line(command) {
  const row = document.createElement('div')
  row.className = 'line'
  const pre = document.createElement('pre')
  pre.tabIndex = 0
  const code = document.createElement('code')
  code.textContent = command
  pre.append(code)
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Copy'
  button.setAttribute('aria-label', `Copy: ${command}`)
  button.addEventListener('click', async () => {
    // There is no clipboard on pages from other machines over plain HTTP; then the command is selected instead.
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(command)
      button.textContent = 'Copied'
    } else {
      getSelection()?.selectAllChildren(code)
    }
  })
  row.append(pre, button)
  return row
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {{ new (): T }} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}`)
  return found
}
