import { hear } from '../hear.mjs'
import { untilReaders, withPeer } from './row.mjs'

const path = '/text'
const stalledReaders = 8
const events = 512
const eventBytes = 65_536
/** Beyond this nobody would say that memory for a reader is bounded. */
const boundBytes = 4 << 20

/** The last event, and the blank line behind it. */
const isWhole = new RegExp(`data: ?${events - 1}\\.+\\n(?:.+\\n)*\\n`)

/** @param {number} number */
const numbered = number => `${number}`.padEnd(eventBytes, '.')

/**
 * Publishes to a reader that reads and to some that do not; how much the server grew, and what they heard when they read on.
 *
 * @param {string} name
 * @param {number} count of readers that have stopped
 */
async function flow(name, count) {
  return withPeer(name, async running => {
    const reading = await hear(running.port, path)
    const stalled = []
    for (let i = 0; i < count; i++) stalled.push(await hear(running.port, path))
    if ((await untilReaders(running, path, 1 + count)) === undefined) throw new Error('not all readers are known')
    for (const reader of stalled) reader.stall()
    for (let i = 0; i < events; i++) await running.say(path, numbered(i))
    const { rss } = running.memory()
    /** @param {import('../hear.mjs').Reader} reader */
    const hasAll = async reader => {
      try {
        await reader.until(({ received }) => received > events * eventBytes)
        await reader.until(({ body }) => isWhole.test(body.slice(-2 * eventBytes)))
      } catch {
        return false
      }
      const numbers = reader.events
        .filter(({ data }) => data.length === eventBytes)
        .map(({ data }) => parseInt(data, 10))
      return numbers.length === events && numbers.every((number, at) => number === at)
    }
    const others = await hasAll(reading)
    let late = true
    for (const reader of stalled) {
      reader.readOn()
      late = (await hasAll(reader)) && late
    }
    return { rss, others, late }
  })
}

/** @type {import('./row.mjs').Row} */
export const stalled = {
  title: 'Memory of a reader that stopped',
  about: `${stalledReaders} readers stop reading, one reads on; ${events} events of 64 KiB are published: 32 MiB that are coming to each. By how much the process is greater than with the one reader alone, for each that stopped. At most ${boundBytes >> 20} MiB count as bounded. All must hear all in order, those that stopped when they read on.`,
  async try(name) {
    const alone = await flow(name, 0)
    const { rss, others, late } = await flow(name, stalledReaders)
    const bytes = Math.max(0, (rss - alone.rss) / stalledReaders)
    const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`
    const lost = others && late ? '' : others ? ', **some lost**' : ', **others lost some**'
    const isBounded = bytes <= boundBytes && lost === ''
    return {
      verdict: isBounded ? 'holds' : 'breaks',
      says: (bytes <= boundBytes ? size : `**${size}**`) + lost,
      values: { bytes },
    }
  },
}
