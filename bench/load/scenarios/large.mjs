import { setTimeout as delay } from 'node:timers/promises'
import { measure } from '../measure.mjs'
import { resetPeak } from '../processes.mjs'
import { mustSubscribe, topic, toRecord, withServer } from './scenario.mjs'

const bytes = 65_536

/** @type {import('./scenario.mjs').Scenario} */
export const large = {
  title: 'Large events',
  about: 'Events of 64 KiB on one topic, two publishers. The peak is resident memory above what it was before.',
  servers: ['floor', 'hub', 'nchan', 'res-write'],
  rounds: 2,
  round: (name, place) =>
    withServer(name, place, async (server, generator) => {
      const { few, flowSeconds } = place.sizes
      await generator.topic(0, { path: server.publish(topic), bytes })
      mustSubscribe(await generator.subscribe({ topic: 0, group: 0, count: few, path: server.events(topic) }))
      await generator.publish({ topic: 0, seconds: flowSeconds / 4, lanes: 2 })
      await delay(200)
      await resetPeak(server.pid)
      const before = server.memory()
      const measured = await measure(server, () => generator.publish({ topic: 0, seconds: flowSeconds, lanes: 2 }), {
        bytes,
      })
      return [toRecord(`${few} subscribers`, measured, { peakBytes: server.memory().peakRss - before.rss })]
    }),
}
