import { measure, warmUp } from '../measure.mjs'
import { mustSubscribe, toRecord, withServer } from './scenario.mjs'

/** @type {import('./scenario.mjs').Scenario} */
export const topics = {
  title: 'One of many topics',
  about:
    'As many topics as subscribers, each with one; one publisher, each event on another topic. Beside it what a publish costs where ' +
    'there is but one topic with one subscriber: the difference is what finding the right one costs.',
  servers: ['hub', 'nchan'],
  rounds: 2,
  round: (name, place) => round(name, place, { kind: 'topics', selector: '#', path: 'room-#' }),
}

/** @type {import('./scenario.mjs').Scenario} */
export const globs = {
  title: 'One of many globs',
  about: 'The same with selectors `room-N/*`, where a server has such.',
  servers: ['hub'],
  rounds: 1,
  round: (name, place) => round(name, place, { kind: 'globs', selector: '#/*', path: 'room-#/door' }),
}

/**
 * @param {string} name
 * @param {import('./scenario.mjs').Place} place
 * @param {{ kind: string, selector: string, path: string }} what
 */
function round(name, place, { kind, selector, path }) {
  return withServer(name, place, async (server, generator) => {
    const { many, flowSeconds } = place.sizes
    const seconds = flowSeconds / 2
    await generator.topic(0, { path: server.publish('alone') })
    mustSubscribe(await generator.subscribe({ topic: 0, group: 0, count: 1, path: server.events('alone') }))
    await warmUp(server, () => generator.publish({ topic: 0, seconds: seconds * 0.7 }))
    const alone = await measure(server, () => generator.publish({ topic: 0, seconds }))

    await generator.topic(1, { path: server.publish(path), each: 1 })
    const read = kind === 'globs' ? `/events?topic=room-${selector}` : server.events(path)
    mustSubscribe(await generator.subscribe({ topic: 1, group: 1, count: many, path: read }))
    await warmUp(server, () => generator.publish({ topic: 1, seconds: seconds / 2 }))
    const one = await measure(server, () => generator.publish({ topic: 1, seconds }))
    return [toRecord('a topic alone', alone), toRecord(`one of ${many} ${kind}`, one)]
  })
}
