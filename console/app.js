// Puts the page together: one stream of events, the topics beside it, a form, and lines to paste.

import { announce } from './announce.js'
import { element, makeToggle } from './elements.js'
import { createEventFilter } from './event-filter.js'
import { createEvents, maxRows } from './events.js'
import { createFeeds, feedTopics } from './feeds.js'
import { createFrame } from './frame.js'
import { ifAnswered, Refused, readNewest, readSince } from './history.js'
import { showLines } from './lines.js'
import { isCut } from './problem.js'
import { enablePublishing } from './publish.js'
import { matches } from './selector.js'
import { createStream } from './stream.js'
import { createTopics } from './topics.js'

/** @typedef {import('./stream.js').Heard} Heard */

const everything = '**'
/** How far back the plots go. */
const plotReach = '5m'
/** What a request may name: so many topics, and so long an address. */
const maxNamed = 100
const maxNamedChars = 4000

const states = {
  connecting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting\u2026',
  refused: 'refused, trying again\u2026',
}

const state = element('state', HTMLElement)
const stateDetail = element('state-detail', HTMLElement)
const feedsButton = element('feeds-too', HTMLButtonElement)
const feeds = createFeeds()
const events = createEvents()
const feedsToo = makeToggle(feedsButton, () => void showNewest())
const filter = createEventFilter(() => void showNewest())
const topics = createTopics({
  chosen(topic) {
    filter.set(topic)
    announce(`Showing the events of ${topic}`)
    element('events-title', HTMLElement).scrollIntoView({ block: 'nearest' })
  },
  changed: drawNothing,
})
const ask = createFrame(() => {
  feeds.draw()
  feedsButton.hidden = !feeds.isShown() || filter.selector() !== ''
  events.draw()
  drawNothing()
})
/** How often the list was begun anew: what an earlier one found comes too late. */
let turns = 0
const stream = createStream({
  heard,
  gap: () =>
    events.add({ topic: '$gap', time: Date.now(), data: 'Events may be missing here: the hub no longer has them.' }),
  state(now, detail = '') {
    state.dataset['state'] = now
    if (state.textContent !== states[now]) state.textContent = states[now]
    stateDetail.textContent = detail
    // By now this page is one of the subscribers.
    if (now === 'live' && document.visibilityState === 'visible') void topics.read()
  },
})

element('address', HTMLElement).textContent = location.host
showLines()
enablePublishing()
await begin()

async function begin() {
  const drawn = await ifAnswered(readSince(feedTopics, plotReach))
  for (const event of drawn?.events ?? []) feeds.add(event)
  events.begin((await ifAnswered(newest())) ?? [])
  ask()
  stream.listen(selectors(), drawn?.isComplete ? drawn.cursor : '')
}

/** The list anew, after what it is about has changed. */
async function showNewest() {
  const turn = ++turns
  // What is said while the newest are read comes again, and is known then.
  const from = stream.cursor()
  try {
    const found = await newest()
    if (turn !== turns) return
    filter.refuse('')
    events.begin(found)
    stream.listen(selectors(), from)
    drawNothing()
  } catch (error) {
    if (error instanceof Refused) {
      if (turn === turns) filter.refuse(error.message)
    } else if (!isCut(error)) throw error
  }
}

/** @param {Heard} event */
function heard(event) {
  const isDrawn = feeds.add(event)
  const selector = filter.selector()
  if (selector === '' ? !isDrawn || feedsToo.isPressed() : matches(selector, event.topic)) events.add(event)
  ask()
}

/** What the stream brings: what the list is about, and what the feeds say in any case. */
function selectors() {
  const selector = filter.selector()
  return selector === '' ? [everything] : [...feedTopics, selector]
}

/**
 * What the list is begun with. The feeds speak by the second and are drawn anyway; among the newest events they would push out what
 * people say, so the other topics are asked for by name, if they are few.
 */
async function newest() {
  const selector = filter.selector()
  if (selector !== '') return readNewest([selector], maxRows)
  if (feedsToo.isPressed()) return readNewest([everything], maxRows)
  await topics.read()
  const named = otherTopics()
  if (named.length === 0 && topics.listed().isComplete) return []
  const isShort = named.length <= maxNamed && encodeURIComponent(named.join()).length <= maxNamedChars
  return readNewest(topics.listed().isComplete && isShort ? named : [everything], maxRows)
}

/** Where others than the feeds have said something. */
function otherTopics() {
  return topics.listed().topics.flatMap(({ topic }) => (feedTopics.includes(topic) ? [] : topic))
}

/** What stands where there is no event: how to begin, or that it is quiet. */
function drawNothing() {
  const isNew = otherTopics().length === 0 && filter.selector() === '' && !feedsToo.isPressed()
  element('empty', HTMLElement).hidden = !isNew
  element('quiet', HTMLElement).hidden = isNew
}
