import { median } from '../measure.mjs'
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
    for (let i = 0; i < times; i++) {
      const server = await startServer(name, { core: place.serverCore })
      taken.push(server.startMs)
      await server.end()
    }
    return [{ case: 'start', values: { startMs: median(taken), worstMs: Math.max(...taken) }, wrong: [], void: [] }]
  },
}
