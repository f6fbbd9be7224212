import type { Histogram } from './histogram.js'
import type { SelfReport } from './self-watch.js'
import type { Tally } from './sequence.js'

/** Times in milliseconds. */
export interface Latency {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** What a bench found: what `--json` prints. */
export interface BenchResult {
  readonly url: string
  readonly transport: string
  readonly clients: number
  readonly topics: number
  readonly rate: number
  readonly sizeBytes: number
  /** How long events were published, until the last answer. */
  readonly durationMs: number
  /** Until all clients heard the hub. */
  readonly connectMs: number
  readonly events: {
    /** In the log. */
    readonly published: number
    readonly perSecond: number
    /** Due, and not sent, since the hub did not take them so fast. */
    readonly unsent: number
    /** Sent, and never answered: they may be in the log. */
    readonly unanswered: number
  }
  /** Requests to publish: from the request to its answer. */
  readonly publishing: { readonly refused: number; readonly cut: number; readonly latencyMs: Latency }
  readonly deliveries: Tally & {
    /** Published events, each once for each client of its topic. */
    readonly expected: number
    readonly perSecond: number
  }
  /** From when an event was due until a client had it. */
  readonly latencyMs: Latency
  readonly connections: { readonly reconnects: number; readonly gaps: number; readonly awayAtEnd: number }
  readonly generator: SelfReport
  /** What to know before these figures are believed. */
  readonly warnings: readonly string[]
  /** Where its events are. */
  readonly selector: string
}

export function toLatency(histogram: Histogram): Latency {
  const ms = (us: number): number => Math.round(us) / 1000
  return {
    count: histogram.count,
    p50: ms(histogram.percentileUs(0.5)),
    p90: ms(histogram.percentileUs(0.9)),
    p99: ms(histogram.percentileUs(0.99)),
    max: ms(histogram.maxUs),
  }
}

/** Whether the hub kept what it promises: all that was published, in order, once, or a word on what is missing. */
export function keptPromises({ deliveries }: BenchResult): boolean {
  return deliveries.lost === 0 && deliveries.repeated === 0 && deliveries.disordered === 0
}

/** Beyond these, the generator shows in what it measures. */
const mostProcessors = 0.8
const mostLateMs = 20

/** What to know before the figures are believed. */
export function findWarnings(result: Omit<BenchResult, 'warnings'>, isLoopback: boolean, processors: number): string[] {
  const { generator, rate, events } = result
  const warnings: string[] = []
  const late = `by up to ${generator.lateMs.toFixed(1)} ms (p99), which is in the latencies`
  if (generator.processors > mostProcessors) {
    warnings.push(
      `This program was itself the bottleneck, or near it: it took ${generator.processors.toFixed(2)} processors, of which it can use one, and was late ${late}. ` +
        'Take fewer clients or events, or several machines.',
    )
  } else if (generator.lateMs > mostLateMs) {
    warnings.push(`This program was kept waiting for a processor ${late}: the machine had too much else to do.`)
  }
  if (isLoopback) {
    const shared = processors === 1 ? 'the one processor' : `the ${processors} processors`
    warnings.push(`It shared ${shared} of this machine with the hub: on machines of their own, both would do more.`)
  }
  if (events.unsent > 0) {
    warnings.push(
      `${count(events.unsent)} events were due and not sent: the hub did not take ${count(rate)} a second here, so the latencies include waiting to be sent.`,
    )
  }
  return warnings
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

export function count(number: number): string {
  return numbers.format(number)
}
