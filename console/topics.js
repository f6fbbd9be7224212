// The topics, with what is kept of them, who hears them and how much is said.

import { toCount, toPhrase, toRate } from './amounts.js'
import { announce } from './announce.js'
import { element, make } from './elements.js'
import { matches } from './selector.js'
import { watchTopics } from './topics-source.js'

/** @typedef {import('./topics-source.js').Topic} Topic */
/** @typedef {'topic' | 'rate' | 'subscribers' | 'events'} Column */

const stepRows = 50
const maxRows = 500

/**
 * @param {{ chosen: (topic: string) => void, changed: () => void }} options `chosen`: somebody wants to hear this one.
 */
export function createTopics({ chosen, changed }) {
  const table = element('topics', HTMLTableElement)
  const body = element('topic-rows', HTMLElement)
  const filter = element('topic-filter', HTMLInputElement)
  const more = element('more-topics', HTMLButtonElement)
  const note = element('topics-note', HTMLElement)
  const none = element('no-topics', HTMLElement)
  /** @type {Map<string, ReturnType<typeof makeRow>>} */
  const rows = new Map()
  /** @type {readonly Topic[]} */
  let topics = []
  let isComplete = true
  let shownRows = stepRows
  /** @type {Column} */
  let sorting = 'topic'

  const source = watchTopics({
    beginning: () => filter.value.split('*')[0] ?? '',
    listed(listing) {
      topics = listing.topics
      isComplete = listing.isComplete
      // Nothing moves under a pointer or a focus: until it is gone, only the figures change. A finger leaves `:hover` behind.
      const isPointed = matchMedia('(hover: hover)').matches && body.matches(':hover')
      draw(isPointed || body.querySelector(':focus-visible') !== null)
      changed()
    },
  })

  /** @param {boolean} isHeld */
  function draw(isHeld) {
    const found = topics.filter(({ topic }) => isWanted(topic, filter.value))
    const sorted = found.sort((a, b) => (sorting === 'topic' ? 0 : b[sorting] - a[sorting]))
    const shown = sorted.slice(0, shownRows)
    const busiest = Math.max(1, ...topics.map(({ rate }) => rate))
    const names = new Set(shown.map(({ topic }) => topic))
    const isSame =
      body.childElementCount === shown.length && shown.every(({ topic }, i) => rows.get(topic)?.place === i)
    for (const topic of isHeld ? topics : shown) {
      const row = rows.get(topic.topic) ?? (isHeld ? undefined : makeRow(topic.topic, chosen))
      row?.update(topic, busiest)
      if (row) rows.set(topic.topic, row)
    }
    if (!isSame && (!isHeld || body.childElementCount === 0)) {
      for (const name of rows.keys()) if (!names.has(name)) rows.delete(name)
      body.replaceChildren(...shown.map(({ topic }, i) => rows.get(topic)?.placeAt(i) ?? ''))
    }
    more.hidden = found.length <= shown.length || shownRows >= maxRows
    none.hidden = found.length > 0
    none.textContent = topics.length > 0 ? 'No topic is called so.' : 'No topic yet: one begins with its first event.'
    table.hidden = found.length === 0
    note.textContent = summary(found)
  }

  /** @param {readonly Topic[]} found */
  function summary(found) {
    if (topics.length === 0) return ''
    const rate = found.reduce((sum, topic) => sum + topic.rate, 0)
    const count = toPhrase(found.length, 'topic', 'topics')
    const all = isComplete ? count : `The first ${count} of more; name a beginning to see others`
    return `${all}, ${toRate(rate)} events a second`
  }

  filter.addEventListener('input', () => {
    shownRows = stepRows
    draw(false)
    if (!isComplete) void source.read()
  })
  filter.addEventListener('change', () => announce(note.textContent || none.textContent))
  more.addEventListener('click', () => {
    const first = shownRows
    shownRows += stepRows
    draw(false)
    const next = body.children[first]?.querySelector('button')
    next?.focus()
  })
  for (const head of table.tHead?.rows[0]?.cells ?? []) {
    head.querySelector('button')?.addEventListener('click', () => {
      sorting = /** @type {Column} */ (head.dataset['column'])
      for (const other of table.tHead?.rows[0]?.cells ?? []) other.removeAttribute('aria-sort')
      head.setAttribute('aria-sort', sorting === 'topic' ? 'ascending' : 'descending')
      draw(false)
    })
  }
  return {
    /** Reads them now; resolves when it is known what there was. */
    read: source.read,
    /** By name; those that were looked at. */
    listed: () => ({ topics, isComplete }),
  }
}

/**
 * A part of the name will do; with a `*` it is a selector.
 *
 * @param {string} topic
 * @param {string} wanted
 */
function isWanted(topic, wanted) {
  return wanted.includes('*') ? matches(wanted, topic) : topic.toLowerCase().includes(wanted.toLowerCase())
}

/**
 * @param {string} name
 * @param {(topic: string) => void} chosen
 */
function makeRow(name, chosen) {
  const row = make('tr', '')
  const head = make('th', '')
  head.scope = 'row'
  const button = make('button', 'link')
  button.type = 'button'
  button.append(make('bdi', '', name))
  button.title = 'Show the events of this topic'
  button.addEventListener('click', () => chosen(name))
  const ended = make('span', 'chip', 'ended')
  head.append(button)
  const [rate, subscribers, events] = [make('td', 'rate'), make('td', ''), make('td', '')]
  row.append(head, rate, subscribers, events)
  return {
    place: -1,

    /** @param {number} place */
    placeAt(place) {
      this.place = place
      return row
    },

    /**
     * @param {Topic} topic
     * @param {number} busiest
     */
    update(topic, busiest) {
      set(rate, toRate(topic.rate))
      set(subscribers, toCount(topic.subscribers))
      set(events, toCount(topic.events))
      rate.style.setProperty('--part', String(topic.rate / busiest))
      if (topic.ended) head.append(' ', ended)
    },
  }
}

/**
 * @param {HTMLElement} cell
 * @param {string} text
 */
function set(cell, text) {
  if (cell.textContent === text) return
  cell.textContent = text
  cell.classList.toggle('none', text === '0')
}
