// A process that joins a log: `member.mjs DIRECTORY NAME`. It appends without end, says "answered OFFSET NUMBER" for
// each, and "heard OFFSET" for each event that it follows. Ends when its input does.
import { joinLmdbLog } from '../../../dist/log/lmdb/join.js'

const [directory, name] = process.argv.slice(2)
const log = await joinLmdbLog(directory)
const stop = new AbortController()
const { offset } = await log.head()

async function follow() {
  for await (const { events } of log.follow(offset, stop.signal)) {
    for (const event of events) process.stdout.write(`heard ${event.offset} ${event.data}\n`)
  }
}

const following = follow()
process.stdout.write(`joined ${offset}\n`)
process.stdin.resume().on('end', () => stop.abort())
for (let number = 0; !stop.signal.aborted; number++) {
  const positions = await log.append([{ topic: `from/${name}`, data: `${name} ${number}` }])
  process.stdout.write(`answered ${positions[0].offset} ${number}\n`)
}
await following
await log.close()
