// What the demo feeds say: the time of day, and the figures of the machine, drawn as plots.

import { toBytes } from './amounts.js'
import { element } from './elements.js'
import { createPlot } from './plot.js'

/** @typedef {import('./stream.js').Heard} Heard */

const clockTopic = 'clock'
/** What the feed says there; anybody else may say something, too. */
const timeOfDay = /^\d\d:\d\d:\d\d$/

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
    note: ({ availableBytes = 0 }) => `${toBytes(availableBytes)} available`,
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
    value: ({ receivedBytesPerSecond = 0 }) => `\u2193 ${toBytes(receivedBytesPerSecond)}/s`,
    note: ({ sentBytesPerSecond = 0 }) => `\u2191 ${toBytes(sentBytesPerSecond)}/s`,
  }),
]

/** Where the feeds say it. */
export const feedTopics = [clockTopic, ...plots.map(({ topic }) => topic)]

/** Takes what the feeds say, and shows itself when they say something. */
export function createFeeds() {
  const section = element('feeds', HTMLElement)
  const clock = element('clock', HTMLElement)
  let time = ''
  element('plots', HTMLElement).append(...plots.map(plot => plot.element))
  return {
    isShown: () => !section.hidden,

    /**
     * Whether the event is drawn here, and need not stand elsewhere.
     *
     * @param {Heard} event
     */
    add({ topic, time: at, data }) {
      if (topic === clockTopic && timeOfDay.test(data)) {
        time = data
        return true
      }
      const plot = plots.find(candidate => candidate.topic === topic)
      const figures = plot && toFigures(data)
      if (!figures) return false
      plot.add(at, figures)
      return true
    },

    draw() {
      if (time !== '') clock.textContent = time
      const isFed = plots.map(plot => plot.draw()).includes(true)
      if (isFed || time !== '') section.hidden = false
    },
  }
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
