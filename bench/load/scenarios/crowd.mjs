import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Generator } from '../generator.mjs'
import { faults } from '../measure.mjs'
import { maxDescriptors, startServer } from '../servers.mjs'
import { mustSubscribe, topic } from './scenario.mjs'

const hub = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const workers = 3
const eventsPerSecond = 1
/** Longer than the silence after which a hub says where it is. */
const silenceSeconds = 16
const reserve = 1_000

/** @type {import('./scenario.mjs').Scenario} */
export const crowd = {
  title: 'A crowd',
  about: `${workers} workers on one log hold more connections than one process may; several generators, each with its share. After ${silenceSeconds} s of silence every connection must have heard a heartbeat; then ${eventsPerSecond} event a second.`,
  servers: ['hub-lmdb'],
  rounds: 1,
  lacks(_, { sizes }) {
    if (sizes.crowd > (maxDescriptors() - reserve) * workers) return 'the limit of open descriptors is too low for it'
    const { stdout } = spawnSync(process.execPath, [hub, 'serve', '--help'], { encoding: 'utf8' })
    return stdout.includes('--workers') ? undefined : 'the hub runs in one process'
  },
  async round(name, { sizes, generator: kind }) {
    // Not pinned: three workers on one core would show nothing of three workers.
    const server = await startServer(name, { args: ['--workers', String(workers)] })
    /** @type {Generator[]} */
    const generators = []
    try {
      const empty = server.memory().pss
      for (let i = 0; i < workers; i++) {
        const generator = new Generator({ port: server.port, core: undefined, kind })
        generators.push(generator)
        await generator.topic(0, { path: server.publish(topic) })
        const count = Math.floor(sizes.crowd / workers)
        mustSubscribe(await generator.subscribe({ topic: 0, group: 0, count, rate: 3_000, path: server.events(topic) }))
      }
      const pssPerConnection = (server.memory().pss - empty) / sizes.crowd
      const [first, ...others] = generators
      const silent = await Promise.all(generators.map(each => each.expect({ topic: 0, seconds: silenceSeconds })))
      const beats = silent.reduce((sum, { cursors }) => sum + cursors, 0)
      const count = Math.max(2, Math.round(sizes.rateSeconds)) * eventsPerSecond
      const flows = await Promise.all([
        ...others.map(each => each.expect({ topic: 0, count })),
        ...(first ? [first.publish({ topic: 0, count, rate: eventsPerSecond })] : []),
      ])
      const delivered = flows.reduce((sum, flow) => sum + flow.delivered, 0)
      const silentOnes = sizes.crowd - beats
      return [
        {
          case: `${sizes.crowd} connections, ${workers} workers`,
          values: { pssPerConnection, heartbeats: beats, delivered },
          wrong: [...flows.flatMap(faults), ...(silentOnes > 0 ? [`${silentOnes} heartbeats missing`] : [])],
          void: [],
          untimed: [],
        },
      ]
    } finally {
      for (const generator of generators) await generator.end()
      await server.end()
    }
  },
}
