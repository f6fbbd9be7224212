// What the hub is to reach, each a figure or a ratio of one run.
import { middle } from './medians.mjs'

/**
 * @param {readonly import('./medians.mjs').Result[]} results
 * @param {import('../scenarios/scenario.mjs').Sizes} sizes
 * @returns {readonly { what: string, wanted: string, measured: number | undefined, isReached: boolean | undefined }[]}
 */
export function targets(results, { many, few }) {
  /** @param {string} scenario @param {string} what @param {string} server @param {string} value */
  const of = (scenario, what, server, value) => middle(results, scenario, what, server, value)
  /** @param {number | undefined} a @param {number | undefined} b */
  const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b)
  /** @param {string} what @param {number | undefined} measured @param {number} most @param {string} [unit] */
  const atMost = (what, measured, most, unit = '') => ({
    what,
    wanted: `at most ${most}${unit}`,
    measured,
    isReached: measured === undefined ? undefined : measured <= most,
  })
  /** @param {string} what @param {number | undefined} measured @param {number} least */
  const atLeast = (what, measured, least) => ({
    what,
    wanted: `at least ${least.toLocaleString('en')}`,
    measured,
    isReached: measured === undefined ? undefined : measured >= least,
  })

  const single = `${many}, one event a write`
  const steady = `${many}, 5 events/s`
  const back = `${many} come back, ${few} listen`
  const lines = 'NDJSON, 20000 lines a request'
  /** @param {string} server */
  const cost = server => of('fan-out', single, server, 'cpuPerMillion')
  /** @param {string} server @param {string} value */
  const time = (server, value) => of('fan-out', steady, server, value)
  /** @param {string} scenario @param {string} what */
  const publish = (scenario, what) => of(scenario, what, 'hub', 'cpuPerPublishUs')
  /** @param {string} scenario @param {string} what */
  const beyondAlone = (scenario, what) => {
    const [one, alone] = [publish(scenario, what), publish(scenario, 'a topic alone')]
    return one === undefined || alone === undefined ? undefined : Math.max(0, one - alone)
  }
  const peak = of('herd', back, 'hub', 'peakBytes')
  return [
    atMost(`CPU a delivery, ${many} subscribers, to the C floor`, ratio(cost('hub'), cost('floor')), 1.5),
    atMost('the same, to nchan', ratio(cost('hub'), cost('nchan')), 1.0),
    atMost('the same, to Express', ratio(cost('hub'), cost('express')), 0.45),
    atMost(
      'the same with 16 publishers, to single sends of the floor',
      ratio(of('fan-out', `${many}, 16 publishers`, 'hub', 'cpuPerMillion'), cost('floor')),
      0.18,
    ),
    atMost('PSS of an idle connection, kB', scaled(of('fan-out', `${many} idle`, 'hub', 'pssPerConnection'), 1e-3), 6),
    atMost('p50 at 5 events/s, to nchan', ratio(time('hub', 'p50Ms'), time('nchan', 'p50Ms')), 1),
    atMost('p99 at 5 events/s, to nchan', ratio(time('hub', 'p99Ms'), time('nchan', 'p99Ms')), 1),
    atMost(
      `finding one of ${many} topics, beyond one alone`,
      beyondAlone('topics', `one of ${many} topics`),
      20,
      ' µs',
    ),
    atMost(`finding one of ${many} globs, beyond one alone`, beyondAlone('globs', `one of ${many} globs`), 20, ' µs'),
    atMost('p99 of the others while a herd comes back, to quiet', of('herd', back, 'hub', 'timesQuiet'), 3),
    atMost('peak memory while a herd comes back, above idle', scaled(peak, 2 ** -20), 64, ' MiB'),
    atLeast(
      'bytes a second of 64 KiB events, to the floor',
      ratio(
        of('large', `${few} subscribers`, 'hub', 'bytesPerSecond'),
        of('large', `${few} subscribers`, 'floor', 'bytesPerSecond'),
      ),
      0.8,
    ),
    atMost(
      'CPU a delivery over TLS, to bare writes',
      ratio(
        of('tls', `${few} subscribers`, 'hub-tls', 'cpuPerMillion'),
        of('tls', `${few} subscribers`, 'tls-write', 'cpuPerMillion'),
      ),
      1.25,
    ),
    atLeast(
      'single POSTs a second, to an echo of Node.js',
      ratio(
        of('publishing', '16 × single POSTs', 'hub', 'publishesPerSecond'),
        of('publishing', '16 × single POSTs', 'echo', 'publishesPerSecond'),
      ),
      0.7,
    ),
    atLeast('NDJSON into memory, events/s', of('publishing', lines, 'hub', 'publishesPerSecond'), 200_000),
    atLeast(
      'NDJSON into LMDB, to a bare loop of puts',
      ratio(
        of('publishing', lines, 'hub-lmdb', 'publishesPerSecond'),
        of('publishing', 'a bare loop of puts', 'bare-lmdb', 'publishesPerSecond'),
      ),
      0.5,
    ),
    atMost('start to the first answer, log in LMDB', of('start', 'start', 'hub-lmdb', 'startMs'), 400, ' ms'),
  ]
}

/** @param {number | undefined} value @param {number} factor */
function scaled(value, factor) {
  return value === undefined ? undefined : value * factor
}
