import { measure, warmUp } from '../measure.mjs'
import { mustSubscribe, topic, toRecord, withServer } from './scenario.mjs'

/** @type {import('./scenario.mjs').Scenario} */
export const tls = {
  title: 'Over TLS',
  about:
    'Events of 100 bytes on one topic over HTTP/1.1 with TLS 1.3, beside a server of Node.js that does nothing but write the same frames ' +
    'to encrypted sockets. The generator is the one in Node.js, which speaks TLS, and is dearer than the servers: only their CPU time counts.',
  servers: ['tls-write', 'hub-tls'],
  rounds: 2,
  round: (name, place) =>
    withServer(name, place, async (server, generator) => {
      const { few, flowSeconds } = place.sizes
      await generator.topic(0, { path: server.publish(topic) })
      mustSubscribe(await generator.subscribe({ topic: 0, group: 0, count: few, path: server.events(topic) }))
      const flow = (/** @type {number} */ seconds) => () => generator.publish({ topic: 0, seconds, stall: 20 })
      await warmUp(server, flow(flowSeconds / 2))
      const measured = await measure(server, flow(flowSeconds))
      // That the generator is at its limit is known, and no reason to leave out what the servers spent.
      return [toRecord(`${few} subscribers`, { ...measured, void: [], untimed: ['the generator is the dearer part'] })]
    }),
}
