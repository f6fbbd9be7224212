import type { NewEvent } from '../../log/log.js'
import { type Figure, type Figures, openFigures } from './figures.js'

/** The topic that tells the time, and that everybody may hear. */
export const clockTopic = 'clock'

const clockPeriodS = 5

export interface FeedOptions {
  /** As `Hub.publish`. */
  readonly publish: (events: readonly NewEvent[]) => Promise<unknown>
  /** Told in one sentence when the feeds fall silent, when they go on, and what this machine does not tell. */
  readonly report: (message: string) => void
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number
  /** Default: what this machine tells. */
  readonly figures?: Figures
}

/**
 * Publishes the time of day on `clock` every 5 seconds, and this machine's figures on `host/...` every second, until the
 * function that it returns is called. While a publish is not answered, no other is begun; a log that is away costs the
 * events of that time, and nothing else.
 */
export function startFeeds(options: FeedOptions): () => void {
  const clock = options.clock ?? Date.now
  const { figures, missing } = options.figures ?? openFigures(clock)
  for (const { topic, reason } of missing) options.report(`The demo feed ${topic} is not started: ${reason}.`)
  const unreadable = new Set<string>()
  let isPublishing = false
  let isSilent = false
  let timer: NodeJS.Timeout | undefined

  const publish = async (events: readonly NewEvent[]): Promise<void> => {
    isPublishing = true
    try {
      await options.publish(events)
      if (isSilent) options.report('The demo feeds go on.')
      isSilent = false
    } catch (error) {
      if (!isSilent && timer)
        options.report(`The demo feeds are silent until they can publish again: ${reasonOf(error)}`)
      isSilent = true
    } finally {
      isPublishing = false
    }
  }

  const read = (figure: Figure): string | undefined => {
    try {
      const data = JSON.stringify(figure.read())
      unreadable.delete(figure.topic)
      return data
    } catch (error) {
      if (!unreadable.has(figure.topic)) {
        options.report(`The demo feed ${figure.topic} is silent until it can be read again: ${reasonOf(error)}`)
      }
      unreadable.add(figure.topic)
      return undefined
    }
  }

  const tick = (): void => {
    const time = clock()
    schedule(time)
    if (isPublishing) return
    const events: NewEvent[] = []
    const second = Math.round(time / 1000)
    if (second % clockPeriodS === 0) events.push({ topic: clockTopic, data: timeOfDay(new Date(second * 1000)) })
    for (const figure of figures) {
      const data = read(figure)
      if (data !== undefined) events.push({ topic: figure.topic, data })
    }
    if (events.length > 0) void publish(events)
  }

  // To the full second, so that the clock is right and does not drift.
  const schedule = (time: number): void => {
    const restMs = 1000 - (time % 1000)
    // A timer may fire a little early; the second that is all but over is the one of this tick.
    timer = setTimeout(tick, restMs < 100 ? restMs + 1000 : restMs)
  }

  schedule(clock())
  return () => {
    clearTimeout(timer)
    timer = undefined
  }
}

/** `HH:MM:SS` of this machine's time zone. */
export function timeOfDay(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(part => String(part).padStart(2, '0')).join(':')
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
