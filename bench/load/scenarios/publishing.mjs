import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { disturbance, measure, warmUp } from '../measure.mjs'
import { busyMs, start } from '../processes.mjs'
import { toRecord, withServer } from './scenario.mjs'

const bareLmdb = fileURLToPath(new URL('../bare-lmdb.mjs', import.meta.url))
const hubs = new Set(['hub', 'hub-lmdb'])

/** The ways of publishing: of one event, of an array, of lines. */
const forms = [
  { name: '16 × single POSTs', settings: { form: 'raw' }, lanes: 16 },
  { name: 'arrays of 100', settings: { form: 'array', batch: 100 }, lanes: 4 },
  { name: 'NDJSON, 20000 lines a request', settings: { form: 'lines', batch: 20_000 }, lanes: 1 },
]

/** @type {import('./scenario.mjs').Scenario} */
export const publishing = {
  title: 'Publishing',
  about:
    'Events of 100 bytes that nobody hears, over connections that are kept. The bare loop puts the same bytes into LMDB, ' +
    'a thousand a commit, each commit flushed to the disk before the next.',
  servers: ['echo', 'hub', 'hub-lmdb', 'nchan', 'bare-lmdb'],
  rounds: 2,
  async round(name, place) {
    const seconds = place.sizes.flowSeconds / 2
    if (name === 'bare-lmdb') return [await bare(place, seconds)]
    const records = []
    for (const { name: what, settings, lanes } of forms) {
      if (settings.form !== 'raw' && !hubs.has(name)) continue
      records.push(
        await withServer(name, place, async (server, generator) => {
          const path = settings.form === 'raw' ? server.publish('bench') : '/events'
          await generator.topic(0, { path, ...settings })
          await warmUp(server, () => generator.publish({ topic: 0, seconds: seconds * 0.7, lanes, stall: 20 }))
          const measured = await measure(server, () => generator.publish({ topic: 0, seconds, lanes, stall: 20 }))
          return toRecord(what, measured)
        }),
      )
    }
    return records
  },
}

/**
 * @param {import('./scenario.mjs').Place} place
 * @param {number} seconds
 * @returns {Promise<import('./scenario.mjs').Record_>}
 */
async function bare({ serverCore }, seconds) {
  const before = busyMs()
  const { child, errors, end } = start([process.execPath, bareLmdb, String(seconds)], { core: serverCore })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', piece => {
    text += piece
  })
  const [code] = await once(child, 'close')
  await end()
  if (code !== 0) throw new Error(`bare-lmdb.mjs failed.\n${errors()}`)
  const { publishesPerSecond, cpuPerPublishUs, cpuMs, wallMs } = JSON.parse(text)
  const others = Math.max(0, busyMs() - before - cpuMs) / wallMs
  return {
    case: 'a bare loop of puts',
    values: { publishesPerSecond, cpuPerPublishUs },
    wrong: [],
    void: [],
    untimed: disturbance(others),
  }
}
