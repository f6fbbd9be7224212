// A process of its own that opens a log, reads it, tries to append, and says how it went.
// Usage: node visitor.mjs DIRECTORY
import { openLmdbLog } from '../../../dist/log/lmdb/open.js'

/** @param {unknown} error */
const say = error =>
  error instanceof Error && 'code' in error ? { code: error.code, message: error.message } : String(error)

const [directory = ''] = process.argv.slice(2)
/** @type {Record<string, unknown>} */
const report = {}
try {
  const log = await openLmdbLog(directory)
  const { events, floor } = await log.read(0, { maxEvents: 100, maxBytes: 1e6 })
  report.read = events.map(event => event.data)
  report.floor = floor
  report.topics = (await log.topics({ limit: 10 })).length
  await log.append([{ topic: 'a', data: 'more' }]).catch(error => {
    report.append = say(error)
  })
  await log.trim().catch(error => {
    report.trim = say(error)
  })
  await log.close()
} catch (error) {
  report.open = say(error)
}
process.stdout.write(JSON.stringify(report))
