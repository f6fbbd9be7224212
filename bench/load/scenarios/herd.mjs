import { setTimeout as delay } from 'node:timers/promises'
import { at, faults, judge, measure, watchCpu } from '../measure.mjs'
import { resetPeak } from '../processes.mjs'
import { mustSubscribe, withServer } from './scenario.mjs'

const behind = 100
const rate = 5

/** @type {import('./scenario.mjs').Scenario} */
export const herd = scenario(
  ['hub', 'hub-lmdb', 'nchan'],
  1,
  'A herd comes back',
  `Clients come back within five seconds (two in a quick run), each ${behind} events behind, all with one cursor, while others hear ${rate} events a second.`,
)

/** @type {import('./scenario.mjs').Scenario} */
export const scatteredHerd = scenario(
  ['hub', 'hub-lmdb'],
  100,
  'A herd comes back, scattered',
  `The same with a hundred different cursors, ${behind} to ${behind + 99} events behind: less can be shared.`,
)

/**
 * @param {readonly string[]} servers
 * @param {number} spread
 * @param {string} title
 * @param {string} about
 * @returns {import('./scenario.mjs').Scenario}
 */
function scenario(servers, spread, title, about) {
  return {
    title,
    about,
    servers,
    rounds: spread > 1 ? 1 : 2,
    round: (name, place) => withServer(name, place, (server, generator) => round(server, generator, place, spread)),
  }
}

/**
 * @param {import('../servers.mjs').Running} server
 * @param {import('../generator.mjs').Generator} generator
 * @param {import('./scenario.mjs').Place} place
 * @param {number} spread
 */
async function round(server, generator, { sizes }, spread) {
  const seconds = Math.max(sizes.rateSeconds, 1)
  const ramp = sizes.rampSeconds
  await generator.topic(0, { path: server.publish('live') })
  await generator.topic(1, { path: server.publish('herd'), record: 1 })
  // The first of the herd hears what the others will have missed, and knows the cursors.
  mustSubscribe(await generator.subscribe({ topic: 1, group: 1, count: 1, path: server.events('herd') }))
  const missed = await generator.publish({ topic: 1, count: behind + spread })
  mustSubscribe(await generator.subscribe({ topic: 0, group: 0, count: sizes.few, path: server.events('live') }))
  await generator.publish({ topic: 0, rate: 20, seconds: 0.5 })
  const quiet = await measure(server, () => generator.publish({ topic: 0, rate, seconds }))

  await resetPeak(server.pid)
  const before = server.memory()
  const watch = watchCpu(server)
  const coming = generator.subscribe({
    topic: 1,
    group: 2,
    count: sizes.many,
    rate: sizes.many / ramp,
    path: server.events('herd'),
    behind,
    spread,
  })
  const flow = await generator.publish({ topic: 0, rate, seconds: Math.max(ramp, 1) })
  const back = await coming
  const cpu = watch()
  await delay(1_000)
  const after = server.memory()
  const live = judge(flow, cpu)
  const lost = [
    [sizes.many - back.caughtUp, 'clients did not catch up'],
    [back.missing, 'deliveries missing'],
    [back.skipped, 'events passed over'],
    [back.late, 'events repeated or out of order'],
    [back.gaps, 'gaps'],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]))
  const values = {
    quietP99Ms: quiet.cost.p99Ms,
    p99Ms: live.cost.p99Ms,
    timesQuiet: live.cost.p99Ms / quiet.cost.p99Ms,
    allBackSeconds: back.ms / 1_000,
    catchUpP50Ms: at(back.catchingUp, 50),
    catchUpP99Ms: at(back.catchingUp, 99),
    peakBytes: after.peakRss - before.rss,
    heldBytes: after.rss - before.rss,
    cpuSeconds: cpu.server / 1_000,
  }
  return [
    {
      case: `${sizes.many} come back, ${sizes.few} listen`,
      values,
      wrong: [...faults(missed), ...quiet.wrong, ...live.wrong, ...lost],
      void: [...quiet.void, ...live.void],
      untimed: [...quiet.untimed, ...live.untimed],
    },
  ]
}
