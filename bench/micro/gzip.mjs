// What gzip makes of events, and what that costs: the blocks of the hub, for an event that goes out alone, for one behind the last 8 KiB that its
// readers were given (of up to 64 turns, as the hub has it), and for 16 in one write, beside a context kept for each connection (`createGzip`, a sync flush behind each event), as middleware does it. Bytes are those of a connection; the time
// is that of one event, however many connections share the hub's; a context is one for each of them, on a thread of Node's.
// Usage: node bench/micro/gzip.mjs, of the built hub (`npm run build` first).
import { once } from 'node:events'
import { constants, createGzip } from 'node:zlib'
import { eventStreamEncoding } from '../../dist/http/sinks/event-stream.js'
import { toBlocks, toBlocksAfter } from '../../dist/http/sinks/gzip.js'
import { kinds } from '../gzip/events.mjs'
import { median, say } from './measure.mjs'

const count = 2_048
const rounds = 7
const encoding = eventStreamEncoding({ showsTopic: false, isEnvelope: false })

say(
  `${'data of an event'.padEnd(20)}${'as it is'.padStart(10)}${'alone'.padStart(20)}${'behind others'.padStart(20)}${'16 in a write'.padStart(20)}${'a context each'.padStart(20)}`,
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
  const behind = await measure(frames, toFollowing())
  const together = await measure(batches)
  const context = await measureContext(frames)
  const bytes = frames.reduce((sum, { length }) => sum + length, 0)
  const show = (/** @type {{ bytes: number, us: number }} */ one) =>
    `${Math.round(one.bytes / count)} B ${one.us.toFixed(1).padStart(5)} µs`.padStart(20)
  say(
    `${`${size} bytes`.padEnd(20)}${`${Math.round(bytes / count)} B`.padStart(10)}${show(alone)}${show(behind)}${show(together)}${show(context)}`,
  )
}

/** Packs one after the other, each behind what the ones before left. */
function toFollowing() {
  let past = Buffer.alloc(0)
  let turn = 0
  return (/** @type {Uint8Array} */ frames) => {
    const blocks = (turn++ % 64 > 0 && toBlocksAfter(past, frames)) || toBlocks(frames)
    past = Buffer.concat(turn % 64 === 1 ? [frames] : [past, frames]).subarray(-8192)
    return blocks
  }
}

/** @param {readonly Uint8Array[]} writes @param {(write: Uint8Array) => Uint8Array} pack */
async function measure(writes, pack = toBlocks) {
  const times = []
  let bytes = 0
  for (let round = 0; round < rounds; round++) {
    bytes = 0
    for (const [i, write] of writes.entries()) {
      const begin = performance.now()
      bytes += pack(write).length
      times.push(performance.now() - begin)
      // What a turn of the loop compresses is bounded.
      if (i % 16 === 0) await new Promise(setImmediate)
    }
  }
  // The median of the calls: on a busy machine some of them are interrupted.
  return { bytes, us: (median(times) * 1_000 * writes.length) / count }
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
