// Which figures stand in which column, and beside what they are set.

/**
 * @typedef {object} Column
 * @property {string} heading
 * @property {string} case
 * @property {string} value
 * @property {(value: number) => string} show
 * @property {string} [per] the server whose figure is 1
 */

/** @param {number} value */
const cpu = value => value.toFixed(value < 2 ? 2 : 1)
/** @param {number} value */
const ms = value => (value < 10 ? value.toFixed(1) : Math.round(value).toString())
/** @param {number} value */
const kb = value => (value / 1_000).toFixed(1)
/** @param {number} value */
const mib = value => (value / 2 ** 20).toFixed(0)
/** @param {number} value */
const whole = value => Math.round(value).toLocaleString('en')

/**
 * The columns of each scenario's table.
 *
 * @param {import('../scenarios/scenario.mjs').Sizes} sizes
 * @returns {Readonly<Record<string, readonly Column[]>>}
 */
export function columns({ many, some, few, crowd }) {
  /** @param {string} what @param {string} heading @returns {Column} */
  const perMillion = (what, heading) => ({ heading, case: what, value: 'cpuPerMillion', show: cpu, per: 'floor' })
  /** @param {string} what @returns {readonly Column[]} */
  const publishCost = what => [
    { heading: `${what}, µs a publish`, case: what, value: 'cpuPerPublishUs', show: whole },
    { heading: 'p50 ms', case: what, value: 'p50Ms', show: ms },
  ]
  /** @param {string} what @returns {Column} */
  const rate = what => ({ heading: `${what}, events/s`, case: what, value: 'publishesPerSecond', show: whole })
  /** @param {string} what @returns {Column} */
  const perEvent = what => ({ heading: 'CPU µs an event', case: what, value: 'cpuPerPublishUs', show: cpu })
  const herd = `${many} come back, ${few} listen`
  /** @type {readonly Column[]} */
  const herdColumns = [
    { heading: 'p99 ms, quiet', case: herd, value: 'quietP99Ms', show: ms },
    { heading: 'p99 ms meanwhile', case: herd, value: 'p99Ms', show: ms },
    { heading: '× quiet', case: herd, value: 'timesQuiet', show: cpu },
    { heading: 'all back, s', case: herd, value: 'allBackSeconds', show: cpu },
    { heading: 'a client, p99 ms', case: herd, value: 'catchUpP99Ms', show: ms },
    { heading: 'peak, MiB', case: herd, value: 'peakBytes', show: mib },
    { heading: 'held after, MiB', case: herd, value: 'heldBytes', show: mib },
    { heading: 'CPU s', case: herd, value: 'cpuSeconds', show: cpu },
  ]
  const steady = `${many}, 5 events/s`
  const crowded = `${crowd} connections, 3 workers`
  return {
    'fan-out': [
      perMillion(`${few}, one event a write`, `CPU s/M at ${whole(few)}`),
      perMillion(`${some}, one event a write`, `at ${whole(some)}`),
      perMillion(`${many}, one event a write`, `at ${whole(many)}`),
      { heading: '× nchan', case: `${many}, one event a write`, value: 'cpuPerMillion', show: () => '', per: 'nchan' },
      perMillion(`${few}, 16 publishers`, `16 publishers, ${whole(few)}`),
      perMillion(`${many}, 16 publishers`, `16 publishers, ${whole(many)}`),
      { heading: 'PSS kB a connection', case: `${many} idle`, value: 'pssPerConnection', show: kb },
      { heading: '5 events/s, p50 ms', case: steady, value: 'p50Ms', show: ms },
      { heading: 'p99 ms', case: steady, value: 'p99Ms', show: ms },
    ],
    topics: [...publishCost('a topic alone'), ...publishCost(`one of ${many} topics`)],
    globs: [...publishCost('a topic alone'), ...publishCost(`one of ${many} globs`)],
    herd: herdColumns,
    'scattered-herd': herdColumns,
    large: [
      {
        heading: 'MB/s',
        case: `${few} subscribers`,
        value: 'bytesPerSecond',
        show: value => whole(value / 1e6),
        per: 'floor',
      },
      { heading: 'CPU s/M', case: `${few} subscribers`, value: 'cpuPerMillion', show: whole },
      { heading: 'p99 ms', case: `${few} subscribers`, value: 'p99Ms', show: ms },
      { heading: 'peak, MiB', case: `${few} subscribers`, value: 'peakBytes', show: mib },
    ],
    tls: [{ heading: 'CPU s/M', case: `${few} subscribers`, value: 'cpuPerMillion', show: cpu, per: 'tls-write' }],
    publishing: [
      { ...rate('16 × single POSTs'), per: 'echo' },
      { ...perEvent('16 × single POSTs'), per: 'echo' },
      { heading: 'p99 ms', case: '16 × single POSTs', value: 'answerP99Ms', show: ms },
      rate('arrays of 100'),
      perEvent('arrays of 100'),
      rate('NDJSON, 20000 lines a request'),
      perEvent('NDJSON, 20000 lines a request'),
      rate('a bare loop of puts'),
      perEvent('a bare loop of puts'),
    ],
    start: [
      { heading: 'median ms', case: 'start', value: 'startMs', show: ms },
      { heading: 'worst ms', case: 'start', value: 'worstMs', show: ms },
    ],
    crowd: [
      { heading: 'PSS kB a connection', case: crowded, value: 'pssPerConnection', show: kb },
      { heading: 'heartbeats', case: crowded, value: 'heartbeats', show: whole },
      { heading: 'deliveries', case: crowded, value: 'delivered', show: whole },
    ],
  }
}
