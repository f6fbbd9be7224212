import { paint } from '../terminal.js'
import { type BenchResult, count, keptPromises, type Latency, percent } from './result.js'

/** The figures as a table for people, of lines below 100 characters but for the warnings. */
export function showResult(result: BenchResult): string {
  const { deliveries, events, publishing, connections, generator } = result
  const rows: readonly (readonly [string, string])[] = [
    [
      'heard',
      `${count(deliveries.heard)} of ${count(deliveries.expected)} deliveries, ${count(deliveries.perSecond)}/s`,
    ],
    ['missing', missing(result)],
    ['wrong', wrong(result)],
    ['latency', latency(result.latencyMs)],
    ['', ''],
    ['published', published(result)],
    ['answered in', latency(publishing.latencyMs)],
    ['refused', `${count(publishing.refused)} requests, ${count(publishing.cut)} not answered; all sent again`],
    ['', ''],
    [
      'connections',
      `${count(result.clients)} within ${seconds(result.connectMs)}, ${count(connections.reconnects)} cut and back again`,
    ],
    [
      'this program',
      `${generator.processors.toFixed(2)} processors, busy ${percent(generator.busy)}, late by ${ms(generator.lateMs)} (p99)`,
    ],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const out = process.stdout
  const table = rows
    .map(([name, text]) => (name === '' ? '\n' : `${paint(out, 'dim', name.padEnd(width))}  ${text}\n`))
    .join('')
  const warnings = result.warnings.map(warning => `${paint(out, 'yellow', 'Note:')} ${warning}\n`).join('')
  const verdict = keptPromises(result)
    ? paint(out, 'green', 'Every client heard what it was promised.')
    : paint(out, 'red', 'Clients did not hear what they were promised.')
  return `${table}
${verdict}
${warnings}The ${count(events.published)} events stay in the log, under ${result.selector}, until retention removes them.
`
}

/** What a bench is about to do, or did. */
export function showPlan(
  result: Pick<BenchResult, 'url' | 'clients' | 'transport' | 'topics' | 'rate' | 'sizeBytes'>,
): string {
  const { url, clients, transport, topics, rate, sizeBytes } = result
  const pace = rate === 0 ? 'events as fast as they are answered' : `${count(rate)} events/s`
  const where = topics === 1 ? '1 topic' : `${count(topics)} topics`
  return `${url}: ${pace} of ${count(sizeBytes)} bytes on ${where}, ${count(clients)} clients by ${transport}`
}

function missing({ deliveries, connections }: BenchResult): string {
  const { lost, told, unheard } = deliveries
  const gaps = told > 0 || connections.gaps > 0 ? `, ${count(told)} told of (${count(connections.gaps)} $gap)` : ''
  const away =
    connections.awayAtEnd > 0 ? `, ${count(unheard)} by ${count(connections.awayAtEnd)} that were away at the end` : ''
  return `${count(lost)} lost${gaps}${away}`
}

function wrong({ deliveries: { repeated, replayed, disordered } }: BenchResult): string {
  const again = replayed > 0 ? `, ${count(replayed)} again after a $gap` : ''
  return `${count(repeated)} repeated, ${count(disordered)} out of order${again}`
}

function published({ events, durationMs }: BenchResult): string {
  const unsent = events.unsent > 0 ? `, ${count(events.unsent)} not sent` : ''
  const unanswered = events.unanswered > 0 ? `, ${count(events.unanswered)} never answered` : ''
  return `${count(events.published)} events in ${seconds(durationMs)}, ${count(events.perSecond)}/s${unsent}${unanswered}`
}

function latency({ count, p50, p90, p99, max }: Latency): string {
  if (count === 0) return 'none'
  return `p50 ${ms(p50)}  p90 ${ms(p90)}  p99 ${ms(p99)}  max ${ms(max)}`
}

function ms(time: number): string {
  return time < 10 ? `${time.toFixed(2)} ms` : time < 1000 ? `${time.toFixed(1)} ms` : seconds(time)
}

function seconds(time: number): string {
  return `${(time / 1000).toFixed(time < 100_000 ? 1 : 0)} s`
}
