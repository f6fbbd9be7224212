// What a log in LMDB would gain if a stored value held several events: the puts of an event (record, place in its topic), bare, beside those of
// blocks of 8, 32 and 128 events. One transaction of a thousand events, flushed, then the next; contestants take turns. The built log does not do this.
// Usage: node bench/micro/blocks.mjs
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { median, say } from './measure.mjs'

const perCommit = 1_024
const recordBytes = 116
const rounds = 41
const directory = mkdtempSync(join(tmpdir(), 'tidings-bench-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))

const contestants = [1, 8, 32, 128].map(size => {
  const root = open({
    path: join(directory, `of-${size}`),
    noSubdir: false,
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'binary',
  })
  const table = (/** @type {string} */ name) => root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' })
  const [events, byTopic] = [table('events'), table('byTopic')]
  return {
    size,
    root,
    events,
    byTopic,
    offset: 0,
    cpu: /** @type {number[]} */ ([]),
    times: /** @type {number[]} */ ([]),
  }
})
const nothing = Buffer.alloc(0)
const key = Buffer.alloc(14)

for (let round = 0; round < rounds; round++) {
  for (const each of contestants) {
    const before = process.cpuUsage()
    const begin = performance.now()
    await each.root.transaction(() => {
      const value = Buffer.alloc(recordBytes * each.size, 'x')
      for (let put = 0; put < perCommit; put += each.size) {
        each.offset += each.size
        key.fill(0)
        key.writeUInt32BE(each.offset, 4)
        void each.events.put(key, value)
        key.fill(0)
        key.writeUInt32BE(each.offset, 10)
        void each.byTopic.put(key, nothing)
      }
    })
    each.times.push(performance.now() - begin)
    const { user, system } = process.cpuUsage(before)
    each.cpu.push(user + system)
  }
}
for (const { size, cpu, times, root } of contestants) {
  const rate = Math.round(perCommit / (median(times) / 1_000)).toLocaleString('en')
  say(
    `${`blocks of ${size}`.padEnd(16)}${rate.padStart(12)} events/s${(median(cpu) / perCommit).toFixed(2).padStart(10)} µs of CPU an event`,
  )
  await root.close()
}
