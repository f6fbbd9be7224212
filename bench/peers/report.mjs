// The table of a run, and its place in docs/peers.md.
import { median } from '../load/measure.mjs'

/**
 * @typedef {object} Run
 * @property {string} when
 * @property {number} tookSeconds
 * @property {{ cpu: string, cores: number, kernel: string, node: string, load: string }} machine
 * @property {Readonly<Record<string, { title: string, versions: Readonly<Record<string, string>>, packages: number }>>} peers
 * @property {Readonly<Record<string, { title: string, about: string }>>} rows
 * @property {readonly ({ row: string, peer: string } & import('./rows/row.mjs').Outcome)[]} results
 * @property {number} subscribers
 * @property {readonly Cost[]} costs
 */
/** @typedef {{ peer: string, round: number, cpuPerMillion: number, othersShare: number, wrong: readonly string[], void: readonly string[] }} Cost */

/** The peer that the others' costs are told as multiples of. */
export const measure = 'express'

/** @param {Run} run */
export function toMarkdown(run) {
  const names = Object.keys(run.peers)
  const cells = [
    ['', ...names.map(name => run.peers[name]?.title ?? name)],
    ...Object.entries(run.rows).map(([row, { title }]) => [title, ...names.map(name => cell(run, row, name))]),
    ...(run.costs.length === 0
      ? []
      : [[`CPU for ${run.subscribers.toLocaleString('en')} readers`, ...names.map(name => costCell(run, name))]]),
    ['Packages that come along', ...names.map(name => String(run.peers[name]?.packages ?? ''))],
  ]
  const versions = names.flatMap(name => Object.entries(run.peers[name]?.versions ?? {}))
  const tried = `${[...new Map(versions)].map(([name, version]) => `${name} ${version}`).join(', ')}`
  return `${toTable(cells)}

Tried on ${run.when.slice(0, 10)}, on ${run.machine.cores} cores with Node.js ${run.machine.node.replace('v', '')}: ${tried}.
`
}

/** As the formatter of this repository leaves it: columns of one width. @param {readonly (readonly string[])[]} cells */
function toTable([head = [], ...rest]) {
  const widths = head.map((_, at) => Math.max(3, ...[head, ...rest].map(line => line[at]?.length ?? 0)))
  const rule = widths.map(width => '-'.repeat(width))
  return [head, rule, ...rest]
    .map(line => `| ${line.map((text, at) => text.padEnd(widths[at] ?? 0)).join(' | ')} |`)
    .join('\n')
}

/** What each row asks. @param {Run} run */
export function notes(run) {
  return Object.values(run.rows)
    .map(({ title, about }) => `- **${title}.** ${about}\n`)
    .concat(
      `- **CPU for ${run.subscribers.toLocaleString('en')} readers.** What a million deliveries of 100 bytes cost the process, and how many times that of Express in the same round it is; the median of ${new Set(run.costs.map(({ round }) => round)).size} rounds.\n`,
      `- **Packages that come along** into an application that has its framework already, what they depend on included.\n`,
    )
    .join('')
}

/** @param {Run} run @param {string} row @param {string} name */
function cell(run, row, name) {
  return run.results.find(each => each.row === row && each.peer === name)?.says ?? ''
}

/** Seconds for a million deliveries, as a multiple of the same round's `measure`. @param {Run} run @param {string} name */
function costCell(run, name) {
  const rounds = run.costs.filter(({ peer, void: reasons }) => peer === name && reasons.length === 0)
  if (rounds.length === 0) return 'does not count'
  const ratios = rounds.flatMap(({ round, cpuPerMillion }) => {
    const other = run.costs.find(each => each.peer === measure && each.round === round && each.void.length === 0)
    return other ? [cpuPerMillion / other.cpuPerMillion] : []
  })
  const wrong = rounds.some(each => each.wrong.length > 0) ? ', **not all heard all**' : ''
  const seconds = median(rounds.map(({ cpuPerMillion }) => cpuPerMillion)).toPrecision(2)
  return `${seconds} s${ratios.length > 0 ? `, × ${median(ratios).toFixed(2)}` : ''}${wrong}`
}

const heading = '## What was found\n'

/** The page with what the run found in the section that is kept for it. @param {string} page @param {Run} run */
export function withTable(page, run) {
  const from = page.indexOf(heading)
  const to = page.indexOf('\n## ', from + 1)
  if (from < 0 || to < 0) throw new Error(`docs/peers.md has no section ${heading.trim()} with another one behind it.`)
  return `${page.slice(0, from + heading.length)}\n${toMarkdown(run)}\nWhat is asked:\n\n${notes(run)}${page.slice(to)}`
}
