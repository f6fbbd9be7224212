// The table and the picture of a run, and their place in docs/transports.md.
import { disturbance, median } from '../load/measure.mjs'

/**
 * @typedef {object} Result
 * @property {string} way
 * @property {number} round
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {number} requestsPerMinute of a client
 * @property {number} upPerEvent bytes
 * @property {number} downPerEvent bytes
 * @property {number} cpuPerEventUs of the hub, for an event delivered
 * @property {number} bytesPerClient PSS of the hub
 * @property {number} backP50Ms
 * @property {number} backMaxMs
 * @property {number} missedAfterCut events, of all clients together
 * @property {number} delivered
 * @property {number} othersShare of a core, taken by programs that are no part of this
 * @property {readonly string[]} wrong
 */

/**
 * @typedef {object} Run
 * @property {string} when
 * @property {number} tookSeconds
 * @property {number} rounds
 * @property {number} clients
 * @property {number} seconds
 * @property {number} rate
 * @property {{ cpu: string, cores: number, kernel: string, node: string, load: string, ws: string }} machine
 * @property {Readonly<Record<string, string>>} left
 * @property {Readonly<Record<string, { title: string, browser: string }>>} ways
 * @property {readonly Result[]} results
 */

/** @typedef {Exclude<keyof Result, 'way' | 'wrong'>} Figure */

/** @param {number} value */
const whole = value => Math.round(value).toLocaleString('en')
/** @param {number} value */
const short = value => (value < 10 ? value.toFixed(1) : whole(value))
/** @param {number} value */
const kilobytes = value => (value / 1_000).toFixed(1)

/** @typedef {{ heading: string, cell: (of: (figure: Figure) => number, browser: string) => string }} Column */

/** @type {readonly Column[]} */
const feedColumns = [
  { heading: 'latency p50, ms', cell: of => short(of('p50Ms')) },
  { heading: 'p99, ms', cell: of => short(of('p99Ms')) },
  { heading: 'requests a minute', cell: of => whole(of('requestsPerMinute')) },
  { heading: 'bytes up an event', cell: of => whole(of('upPerEvent')) },
  { heading: 'down', cell: of => whole(of('downPerEvent')) },
  { heading: 'CPU of the hub, µs an event', cell: of => whole(of('cpuPerEventUs')) },
  { heading: 'memory a client, kB', cell: of => kilobytes(of('bytesPerClient')) },
]

/** @type {readonly Column[]} */
const cutColumns = [
  { heading: 'half are back after, ms', cell: of => whole(of('backP50Ms')) },
  { heading: 'all, ms', cell: of => whole(of('backMaxMs')) },
  { heading: 'events missed', cell: of => whole(of('missedAfterCut')) },
  { heading: 'connections that a browser holds', cell: (_, browser) => browser },
]

/** @param {Run} run @param {string} way @returns {(figure: Figure) => number} */
const figuresOf = (run, way) => figure => median(run.results.filter(each => each.way === way).map(each => each[figure]))

/** @param {Run} run */
const measuredWays = run => Object.keys(run.ways).filter(way => run.results.some(each => each.way === way))

/** @param {Run} run */
export function toMarkdown(run) {
  const names = measuredWays(run)
  /** @param {readonly Column[]} columns @param {boolean} hasWords whether the last column is no number */
  const tableOf = (columns, hasWords) =>
    toTable(
      [
        ['', ...columns.map(({ heading }) => heading)],
        ...names.map(name => [
          run.ways[name]?.title ?? name,
          ...columns.map(({ cell }) => cell(figuresOf(run, name), run.ways[name]?.browser ?? '')),
        ]),
      ],
      hasWords,
    )
  const { machine } = run
  const wrong = run.results.flatMap(({ way, wrong: faults }) =>
    faults.map(fault => `- ${run.ways[way]?.title}: ${fault}.\n`),
  )
  const leftOut = Object.entries(run.left).map(
    ([name, why]) => `- ${run.ways[name]?.title ?? name} is left out: ${why}.\n`,
  )
  const share = Math.max(0, ...run.results.map(({ othersShare }) => othersShare))
  const [doubt = ''] = disturbance(share).map(
    () => ' So its times say little; bytes, memory and, but for the noise, CPU are what they are.',
  )
  return `On the live feed:

${tableOf(feedColumns, false)}

After all connections were reset at once, and five events published while nobody was there:

${tableOf(cutColumns, true)}

${run.clients.toLocaleString('en')} clients of each, ${run.rate} events of 100 bytes a second for ${run.seconds} seconds${run.rounds > 1 ? `, medians of ${run.rounds} rounds` : ''}. Measured on ${run.when.slice(0, 10)}, on ${machine.cores} cores (${machine.cpu}),
Linux ${machine.kernel}, Node.js ${machine.node.replace('v', '')}, ws ${machine.ws}; other programs took up to ${Math.round(share * 100)} % of a core meanwhile.${doubt}
${[...wrong, ...leftOut].length > 0 ? `\n${[...wrong, ...leftOut].join('')}` : ''}`
}

/** As the formatter of this repository leaves it: columns of one width. @param {readonly (readonly string[])[]} cells @param {boolean} hasWords */
function toTable([head = [], ...rest], hasWords) {
  const widths = head.map((_, at) => Math.max(3, ...[head, ...rest].map(line => line[at]?.length ?? 0)))
  const isNumber = head.map((_, at) => at > 0 && !(hasWords && at === head.length - 1))
  const rule = widths.map((width, at) => (isNumber[at] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))
  /** @param {readonly string[]} line */
  const padded = line =>
    line.map((text, at) => (isNumber[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
  return [padded(head), rule, ...rest.map(padded)].map(line => `| ${line.join(' | ')} |`).join('\n')
}

const heading = '## What was measured\n'

/** The page with what the run found in the section that is kept for it. @param {string} page @param {Run} run */
export function withSection(page, run) {
  const from = page.indexOf(heading)
  const to = page.indexOf('\n## ', from + 1)
  if (from < 0 || to < 0) {
    throw new Error(`docs/transports.md has no section ${heading.trim()} with another one behind it.`)
  }
  const section = `![Latency, bytes, CPU and memory of each way.](pictures/transports.svg)\n\n${toMarkdown(run)}`
  return `${page.slice(0, from + heading.length)}\n${section}${page.slice(to)}`
}

const barHeight = 16
const panelWidth = 440
const nameWidth = 165

/** @type {readonly { title: string, figure: (of: (figure: Figure) => number) => number, show: (value: number) => string, isLog?: boolean }[]} */
const panels = [
  { title: 'Latency, 99 of a hundred, ms (logarithmic)', figure: of => of('p99Ms'), show: short, isLog: true },
  { title: 'Bytes for an event, up and down', figure: of => of('upPerEvent') + of('downPerEvent'), show: whole },
  { title: 'CPU time of the hub for an event, µs', figure: of => of('cpuPerEventUs'), show: whole },
  {
    title: 'Memory of the hub for a client, kB',
    figure: of => of('bytesPerClient') / 1_000,
    show: value => value.toFixed(1),
  },
]

/** Four panels of bars, which look right on a light and on a dark page. @param {Run} run */
export function toPlot(run) {
  const names = measuredWays(run)
  const panelHeight = names.length * (barHeight + 6) + 50
  const drawn = panels.map((panel, at) => {
    const [x, y] = [(at % 2) * panelWidth + 10, Math.floor(at / 2) * panelHeight + 10]
    return toPanel(run, names, panel, x, y)
  })
  const [width, height] = [2 * panelWidth + 10, 2 * panelHeight + 10]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title about">
<title id="title">What each way to hear a hub costs</title><desc id="about">Bars for each way: latency, bytes, CPU time and memory.</desc>
<style>text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.bar{fill:#2563eb}.ours{fill:#0a7d5a}.grid{stroke:#ddd;fill:none}@media(prefers-color-scheme: dark){text{fill:#ccc}.grid{stroke:#444}.bar{fill:#5b8def}.ours{fill:#3fb58f}}</style>
${drawn.join('\n')}
</svg>
`
}

/**
 * @param {Run} run
 * @param {readonly string[]} names
 * @param {typeof panels[number]} panel
 * @param {number} x
 * @param {number} y
 */
function toPanel(run, names, { title, figure, show, isLog }, x, y) {
  const values = names.map(name => figure(figuresOf(run, name)))
  const room = panelWidth - nameWidth - 70
  const top = Math.max(...values, 1e-3)
  const decades = Math.max(1, Math.ceil(Math.log10(top)))
  /** @param {number} value */
  const toLength = value =>
    room * (isLog ? Math.max(0.01, Math.log10(Math.max(1, value)) / decades) : Math.max(0, value / top))
  const from = x + nameWidth
  const bottom = y + 30 + names.length * (barHeight + 6)
  const grid = isLog
    ? Array.from(
        { length: decades + 1 },
        (_, i) => `<path class="grid" d="M${from + (room * i) / decades} ${y + 24}V${bottom}"/>`,
      )
    : []
  const bars = names.map((name, i) => {
    const [value, at] = [values[i] ?? 0, y + 30 + i * (barHeight + 6)]
    const length = toLength(value).toFixed(1)
    return `<text x="${from - 8}" y="${at + 12}" text-anchor="end">${run.ways[name]?.title}</text><rect class="${name.startsWith('sse') ? 'ours' : 'bar'}" x="${from}" y="${at}" width="${length}" height="${barHeight}"/><text x="${(from + Number(length) + 6).toFixed(1)}" y="${at + 12}">${show(value)}</text>`
  })
  return [`<text class="title" x="${x}" y="${y + 12}">${title}</text>`, ...grid, ...bars].join('\n')
}
