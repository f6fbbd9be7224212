// A process of its own that appends to a log until it is told to stop, or killed. Every answer goes to the standard output at once,
// a line each, by a system call that returns when the line is written.
// Usage: node writer.mjs DIRECTORY commit|async COUNT DATA_BYTES [follow]
import { writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { openLmdbLog } from '../../../dist/log/lmdb/open.js'

const [directory = '', durability, count, dataBytes, follow] = process.argv.slice(2)
const log = await openLmdbLog(directory, { durability: durability === 'async' ? 'async' : 'commit' })
const padding = 'x'.repeat(Number(dataBytes))

/** @param {string} line */
const say = line => writeSync(1, `${line}\n`)

say('open')
let found = Promise.resolve()
if (follow) {
  const { offset } = await log.head()
  void (async () => {
    for await (const page of log.follow(offset, new AbortController().signal)) {
      for (const event of page.events) say(`seen ${event.offset}`)
    }
  })()
  found = (async () => {
    for (let cursor = offset; cursor < offset + Number(count); await nextTurn()) {
      const page = await log.read(cursor, { maxEvents: 1, maxBytes: 1 })
      if (page.through > cursor) say(`found ${page.through}`)
      cursor = page.through
    }
  })()
}
for (let i = 0; i < Number(count); i++) {
  try {
    const [position] = await log.append([{ topic: `t/${i % 3}`, key: `${i % 2}`, data: `${i} ${padding}` }])
    say(`answered ${position?.offset} ${i}`)
  } catch (error) {
    say(`refused ${error instanceof Error && 'code' in error ? error.code : error}`)
    break
  }
}
const { events } = await log.read(0, { maxEvents: 1, maxBytes: 1 })
say(`read ${events.length}`)
await found
await log.close()
say('closed')
