import { setTimeout as delay } from 'node:timers/promises'
import { Generator } from '../../load/generator.mjs'
import { measure, warmUp } from '../../load/measure.mjs'
import { withPeer } from './row.mjs'

const path = '/text'
export const subscribers = 2_000
const flowSeconds = 2

/**
 * What a million deliveries cost a peer in one round, in seconds of its CPU time; and what it did wrong.
 *
 * @param {string} name
 * @param {{ serverCore: number | undefined, generatorCore: number | undefined }} place
 */
export async function costOf(name, { serverCore, generatorCore }) {
  return withPeer(
    name,
    async running => {
      const generator = new Generator({ port: running.port, core: generatorCore })
      try {
        await generator.topic(0, { path })
        const { failed } = await generator.subscribe({ topic: 0, group: 0, count: subscribers, path })
        if (failed > 0) throw new Error(`${failed} subscribers were refused or not answered`)
        await delay(300)
        await warmUp(/** @type {any} */ (running), () => generator.publish({ topic: 0, seconds: flowSeconds / 4 }))
        const measured = await measure(/** @type {any} */ (running), () =>
          generator.publish({ topic: 0, seconds: flowSeconds, lanes: 1 }),
        )
        const { cost, wrong, void: reasons } = measured
        return { cpuPerMillion: cost.cpuPerMillion, othersShare: cost.othersShare, wrong, void: reasons }
      } finally {
        await generator.end()
      }
    },
    { core: serverCore },
  )
}
