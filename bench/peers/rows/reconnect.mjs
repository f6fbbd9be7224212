import { hear } from '../hear.mjs'
import { peers } from '../peers.mjs'
import { untilReaders, withPeer } from './row.mjs'

const path = '/events'
const said = ['one', 'two', 'three', 'four']

/** @type {import('./row.mjs').Row} */
export const reconnect = {
  title: 'Coming back',
  about:
    'A reader hears an event, is cut off, misses two, and comes back with `Last-Event-ID`, as browsers do. It must hear the two, and the next one, each once and in order. Where the documentation leaves it to the application to keep events, its own code for that is used.',
  async try(name) {
    return withPeer(name, async running => {
      const peer = peers[name]
      // Elsewhere the publisher gives the id; here it is a position in the log.
      const say = (/** @type {number} */ at) =>
        running.say(path, said[at] ?? '', peer?.history === 'kept' ? {} : { id: `n${at}` })
      const first = await hear(running.port, path)
      await untilReaders(running, path, 1)
      await say(0)
      await first.until(({ events }) => events.length > 0)
      const cursor = first.events[0]?.id ?? ''
      first.leave()
      await untilReaders(running, path, 0)
      await say(1)
      await say(2)
      const second = await hear(running.port, path, { 'Last-Event-ID': cursor })
      await untilReaders(running, path, 1)
      await say(3)
      await second.until(({ events }) => events.some(({ data }) => data.includes('four')))
      const heard = second.events.map(({ data }) => (peer?.isJson ? JSON.parse(data) : data))
      const isAll = heard.join() === said.slice(1).join()
      if (isAll)
        return {
          verdict: 'holds',
          says: peer?.history === 'kept' ? 'hears both' : 'hears both, kept by the application',
        }
      return { verdict: peer?.history === 'none' ? 'not claimed' : 'breaks', says: 'keeps no events' }
    })
  },
}

/** @type {import('./row.mjs').Row} */
export const unknownCursor = {
  title: 'Coming back too late',
  about:
    'A reader comes back with an id that the server does not know any more. It must be told that something may be missing, since it cannot know by itself.',
  async try(name) {
    return withPeer(name, async running => {
      const peer = peers[name]
      const names = peer?.history === 'kept' ? {} : { id: 'n1' }
      await running.say(path, 'kept', names)
      const reader = await hear(running.port, path, { 'Last-Event-ID': 'of-another-time' })
      await untilReaders(running, path, 1)
      await running.say(path, 'next')
      await reader.until(({ events }) => events.some(({ data }) => data.includes('next')))
      if (reader.all.some(({ type }) => type === '$gap')) return { verdict: 'holds', says: 'is told' }
      if (peer?.history === 'none') return { verdict: 'not claimed', says: 'keeps no events' }
      const isAll = reader.events.some(({ data }) => data.includes('kept'))
      return { verdict: 'not claimed', says: isAll ? 'hears all again, not told' : 'is not told' }
    })
  },
}
