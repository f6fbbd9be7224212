// Publishes, and hears it in every way that there is: RUNTIME runtime-program.mjs URL
import { argv } from 'node:process'
import { connect, publish } from '../../dist/entry/client.js'

const [url = ''] = argv.slice(2)
const count = 30

async function* events() {
  for (let i = 0; i < count; i++) yield { topic: `n/${i % 2}`, data: { i, text: '안녕' } }
}

/** @param {import('../../dist/entry/client.js').TransportName} way */
function hear(way) {
  const connection = connect(`${url}/events`, { topics: ['n/*'], transports: [way] })
  /** @type {Promise<void>} */
  const opened = new Promise(resolve => {
    connection.onState(({ state }) => {
      if (state === 'open') resolve()
    })
  })
  const heard = (async () => {
    const all = []
    for await (const event of connection) {
      all.push(/** @type {any} */ (event.json()).i)
      if (all.length === count) break
    }
    return { way, all, repeats: connection.statistics.repeats, isAtEnd: connection.cursor }
  })()
  return { opened, heard }
}

const ways = /** @type {const} */ (['event-stream', 'long-poll', 'websocket'])
const hearers = ways.filter(way => way !== 'websocket' || 'WebSocket' in globalThis).map(hear)
await Promise.all(hearers.map(({ opened }) => opened))
const published = await publish(`${url}/events`, events())
const heard = await Promise.all(hearers.map(hearer => hearer.heard))
console.log(JSON.stringify({ published, heard }))
