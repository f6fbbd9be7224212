import { hear } from '../hear.mjs'
import { peers } from '../peers.mjs'
import { untilReaders, withPeer } from './row.mjs'

const text = 'first\n\n  third\r\nfourth\rfifth\n'

/** @type {import('./row.mjs').Row} */
export const multiLine = {
  title: 'Text of several lines',
  about:
    'A text with LF, CR, CRLF, an empty line and a line end at its end, said in the way that the library has by itself. Where that is JSON, the page parses it and has the text as it was; where it is the text, the page has its lines, parted by LF.',
  async try(name) {
    return withPeer(name, async running => {
      const reader = await hear(running.port, '/events')
      await untilReaders(running, '/events', 1)
      await running.say('/events', text)
      await reader.until(({ events }) => events.length > 0)
      const [event] = reader.events
      const heard = peers[name]?.isJson ? JSON.parse(event?.data ?? 'null') : event?.data
      if (heard === text) return { verdict: 'holds', says: 'as it was (JSON)' }
      const isLines = heard === text.split(/\r\n|\r|\n/).join('\n')
      return isLines ? { verdict: 'holds', says: 'its lines' } : { verdict: 'breaks', says: '**mangled**' }
    })
  },
}
