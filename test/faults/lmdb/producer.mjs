// A process with a hub on a log that another has: `producer.mjs DIRECTORY TOPIC`. It opens the topic, says "half" on it, and waits; says
// how the stream ended, and ends.
import { createHub } from '../../../dist/entry/index.js'
import { joinLmdbLog } from '../../../dist/log/lmdb/join.js'

const [directory, topic] = process.argv.slice(2)
const hub = createHub({ log: () => joinLmdbLog(directory) })
const stream = await hub.openStream(topic, { leaseMs: 1_000 })
await stream.send('half')
process.stdout.write('open\n')
// Nothing else keeps the process: neither a stream nor its lease does.
const waiting = setInterval(() => undefined, 60_000)
process.stdout.write(`${await stream.closed} ${stream.signal.aborted}\n`)
await stream.send('late').catch(error => process.stdout.write(`${error.code}\n`))
clearInterval(waiting)
await hub.close()
