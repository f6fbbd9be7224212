// What the LMDB log costs: appends (one in flight, 64 in flight, batches of 1000), finding a cursor in a log of a million events,
// replaying one topic of many, opening it again. Method: the built log, on the disk that TMPDIR is on, events of 100 bytes, medians; one run after
// another, so figures of one run compare with each other only. Usage: node bench/micro/lmdb.mjs [EVENTS] [commit|async]
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbLog } from '../../dist/log/lmdb/open.js'
import { parseSelector } from '../../dist/wire/selector.js'

const total = Number(process.argv[2] ?? 1_000_000)
const durability = process.argv[3] === 'async' ? 'async' : 'commit'
const topics = 1_000
const data = 'x'.repeat(100)
const directory = mkdtempSync(join(tmpdir(), 'tidings-bench-'))
const log = await openLmdbLog(directory, { durability })
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

let made = 0
const event = () => ({ topic: `sensors/${made++ % topics}`, data })

/** @param {readonly number[]} values */
const median = values => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/** @param {string} name @param {string} figure */
const say = (name, figure) => process.stdout.write(`${name.padEnd(44)} ${figure}\n`)

async function batches() {
  const times = []
  const start = performance.now()
  while (made < total) {
    const begin = performance.now()
    await log.append(Array.from({ length: 1_000 }, event))
    times.push(performance.now() - begin)
  }
  const rate = total / ((performance.now() - start) / 1_000)
  say('append, batches of 1000', `${Math.round(rate)} events/s, median ${median(times).toFixed(1)} ms a batch`)
}

/** @param {number} inFlight @param {number} count */
async function singles(inFlight, count) {
  /** @type {number[]} */
  const times = []
  const start = performance.now()
  let left = count
  const lane = async () => {
    while (left-- > 0) {
      const begin = performance.now()
      await log.append([event()])
      times.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  const rate = count / ((performance.now() - start) / 1_000)
  say(`append, single, ${inFlight} in flight`, `${Math.round(rate)} events/s, median ${median(times).toFixed(2)} ms`)
}

/** @param {string} name @param {(after: number) => Promise<unknown>} read */
async function seeks(name, read) {
  const { offset } = await log.head()
  /** @type {number[]} */
  const times = []
  for (let i = 0; i < 2_000; i++) {
    const after = Math.floor(Math.random() * (offset - 1_000))
    const begin = performance.now()
    await read(after)
    times.push(performance.now() - begin)
  }
  times.sort((a, b) => a - b)
  const at = (/** @type {number} */ share) =>
    `${((times[Math.floor(times.length * share)] ?? 0) * 1_000).toFixed(0)} µs`
  say(name, `median ${at(0.5)}, 99 % ${at(0.99)}`)
}

say('durability', durability)
await batches()
await singles(1, 500)
await singles(64, 20_000)
say('file', `${(statSync(join(directory, 'data.mdb')).size / 2 ** 20).toFixed(0)} MiB`)
const one = [parseSelector('sensors/7')]
const few = [parseSelector('sensors/7'), parseSelector('sensors/8'), parseSelector('sensors/9')]
const all = [parseSelector('sensors/*')]
await seeks('seek, all topics, 1 event', after => log.read(after, { maxEvents: 1, maxBytes: 1 << 20 }))
await seeks('seek, one topic, 1 event', after => log.read(after, { maxEvents: 1, maxBytes: 1 << 20, selectors: one }))
await seeks('seek, three topics, 1 event', after =>
  log.read(after, { maxEvents: 1, maxBytes: 1 << 20, selectors: few }),
)
await seeks('seek, glob of 1000 topics, 1 event', after =>
  log.read(after, { maxEvents: 1, maxBytes: 1 << 20, selectors: all }),
)
await seeks('read, all topics, 100 events', after => log.read(after, { maxEvents: 100, maxBytes: 1 << 20 }))
await seeks('read, one topic, 100 events', after =>
  log.read(after, { maxEvents: 100, maxBytes: 1 << 20, selectors: one }),
)
const { time } = await log.head()
await seeks('offset before a time', () => log.offsetBefore(time - Math.floor(Math.random() * 10_000)))
await log.close()
const begin = performance.now()
const again = await openLmdbLog(directory, { durability })
say('open', `${(performance.now() - begin).toFixed(0)} ms`)
await again.close()
