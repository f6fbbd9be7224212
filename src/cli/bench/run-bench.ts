import { setMaxListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import { setTimeout as rest } from 'node:timers/promises'
import { showUrl } from '../hub-client/hub-url.js'
import type { Place } from './dial.js'
import { createFleet, type Fleet } from './fleet.js'
import type { BenchOptions } from './options.js'
import { createPublisher, type Publisher } from './publisher.js'
import { type BenchResult, findWarnings, toLatency } from './result.js'
import { watchSelf } from './self-watch.js'
import { transports } from './transports.js'

/** Where a bench stands, ten times a second. */
export type Progress =
  | { readonly stage: 'connecting'; readonly ready: number }
  | { readonly stage: 'publishing'; readonly leftMs: number; readonly published: number; readonly heard: number }
  | { readonly stage: 'settling'; readonly heard: number }

export interface BenchRun {
  readonly place: Place
  readonly options: BenchOptions
  /** Of the topics; not yet used by anybody. */
  readonly prefix: string
  /** Publish no more, and come to an end. */
  readonly stop: AbortSignal
  /** End as it is. */
  readonly giveUp: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

const lookMs = 50
/** An answer may take a while; the fleet is given as long for what it has not heard, from the last that it heard. */
const patienceMs = 10_000

/** Listens, publishes, waits until all is heard, and says what it found. Rejects with `CommandEnd`, or with the reason of `giveUp`. */
export async function runBench({ place, options, prefix, stop, giveUp, onProgress }: BenchRun): Promise<BenchResult> {
  const topics = Array.from({ length: options.topics }, (_, i) => `${prefix}/${i}`)
  const transport = transports[options.transport]
  if (!transport) throw new Error(`no transport ${options.transport}`)
  const fleet = createFleet({ place, transport, clients: options.clients, topics })
  const unanswered = new AbortController()
  const signal = AbortSignal.any([unanswered.signal, giveUp])
  // Each connection that publishes listens to it.
  setMaxListeners(0, signal)
  const { rate, size } = options
  const publisher = createPublisher({ url: place.url, topics, rate, dataBytes: size, signal })
  try {
    const connectMs = await connect(fleet, AbortSignal.any([stop, giveUp]), onProgress)
    const stopWatching = watchSelf()
    const startedAt = performance.now()
    const durationMs = await publish({ publisher, fleet, durationMs: options.duration, stop, unanswered, onProgress })
    const generator = stopWatching()
    const heardAt = await settle(fleet, publisher, giveUp, onProgress)
    return report({
      place,
      options,
      prefix,
      fleet,
      publisher,
      generator,
      connectMs,
      durationMs,
      heardMs: heardAt - startedAt,
    })
  } finally {
    publisher.stop()
    unanswered.abort()
    fleet.close()
  }
}

async function connect(fleet: Fleet, signal: AbortSignal, onProgress: BenchRun['onProgress']): Promise<number> {
  const startedAt = performance.now()
  const timer = setInterval(() => onProgress({ stage: 'connecting', ready: fleet.ready }), lookMs)
  try {
    await fleet.open(signal)
    return performance.now() - startedAt
  } finally {
    clearInterval(timer)
  }
}

/** Resolves to how long it took until the last event was answered: what waits when the time is over is still sent. */
async function publish(run: {
  readonly publisher: Publisher
  readonly fleet: Fleet
  readonly durationMs: number
  readonly stop: AbortSignal
  readonly unanswered: AbortController
  readonly onProgress: BenchRun['onProgress']
}): Promise<number> {
  const { publisher, fleet, durationMs, stop, unanswered, onProgress } = run
  const startedAt = performance.now()
  const done = publisher.run()
  let isDone = false
  const settled = done.then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  const leftMs = (): number => startedAt + durationMs - performance.now()
  while (!isDone && !stop.aborted && leftMs() > 0) {
    onProgress({
      stage: 'publishing',
      leftMs: leftMs(),
      published: total(publisher.published),
      heard: fleet.tally.heard,
    })
    await Promise.race([rest(Math.min(lookMs, leftMs())), settled])
  }
  publisher.stop()
  const timer = setTimeout(() => unanswered.abort(), patienceMs)
  await done.finally(() => clearTimeout(timer))
  return performance.now() - startedAt
}

/** Waits until all is heard; resolves to when the last was. */
async function settle(
  fleet: Fleet,
  { published }: Publisher,
  giveUp: AbortSignal,
  onProgress: BenchRun['onProgress'],
): Promise<number> {
  let heard = -1
  let heardAt = performance.now()
  while (!giveUp.aborted && performance.now() - heardAt < patienceMs) {
    if (fleet.tally.heard !== heard) {
      heard = fleet.tally.heard
      heardAt = performance.now()
    }
    if (fleet.hasHeard(published)) break
    onProgress({ stage: 'settling', heard })
    await rest(lookMs)
  }
  return heardAt
}

function report(run: {
  readonly place: Place
  readonly options: BenchOptions
  readonly prefix: string
  readonly fleet: Fleet
  readonly publisher: Publisher
  readonly generator: BenchResult['generator']
  readonly connectMs: number
  readonly durationMs: number
  readonly heardMs: number
}): BenchResult {
  const { place, options, prefix, fleet, publisher, generator, connectMs, durationMs, heardMs } = run
  const expected = fleet.finish(publisher.published)
  const published = total(publisher.published)
  const result = {
    url: showUrl(place.url),
    transport: options.transport,
    clients: options.clients,
    topics: options.topics,
    rate: options.rate,
    sizeBytes: options.size,
    durationMs: Math.round(durationMs),
    connectMs: Math.round(connectMs),
    events: {
      published,
      perSecond: Math.round((published * 1000) / durationMs),
      unsent: publisher.unsent,
      unanswered: publisher.unanswered,
    },
    publishing: {
      refused: publisher.refusals,
      cut: publisher.cuts,
      latencyMs: toLatency(publisher.latency),
    },
    deliveries: { ...fleet.tally, expected, perSecond: Math.round((fleet.tally.heard * 1000) / heardMs) },
    latencyMs: toLatency(fleet.latency),
    connections: {
      reconnects: fleet.reconnects,
      gaps: fleet.gaps,
      awayAtEnd: options.clients - fleet.hearing,
    },
    generator,
    selector: `${prefix}/**`,
  }
  return { ...result, warnings: findWarnings(result, place.isLoopback, availableParallelism()) }
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
