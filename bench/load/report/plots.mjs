// Two plots as SVG, which look right on a light and on a dark page: latency by percentile, and cost by subscribers.
import { servers } from '../servers.mjs'
import { middle, select } from './medians.mjs'

const width = 760
const height = 420
const area = { left: 70, right: 560, top: 40, bottom: 360 }
const shownServers = [
  'hub',
  'floor',
  'nchan',
  'socket-write',
  'res-write',
  'hub-lmdb',
  'fastify-sse',
  'express',
  'better-sse',
]
/** Told apart by those who see no red or green as well; the hub's is the strongest. */
const colours = ['#0a7d5a', '#888888', '#c2410c', '#2563eb', '#5fb99a', '#a16207', '#9333ea', '#db2777', '#475569']

/**
 * @typedef {object} Line
 * @property {string} server
 * @property {readonly (readonly [x: number, y: number])[]} points
 */

/**
 * The plots that a run has figures for, by name.
 *
 * @param {import('./medians.mjs').Run} run
 * @param {import('../scenarios/scenario.mjs').Sizes} sizes
 * @returns {readonly (readonly [name: string, svg: string])[]}
 */
export function plots({ results }, sizes) {
  const drawn = [
    /** @type {const} */ (['latency', latency(results, sizes.many)]),
    /** @type {const} */ (['cost', cost(results, [sizes.few, sizes.some, sizes.many])]),
  ]
  return drawn.flatMap(([name, svg]) => (svg === undefined ? [] : [/** @type {const} */ ([name, svg])]))
}

/** @param {readonly import('./medians.mjs').Result[]} results @param {number} many */
function latency(results, many) {
  const lines = shownServers.flatMap(server => {
    const round = select(results, 'fan-out', `${many}, 5 events/s`, server)
      .filter(each => each.void.length === 0 && each.untimed.length === 0 && each.percentiles !== undefined)
      .sort((a, b) => (a.values['p99Ms'] ?? 0) - (b.values['p99Ms'] ?? 0))
    const points = round[(round.length - 1) >> 1]?.percentiles?.filter(([percent]) => percent > 0 && percent < 99.995)
    return points === undefined ? [] : [{ server, points }]
  })
  // As many nines as there are: 50 %, 90 %, 99 %, ... stand at equal distances.
  return draw(lines, {
    title: `Time from publish to delivery: ${many.toLocaleString('en')} subscribers, 5 events a second`,
    xLabel: 'share of deliveries',
    yLabel: 'ms',
    toX: percent => -Math.log10(1 - percent / 100),
    xTicks: [50, 90, 99, 99.9, 99.99].map(percent => [percent, `${percent} %`]),
  })
}

/** @param {readonly import('./medians.mjs').Result[]} results @param {readonly number[]} counts */
function cost(results, counts) {
  const lines = shownServers.map(server => ({
    server,
    points: counts.flatMap(count => {
      const value = middle(results, 'fan-out', `${count}, one event a write`, server, 'cpuPerMillion')
      return value === undefined ? [] : [/** @type {const} */ ([count, value])]
    }),
  }))
  return draw(lines, {
    title: 'CPU time of the server for a million deliveries, one event a write',
    xLabel: 'subscribers',
    yLabel: 's',
    toX: Math.log10,
    xTicks: counts.map(count => [count, count.toLocaleString('en')]),
  })
}

/**
 * @param {readonly Line[]} given
 * @param {{ title: string, xLabel: string, yLabel: string, toX: (x: number) => number, xTicks: readonly (readonly [number, string])[] }} axes
 */
function draw(given, { title, xLabel, yLabel, toX, xTicks }) {
  const lines = given.filter(({ points }) => points.length > 1)
  if (lines.length === 0) return undefined
  const xs = [...lines.flatMap(({ points }) => points.map(([x]) => toX(x))), ...xTicks.map(([x]) => toX(x))]
  const [left, right] = [Math.min(...xs), Math.max(...xs)]
  const top = niceTop(Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y))))
  /** @param {number} x */
  const atX = x => area.left + ((toX(x) - left) / (right - left)) * (area.right - area.left)
  /** @param {number} y */
  const atY = y => area.bottom - (y / top) * (area.bottom - area.top)

  const grid = [0, 0.25, 0.5, 0.75, 1].map(share => {
    const y = atY(top * share).toFixed(1)
    return `<path class="grid" d="M${area.left} ${y}H${area.right}"/><text x="${area.left - 8}" y="${y}" dy="4" text-anchor="end">${+(top * share).toPrecision(3)}</text>`
  })
  const ticks = xTicks.map(
    ([x, text]) => `<text x="${atX(x).toFixed(1)}" y="${area.bottom + 20}" text-anchor="middle">${text}</text>`,
  )
  // Names beside the ends of their lines, pushed apart where lines end close to each other.
  const ends = lines
    .map(({ server, points }) => ({ server, y: atY(points.at(-1)?.[1] ?? 0) }))
    .sort((a, b) => a.y - b.y)
    .map((end, at, all) => ({ ...end, y: Math.max(end.y, area.top + at * 18, 0), all }))
  for (let at = 1; at < ends.length; at++) {
    const [above, below] = [ends[at - 1], ends[at]]
    if (above && below && below.y - above.y < 18) below.y = above.y + 18
  }
  const over = (ends.at(-1)?.y ?? 0) - area.bottom
  if (over > 0) for (const end of ends) end.y -= over

  const drawn = lines.map(({ server, points }) => {
    const path = points.map(([x, y], at) => `${at ? 'L' : 'M'}${atX(x).toFixed(1)} ${atY(y).toFixed(1)}`).join('')
    return `<path class="line" stroke="${colour(server)}" stroke-width="${server === 'hub' ? 3 : 1.8}" d="${path}"/>`
  })
  const names = ends.map(
    ({ server, y }) =>
      `<text x="${area.right + 10}" y="${y.toFixed(1)}" dy="4" style="fill:${colour(server)}">${plain(server)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title about">
<title id="title">${title}</title><desc id="about">A line for each server: ${title}.</desc>
<style>text{font:13px system-ui,sans-serif;fill:#333}.title{font-weight:600}.grid{stroke:#ddd;fill:none}.line{fill:none;stroke-linejoin:round}@media(prefers-color-scheme: dark){text{fill:#ccc}.grid{stroke:#444}}</style>
<text class="title" x="${area.left}" y="20">${title}</text>
${[...grid, ...ticks, ...drawn, ...names].join('\n')}
<text x="${(area.left + area.right) / 2}" y="${height - 14}" text-anchor="middle">${xLabel}</text>
<text x="${area.left - 8}" y="${area.top - 14}" text-anchor="end">${yLabel}</text>
</svg>
`
}

/** @param {string} server */
function colour(server) {
  return colours[shownServers.indexOf(server)] ?? '#888888'
}

/** @param {string} server */
function plain(server) {
  return (servers[server]?.title ?? server).replaceAll(/[*`]/g, '')
}

/** The next of 1, 2, 4, 8 × a power of ten. @param {number} value */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 8, 10].find(step => step * power >= value) ?? 10) * power
}
