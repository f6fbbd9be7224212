import { setTimeout as delay } from 'node:timers/promises'
import { measure } from '../measure.mjs'
import { mustSubscribe, rest, still, topic, toRecord, withServer } from './scenario.mjs'

/** Those whose behaviour under a crowd of publishers and at a fixed rate is compared, too. */
const closer = new Set(['floor', 'hub', 'hub-lmdb', 'nchan', 'socket-write', 'res-write'])
const eventsPerSecond = 5
const settleMs = 1_000

/** @type {import('./scenario.mjs').Scenario} */
export const fanOut = {
  title: 'One event to many',
  about:
    'Events of 100 bytes on one topic. One publisher, which sends the next event when the last one was answered: one event a write. ' +
    'Then 16 publishers, so that events wait for each other; then 5 events a second. Memory is measured while nothing is said.',
  servers: ['floor', 'hub', 'hub-lmdb', 'nchan', 'socket-write', 'res-write', 'fastify-sse', 'express', 'better-sse'],
  round: (name, place) =>
    withServer(name, place, async (server, generator) => {
      const { many, some, few, flowSeconds, rateSeconds } = place.sizes
      await generator.topic(0, { path: server.publish(topic) })
      const empty = server.memory().pss
      for (const [group, count] of [few, some - few, many - some].entries()) {
        mustSubscribe(await generator.subscribe({ topic: 0, group, count, path: server.events(topic) }))
      }
      await delay(settleMs)
      await rest(server)
      const idle = { pssPerConnection: (server.memory().pss - empty) / many }
      await generator.publish({ topic: 0, seconds: flowSeconds / 4 })

      /** @param {string} what @param {Record<string, number>} settings */
      const flow = async (what, settings) => {
        const measured = await measure(server, () => generator.publish({ topic: 0, ...settings }))
        const percentiles = settings['rate'] === undefined ? {} : { percentiles: measured.flow.latency.points }
        return { ...toRecord(what, measured), ...percentiles }
      }
      const single = { seconds: flowSeconds, lanes: 1 }
      const crowded = { seconds: flowSeconds * 0.7, lanes: 16 }
      const records = [still(`${many} idle`, idle), await flow(`${many}, one event a write`, single)]
      if (closer.has(name)) {
        records.push(await flow(`${many}, 16 publishers`, crowded))
        records.push(
          await flow(`${many}, ${eventsPerSecond} events/s`, { seconds: rateSeconds, rate: eventsPerSecond }),
        )
      }
      await generator.close(2)
      await rest(server)
      records.push(await flow(`${some}, one event a write`, { ...single, seconds: flowSeconds / 2 }))
      await generator.close(1)
      await rest(server)
      records.push(await flow(`${few}, one event a write`, { ...single, seconds: flowSeconds / 2 }))
      if (closer.has(name)) records.push(await flow(`${few}, 16 publishers`, { ...crowded, seconds: flowSeconds / 2 }))
      return records
    }),
}
