import type { NewEvent } from '../../../log/log.js'
import { type Figures, openFigures } from './figures.js'

/** The topic that tells the time, and that everybody may hear. */
export const clockTopic = 'clock'

const clockPeriodMs = 5_000
/** A timer may fire a little before its time: the second that is all but over is the one that it was for. */
const earlyMs = 100

export interface FeedOptions {
  /** As `Hub.publish`. */
  readonly publish: (events: readonly NewEvent[]) => Promise<unknown>
  /** Told in one sentence when a feed falls silent, when it goes on, and what this machine does not tell. */
  readonly report: (message: string) => void
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number
  /** Default: what this machine tells. */
  readonly figures?: Figures
}

/**
 * Publishes the time of day on `clock` every 5 seconds, and this machine's figures on `host/...` every second, until the
 * function that it returns is called. While those of one second are not all answered, no other is begun; a log that is away costs the
 * events of that time, and nothing else.
 */
export function startFeeds(options: FeedOptions): () => void {
  const clock = options.clock ?? Date.now
  const { figures, missing } = options.figures ?? openFigures(clock)
  for (const { topic, reason } of missing) options.report(`The demo feed ${topic} is not started: ${reason}.`)
  const silent = new Set<string>()
  let saidPeriod = periodOf(clock())
  let isPublishing = false
  let timer: NodeJS.Timeout | undefined

  /** One by one: a topic that somebody has ended, or that cannot be read, silences no other. A log commits them together. */
  const feed = async (topic: string, read: () => string): Promise<void> => {
    try {
      await options.publish([{ topic, data: read() }])
      if (silent.delete(topic)) options.report(`The demo feed ${topic} goes on.`)
    } catch (error) {
      if (!timer || silent.has(topic)) return
      silent.add(topic)
      options.report(
        `The demo feed ${topic} is silent for now: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  const tick = (): void => {
    const time = clock()
    schedule(time)
    if (isPublishing) return
    isPublishing = true
    const fed = figures.map(figure => feed(figure.topic, () => JSON.stringify(figure.read())))
    const period = periodOf(time)
    // However late the tick is, or how many were left out while a publish was waited for.
    if (period !== saidPeriod) fed.push(feed(clockTopic, () => timeOfDay(new Date(period * clockPeriodMs))))
    saidPeriod = period
    void Promise.all(fed).finally(() => {
      isPublishing = false
    })
  }

  // To the full second, so that the clock is right and does not drift.
  const schedule = (time: number): void => {
    const restMs = 1000 - (time % 1000)
    timer = setTimeout(tick, restMs < earlyMs ? restMs + 1000 : restMs)
  }

  schedule(clock())
  return () => {
    clearTimeout(timer)
    timer = undefined
  }
}

/** Which of the times that the clock says has come last. */
function periodOf(time: number): number {
  return Math.floor((time + earlyMs) / clockPeriodMs)
}

/** `HH:MM:SS` of this machine's time zone. */
export function timeOfDay(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(part => String(part).padStart(2, '0')).join(':')
}
