// What gzip makes of events, and what that costs: the blocks of the hub, for an event that goes out alone and for 16 in one write, beside a
// context kept for each connection (`createGzip`, a sync flush behind each event), as middleware does it. Bytes are those of a connection; the time
// is that of one event, however many connections share the hub's; a context is one for each of them, on a thread of Node's.
// Usage: node bench/micro/gzip.mjs, of the built hub (`npm run build` first).
import { once } from 'node:events'
import { constants, createGzip } from 'node:zlib'
import { eventStreamEncoding } from '../../dist/http/sinks/event-stream.js'
import { toBlocks } from '../../dist/http/sinks/gzip.js'
import { kinds } from '../gzip/events.mjs'
import { median, say } from './measure.mjs'

const count = 2_048
const rounds = 7
const encoding = eventStreamEncoding({ showsTopic: false, isEnvelope: false })

say(
  `${'data of an event'.padEnd(20)}${'as it is'.padStart(10)}${'alone'.padStart(20)}${'16 in a write'.padStart(20)}${'a context each'.padStart(20)}`,
)
for (const [size, toData] of Object.entries(kinds)) {
  const dataOf = toData(1)
  const frames = Array.from({ length: count }, (_, n) =>
    encoding.event(
      { offset: n, time: 0, topic: 'news', data: dataOf(n), type: 'change', key: '', eventId: '', end: false },
      `k3x9-${1_000_000 + n}`,
    ),
  )
  const batches = Array.from({ length: count / 16 }, (_, i) => Buffer.concat(frames.slice(i * 16, i * 16 + 16)))
  const alone = await measure(frames)
  const together = await measure(batches)
  const context = await measureContext(frames)
  const bytes = frames.reduce((sum, { length }) => sum + length, 0)
  const show = (/** @type {{ bytes: number, us: number }} */ one) =>
    `${Math.round(one.bytes / count)} B ${one.us.toFixed(1).padStart(5)} µs`.padStart(20)
  say(
    `${`${size} bytes`.padEnd(20)}${`${Math.round(bytes / count)} B`.padStart(10)}${show(alone)}${show(together)}${show(context)}`,
  )
}

/** @param {readonly Uint8Array[]} writes */
async function measure(writes) {
  const times = []
  let bytes = 0
  for (let round = 0; round < rounds; round++) {
    bytes = 0
    let us = 0
    for (const [i, write] of writes.entries()) {
      const begin = performance.now()
      bytes += toBlocks(write).length
      us += (performance.now() - begin) * 1_000
      // What a turn of the loop compresses is bounded.
      if (i % 16 === 0) await new Promise(setImmediate)
    }
    times.push(us / count)
  }
  return { bytes, us: median(times) }
}

/** @param {readonly Uint8Array[]} writes */
async function measureContext(writes) {
  const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
  let bytes = 0
  gzip.on('data', (/** @type {Buffer} */ part) => {
    bytes += part.length
  })
  const before = process.cpuUsage()
  for (const write of writes) {
    gzip.write(write)
    await new Promise(resolve => gzip.flush(constants.Z_SYNC_FLUSH, () => resolve(undefined)))
  }
  const { user, system } = process.cpuUsage(before)
  gzip.end()
  await once(gzip, 'end')
  return { bytes, us: (user + system) / count }
}
