// An event to the bytes of its frame. Beside it the least that could be done: a template, which knows one kind of line end, and checks nothing.
import { eventStreamEncoding } from '../../dist/http/sinks/event-stream.js'
import { compare } from './measure.mjs'

const encoding = eventStreamEncoding({ showsTopic: false, isEnvelope: false })
const json = JSON.stringify({
  symbol: 'AAPL',
  bids: Array.from({ length: 80 }, (_, at) => [187.2 - at / 100, at * 10]),
})
const shapes = {
  '100 bytes': 'x'.repeat(100),
  '2 kB of JSON': json,
  '100 lines': Array.from({ length: 100 }, (_, at) => `line ${at} of a log`).join('\n'),
  '100 characters of Korean': '가'.repeat(100),
}

for (const [name, data] of Object.entries(shapes)) {
  const event = { offset: 1042, time: 0, topic: 'stocks/AAPL', data, type: 'trade', key: '', eventId: '', end: false }
  const id = 'k3x9-1042'
  await compare(`encode ${name}`, [
    { name: 'the hub', run: () => encoding.event(event, id) },
    { name: 'a template, unchecked', run: () => Buffer.from(template(id, event.type, data)) },
  ])
}

/** @param {string} id @param {string} type @param {string} data */
function template(id, type, data) {
  return `id: ${id}\nevent: ${type}\ndata: ${data.split('\n').join('\ndata: ')}\n\n`
}
