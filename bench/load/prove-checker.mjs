// Shows the generator a server that breaks what it is there to notice. A bench whose checker misses something measures nothing.
import { fileURLToPath } from 'node:url'
import { Generator } from './generator.mjs'
import { faults } from './measure.mjs'
import { freePort, listens, start } from './processes.mjs'

const faulty = fileURLToPath(new URL('servers/faulty.mjs', import.meta.url))

/** Each fault of `servers/faulty.mjs`, and all that the report must say of it, and nothing else. */
export const mustSay = {
  none: [],
  drop: ['2 deliveries missing', '4 events passed over'],
  'drop-last': ['2 deliveries missing'],
  repeat: ['6 events repeated or out of order'],
  swap: ['4 events passed over', '4 events repeated or out of order'],
  shorten: ['6 events damaged'],
  forge: ['6 events that nobody published'],
  gap: ['6 gaps'],
  cut: ['3 connections cut'],
}

/**
 * What the generator says of each fault: eight connections, thirty events.
 *
 * @param {{ generator: 'c' | 'node' | undefined, lanes?: number }} how
 * @returns {Promise<Record<string, string[]>>}
 */
export async function whatItSays({ generator: kind, lanes = 1 }) {
  const port = await freePort()
  const server = start([process.execPath, faulty, String(port)], { core: undefined })
  try {
    await listens(server, port)
    const generator = new Generator({ port, core: undefined, kind })
    try {
      const said = Object.keys(mustSay).map(async (fault, topic) => {
        await generator.topic(topic, { path: `/events/${fault}` })
        await generator.subscribe({ topic, group: topic, count: 8 })
        const flow = await generator.publish({ topic, count: 30, lanes, stall: 5 })
        return /** @type {const} */ ([fault, faults(flow)])
      })
      return Object.fromEntries(await Promise.all(said))
    } finally {
      await generator.end()
    }
  } finally {
    await server.end()
  }
}

/** Throws unless the generator says what it must of every fault. @param {{ generator: 'c' | 'node' | undefined }} how */
export async function proveChecker({ generator }) {
  const said = await whatItSays({ generator })
  for (const [fault, wanted] of Object.entries(mustSay)) {
    if (JSON.stringify(said[fault]) === JSON.stringify(wanted)) continue
    throw new Error(
      `The checker is blind: shown "${fault}", it must say ${JSON.stringify(wanted)}, and said ${JSON.stringify(said[fault])}.`,
    )
  }
}

// Run by itself: says what the generator says. Usage: node prove-checker.mjs [c|node] [LANES]
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , kind, lanes = '1'] = process.argv
  const said = await whatItSays({ generator: kind === 'node' ? 'node' : 'c', lanes: Number(lanes) })
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
