import type { Governed } from '../../log/lmdb/forecast.js'
import type { LogReport, Opening } from '../../log/lmdb/inspect.js'
import { bytesText, countOf, countText, durationText, shareText, timeText } from './amounts.js'

/** How a word is painted, or not. */
export type Paint = (colour: 'bold' | 'dim' | 'red' | 'green' | 'yellow', text: string) => string

/** How many epochs are listed, the newest ones. */
const maxEpochs = 5

/** What was found of a log, for people. `rulesFrom`: whose rules of retention they are. */
export function describeLog(report: LogReport, rulesFrom: string, now: number, paint: Paint): string {
  const rows: (readonly [label: string, text: string])[] = [
    ['Log', `${report.directory}${report.isInUse ? ', in use by a hub' : ''}`],
    ['Format', formatText(report)],
    [
      'File',
      `${bytesText(report.fileBytes)}: ${bytesText(report.usedBytes)} used, ${bytesText(report.freeBytes)} free to be written again`,
    ],
    [
      'Room',
      `${shareText(report.usedBytes, report.maxBytes)} of ${bytesText(report.maxBytes)} (mapBytes); ${bytesText(report.mappedBytes)} mapped`,
    ],
    ['Events', `${countText(report.events)} of ${countOf(report.topics, 'topic')}, up to offset ${report.headOffset}`],
    ...timeRows(report, now),
    ['Repeats', `${countOf(report.tokens, 'key')} of requests remembered, to know them again`],
    ...epochRows(report),
  ]
  const retention = `Retention, by ${rulesFrom}\n${ruleTable(report.rules, now)}`
  return `${toRows(rows, paint)}\n${retention}\n${toRows(verdictRows(report, paint), paint)}`
}

function toRows(rows: readonly (readonly [string, string])[], paint: Paint): string {
  return rows.map(([label, text]) => `${paint('bold', label.padEnd(12))}${text}\n`).join('')
}

function formatText({ version, newestVersion }: LogReport): string {
  return version === newestVersion ? `version ${version}` : `version ${version}; the present one is ${newestVersion}`
}

function timeRows({ events, oldestTime, newestTime }: LogReport, now: number): [string, string][] {
  if (events === 0) return []
  return [
    ['Oldest', timeText(oldestTime, now)],
    ['Newest', timeText(newestTime, now)],
  ]
}

function epochRows({ epochs }: LogReport): [string, string][] {
  const shown = epochs.slice(-maxEpochs)
  const left = epochs.length - shown.length
  const lines = shown.map(({ epoch, first }) => `${epoch} from offset ${first}`)
  return [
    ...lines.map((line, i): [string, string] => [i === 0 ? 'Epochs' : '', line]),
    ...(left > 0 ? ([['', `and ${left} before them`]] as [string, string][]) : []),
  ]
}

/** What a rule keeps, in words. */
function limitsText({ rule }: Governed): string {
  if (!rule) return 'everything'
  const limits = [
    rule.ephemeral && 'nothing',
    rule.ageMs < Infinity && durationText(rule.ageMs),
    rule.count < Infinity && countOf(rule.count, 'event'),
    rule.bytes < Infinity && bytesText(rule.bytes),
  ].filter(limit => limit !== false)
  const text = limits.length === 0 ? 'everything' : limits.join(', ')
  return rule.keepLatest ? `${text}, and the newest of each key` : text
}

function ruleTable(rules: readonly Governed[], now: number): string {
  const rows = rules
    // Of the topics that no rule governs only if there are any.
    .filter(({ rule, events }) => rule || events > 0)
    .map(governed => [
      governed.rule?.selector.text ?? '(no rule)',
      limitsText(governed),
      countText(governed.events),
      bytesText(governed.bytes),
      governed.oldestTime === 0 ? '-' : timeText(governed.oldestTime, now),
      governed.dueEvents === 0 ? '-' : `${countOf(governed.dueEvents, 'event')}, ${bytesText(governed.dueBytes)}`,
    ])
  const head = ['rule', 'keeps', 'events', 'bytes', 'oldest', 'goes at the next turn']
  const table = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...table.map(row => (row[i] ?? '').length)))
  const isNumber = (i: number) => i === 2 || i === 3
  return table
    .map(row => row.map((cell, i) => (isNumber(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))))
    .map(row => `  ${row.join('  ').trimEnd()}\n`)
    .join('')
}

function verdictRows(report: LogReport, paint: Paint): [string, string][] {
  const { opening, agreement, replaced } = report
  return [
    ...(opening ? openingTexts(opening) : ['nothing to say: a hub has it open']).map((text, i): [string, string] => [
      i === 0 ? 'Opening it' : '',
      text,
    ]),
    ...agreementTexts(agreement, paint).map((text, i): [string, string] => [i === 0 ? 'Indexes' : '', text]),
    ...replaced.map(({ name, bytes }): [string, string] => [
      'Kept',
      `${name}, ${bytesText(bytes)}: a log that was replaced by a restored one; delete it when nobody needs it`,
    ]),
  ]
}

const reasons = {
  unclean: 'the machine stopped while it was written with async, so events that were heard may be lost',
  copy: 'the file is a copy, and what the original went on to hold is not known',
} as const

/** What a hub would do that opened the log now. */
function openingTexts({ beginsEpoch, migratesFrom, recountsRules }: Opening): string[] {
  const texts: string[] = []
  if (migratesFrom !== undefined) texts.push(`brings it up from version ${migratesFrom}; older programs refuse it then`)
  if (beginsEpoch) texts.push(`begins a new epoch: ${reasons[beginsEpoch]}; readers who are ahead are told ($gap)`)
  if (recountsRules) texts.push('counts anew what each rule governs: they are not the rules that it was left with')
  return texts.length === 0 ? ['changes nothing'] : texts
}

function agreementTexts(agreement: LogReport['agreement'], paint: Paint): string[] {
  if (!agreement) return ['not compared with the events (--quick)']
  const { problems, found } = agreement
  if (found === 0) return [paint('green', 'agree with the events')]
  const more = found > problems.length ? [`and ${countText(found - problems.length)} more`] : []
  // Names that are damaged may hold anything, also what a terminal takes for a command.
  const harmless = problems.map(problem => problem.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}'))
  return [paint('red', `${countOf(found, 'thing')} that cannot be:`), ...harmless, ...more]
}
