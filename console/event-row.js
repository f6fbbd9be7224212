// One event in the list: a line, and all of it when it is folded out.

import { toBytes, toPhrase } from './amounts.js'
import { make } from './elements.js'

/** @typedef {import('./stream.js').Heard} Heard */

/** Of the line; whatever is longer is cut off by the edge anyway. */
const maxLineChars = 300
/** Of what is folded out: an event may have 256 KiB, which no list should be made to lay out. */
const maxShownChars = 20_000

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/**
 * @param {Heard} event
 * @param {(isOpen: boolean) => void} folded
 */
export function toRow(event, folded) {
  const row = make('li', '')
  const details = make('details', '')
  const summary = make('summary', '')
  // The list is one stop of the Tab key; the arrow keys go from line to line.
  summary.tabIndex = -1
  summary.append(toTime(event.time), toTopic(event), toLine(event.data), make('span', 'size', toSize(event.data)))
  details.append(summary)
  details.addEventListener('toggle', () => {
    if (details.open && details.childElementCount === 1) details.append(toWhole(event))
    folded(details.open)
  })
  row.append(details)
  return row
}

/** @param {number} time */
function toTime(time) {
  const date = new Date(time)
  const isToday = date.toDateString() === new Date().toDateString()
  const element = make('time', '', (isToday ? clock : day).format(date))
  element.dateTime = date.toISOString()
  return element
}

/** @param {Heard} event */
function toTopic({ topic, type, end }) {
  const element = make('span', 'topic')
  element.append(make('bdi', 'name', topic))
  if (type !== undefined) element.append(' ', make('bdi', 'chip', type))
  if (end) element.append(' ', make('span', 'chip', 'the end'))
  return element
}

/** @param {string} data */
function toLine(data) {
  if (data === '') return make('span', 'data none', 'no data')
  // Isolated, so that a text that runs the other way turns nothing around it.
  return make('bdi', 'data', (/[^\s].*/.exec(data.slice(0, 4 * maxLineChars))?.[0] ?? '').slice(0, maxLineChars))
}

/**
 * How much there is that the line cannot show.
 *
 * @param {string} data
 */
function toSize(data) {
  if (data.length > 1000) return toBytes(data.length)
  const lines = data.trimEnd().split(/\r\n|\r|\n/).length
  return lines > 1 ? `${lines} lines` : ''
}

/** @param {Heard} event */
function toWhole(event) {
  const whole = make('div', 'whole')
  const names = make('dl', '')
  const said = {
    topic: event.topic,
    type: event.type,
    key: event.key,
    'event id': event.eventId,
    id: event.id,
    time: new Date(event.time).toISOString(),
  }
  for (const [name, text] of Object.entries(said)) {
    if (text === undefined) continue
    const pair = make('div', '')
    pair.append(make('dt', '', name), make('dd', '', text))
    names.append(pair)
  }
  whole.append(names)
  if (event.data !== '') {
    const data = make('pre', '', event.data.slice(0, maxShownChars))
    data.tabIndex = 0
    data.setAttribute('role', 'region')
    data.setAttribute('aria-label', 'Data')
    whole.append(data)
  }
  const rest = event.data.length - maxShownChars
  if (rest > 0) whole.append(make('p', 'hint', `and ${toPhrase(rest, 'character', 'characters')} more`))
  return whole
}
