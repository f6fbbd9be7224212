// The results as Markdown.

import { scenarios } from '../scenarios/all.mjs'
import { servers } from '../servers.mjs'
import { columns } from './layout.mjs'
import { middle, select } from './medians.mjs'
import { targets } from './targets.mjs'

/** @param {string} name */
const title = name => servers[name]?.title ?? 'LMDB, a bare loop of puts'

/**
 * @param {import('./medians.mjs').Run} run
 * @param {import('../scenarios/scenario.mjs').Sizes} sizes
 */
export function toMarkdown({ when, mode, rounds, tookSeconds, machine, left, results }, sizes) {
  const { cpu, cores, kernel, node, nginx, generator, load, notes } = machine
  const loads = results.map(each => each.load)
  const parts = [
    `# What was measured on ${when.slice(0, 10)}`,
    `${cores} cores (${cpu}), Linux ${kernel}, Node.js ${node}${nginx ? `, nginx ${nginx}` : ''}; generator in ${generator}. ` +
      `Medians of ${rounds === 1 ? 'one round' : `up to ${rounds} rounds`} (${mode}, ${tookSeconds} s); load of the machine ${load} at the start, ` +
      `${Math.min(...loads)} to ${Math.max(...loads)} meanwhile. ` +
      'In brackets: × the figure of the C floor, or of whom the heading names. A dash: not measured, or no round counted.',
    ...notes.map(note => `Note: ${note}.`),
  ]
  // A handful of connections says nothing about them.
  const reached = (mode === 'tiny' ? [] : targets(results, sizes)).filter(({ measured }) => measured !== undefined)
  if (reached.length > 0) {
    const rows = reached.map(({ what, wanted, measured, isReached }) => [
      what,
      wanted,
      figure(measured),
      isReached ? 'yes' : '**no**',
    ])
    parts.push('## What is to be reached', table(['what', 'wanted', 'measured', 'reached'], rows))
  }
  for (const [name, all] of Object.entries(columns(sizes))) {
    const scenario = scenarios[name]
    const present =
      scenario?.servers.filter(server => results.some(each => each.scenario === name && each.server === server)) ?? []
    if (scenario === undefined || present.length === 0) continue
    const shown = all.filter(column => present.some(server => cell(results, name, server, column) !== '–'))
    const rows = present.map(server => [title(server), ...shown.map(column => cell(results, name, server, column))])
    parts.push(`## ${scenario.title}`, scenario.about)
    if (shown.length > 0) parts.push(table(['', ...shown.map(({ heading }) => heading)], rows))
    parts.push(...remarks(results, name))
  }
  const leftOut = Object.entries(left).map(([what, why]) => `- ${what}: ${why}`)
  if (leftOut.length > 0) parts.push('## Left out', leftOut.join('\n'))
  return `${parts.join('\n\n')}\n`
}

/**
 * @param {readonly import('./medians.mjs').Result[]} results
 * @param {string} scenario
 * @param {string} server
 * @param {import('./layout.mjs').Column} column
 */
function cell(results, scenario, server, { case: what, value, show, per }) {
  const measured = middle(results, scenario, what, server, value)
  if (measured === undefined) return '–'
  const unit = per === undefined ? undefined : middle(results, scenario, what, per, value)
  const shown = show(measured)
  if (unit === undefined) return shown === '' ? '–' : shown
  const ratio = (measured / unit).toFixed(2)
  return shown === '' ? ratio : `${shown} (${ratio})`
}

/** What went wrong, and what did not count. @param {readonly import('./medians.mjs').Result[]} results @param {string} scenario */
function remarks(results, scenario) {
  const lines = new Set()
  for (const { case: what, server } of results.filter(each => each.scenario === scenario)) {
    const rounds = select(results, scenario, what, server)
    const wrong = new Set(rounds.flatMap(each => each.wrong))
    if (wrong.size > 0) lines.add(`- **Wrong**: ${title(server)}, ${what}: ${[...wrong].join('; ')}.`)
    const uncounted = rounds.filter(each => each.void.length > 0)
    const why = new Set(uncounted.flatMap(each => each.void))
    if (why.size > 0) {
      lines.add(
        `- Does not count: ${title(server)}, ${what}, ${uncounted.length} of ${rounds.length} rounds: ${[...why].join('; ')}.`,
      )
    }
  }
  const timed = results.filter(each => each.scenario === scenario)
  const spoilt = timed.filter(each => each.untimed.length > 0)
  if (spoilt.length > 0) {
    const why = new Set(spoilt.flatMap(each => each.untimed.map(reason => reason.replace(/\d+ %/, 'too much'))))
    lines.add(`- Times and rates of ${spoilt.length} of ${timed.length} flows do not count: ${[...why].join('; ')}.`)
  }
  return lines.size === 0 ? [] : [[...lines].join('\n')]
}

/** @param {number | undefined} value */
function figure(value) {
  if (value === undefined) return '–'
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}

/** @param {readonly string[]} heading @param {readonly (readonly string[])[]} rows */
function table(heading, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`
  return [line(heading), line(heading.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
