import { disturbance, median } from '../measure.mjs'
import { busyMs } from '../processes.mjs'
import { startServer } from '../servers.mjs'

const times = 5

/** @type {import('./scenario.mjs').Scenario} */
export const startUp = {
  title: 'Start',
  about: `From the start of the process to its first answer, of ${times} starts. LMDB begins with an empty directory.`,
  servers: ['hub', 'hub-lmdb', 'echo', 'nchan'],
  rounds: 1,
  async round(name, place) {
    const taken = []
    const [busy, own, begin] = [busyMs(), process.cpuUsage(), performance.now()]
    let ofServers = 0
    for (let i = 0; i < times; i++) {
      const server = await startServer(name, { core: place.serverCore })
      taken.push(server.startMs)
      ofServers += server.cpuMs()
      await server.end()
    }
    const { user, system } = process.cpuUsage(own)
    const others = (busyMs() - busy - ofServers - (user + system) / 1_000) / (performance.now() - begin)
    const values = { startMs: median(taken), worstMs: Math.max(...taken) }
    return [{ case: 'start', values, wrong: [], void: [], untimed: disturbance(others) }]
  },
}
