import { randomUUID } from 'node:crypto'
import type { EventLog, Head, NewEvent } from '../log/log.js'
import { TidingsError } from '../wire/errors.js'
import type { Position } from '../wire/names.js'
import { checkEvent } from './check-event.js'
import { toLeaseEvent } from './mark.js'
import { type Outcome, outcomeOf, readLastEvent, toEnding } from './topic-end.js'

/** What streams need of their hub. */
export interface StreamSurroundings {
  readonly log: EventLog
  /** Appends what the hub itself has to say. */
  append(events: readonly NewEvent[]): Promise<readonly Position[]>
  /** Appends what a producer says, and marks after it, to the ids of the events. */
  publish(events: readonly NewEvent[], marks: readonly NewEvent[]): Promise<readonly string[]>
  /** The head of the log, asked now. */
  askHead(): Promise<Head>
  /** Resolves when the hub has passed `offset`, or will not. */
  reached(offset: number): Promise<void>
  report(message: string, error?: unknown): void
}

/** A topic that one producer speaks on, until it ends. */
export interface StreamLease {
  /** Appends what the producer says; rejects as `Hub.publish`, and with `stream-closed` when the stream is over. */
  append(events: readonly NewEvent[]): Promise<readonly string[]>
  /**
   * Ends the topic after `last`. Resolves when that is in the log, to how the topic ended, by whoever was first; while the log does not
   * take it, it is tried again. Never rejects.
   */
  end(outcome: Outcome, last: readonly NewEvent[]): Promise<Outcome>
}

/** How a producer's lease is kept. */
export interface LeaseOptions {
  /** 1,000 to 600,000. */
  readonly leaseMs: number
  /** Is told once how the stream ended; `abandoned` also where another producer has opened the topic. */
  readonly onOver: (outcome: Outcome) => void
}

/** The default, the least and the most. */
export const leaseBounds: { readonly leaseMs: readonly [fallback: number, least: number, most: number] } = {
  leaseMs: [30_000, 1_000, 600_000],
}

/** A producer that lives says so so many times in the time of its lease. */
const renewalsPerLease = 3
/**
 * And whenever he has said so many events: of a topic of which retention keeps more than these, it keeps a mark, by which a hub that comes later
 * knows that it is a stream.
 */
const eventsPerMark = 16
/** After a failure it is tried again after so long, at most. */
const retryMs = 1_000

export class Lease implements StreamLease {
  readonly topic: string
  readonly holder: string = randomUUID()
  /** Offset of its first mark; 0 before that is in the log. */
  openedAt = 0
  /** Events that were said since the last mark. */
  #unmarked = 0
  readonly #hub: StreamSurroundings
  readonly #options: LeaseOptions
  readonly #onOver: (lease: Lease) => void
  #renewal: NodeJS.Timeout | undefined
  #ending: Promise<Outcome> | undefined
  #outcome: Outcome | undefined
  #wake: (() => void) | undefined

  /** `onOver`: it is not to be looked after any more. */
  constructor(hub: StreamSurroundings, topic: string, options: LeaseOptions, onOver: (lease: Lease) => void) {
    this.#hub = hub
    this.topic = topic
    this.#options = options
    this.#onOver = onOver
  }

  /** Rejects as the log does, and with `topic-ended`. */
  async open(): Promise<void> {
    const [position] = await this.#hub.append([this.#mark(true)])
    this.openedAt = position?.offset ?? 0
    this.#renewAfter(this.#options.leaseMs / renewalsPerLease)
  }

  async append(events: readonly NewEvent[]): Promise<readonly string[]> {
    if (this.#outcome) throw isOver(this.#outcome)
    for (const event of events) checkEvent(event)
    this.#unmarked += events.length
    const isDue = this.#unmarked >= eventsPerMark
    if (isDue) this.#unmarked = 0
    try {
      return await this.#hub.publish(events, isDue ? [this.#mark(false)] : [])
    } catch (error) {
      if (!hasEnded(error)) throw error
      throw isOver(await this.#endedBefore())
    }
  }

  end(outcome: Outcome, last: readonly NewEvent[]): Promise<Outcome> {
    this.#ending ??= this.#end(outcome, last)
    return this.#ending
  }

  /** It is over, as was heard from elsewhere. */
  lose(outcome: Outcome): void {
    if (this.#outcome) return
    this.#outcome = outcome
    clearTimeout(this.#renewal)
    this.#wake?.()
    this.#onOver(this)
    this.#options.onOver(outcome)
  }

  async #end(outcome: Outcome, last: readonly NewEvent[]): Promise<Outcome> {
    const events = [...last, toEnding(this.topic, outcome)]
    // What was appended though the log could not say so is refused the second time, as it is when others were first.
    while (!this.#outcome) {
      try {
        await this.#hub.append(events)
        this.lose(outcome)
      } catch (error) {
        if (hasEnded(error)) await this.#endedBefore()
        else await this.#rest('The end of a stream could not be written; it is tried again.', error)
      }
    }
    return this.#outcome
  }

  /** Others were first, and the log knows how they ended it. */
  async #endedBefore(): Promise<Outcome> {
    const last = await readLastEvent(this.#hub.log, this.topic).catch(() => undefined)
    // Who ends the topic without an outcome has stopped it too.
    this.lose((last && outcomeOf(last)) ?? 'stopped')
    return this.#outcome as Outcome
  }

  async #rest(message: string, error: unknown): Promise<void> {
    this.#hub.report(message, error)
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      this.#wake = resolve
      timer = setTimeout(resolve, retryMs).unref()
    })
    clearTimeout(timer)
  }

  #renewAfter(ms: number): void {
    if (!this.#outcome) this.#renewal = setTimeout(() => void this.#renew(), ms).unref()
  }

  async #renew(): Promise<void> {
    const againMs = this.#options.leaseMs / renewalsPerLease
    try {
      await this.#hub.append([this.#mark(false)])
      this.#renewAfter(againMs)
    } catch (error) {
      if (hasEnded(error)) {
        await this.#endedBefore()
        return
      }
      this.#hub.report('A sign of life of a stream could not be written; it is tried again.', error)
      this.#renewAfter(Math.min(retryMs, againMs))
    }
  }

  #mark(isOpening: boolean): NewEvent {
    return toLeaseEvent(this.topic, { isOpening, leaseMs: this.#options.leaseMs, holder: this.holder })
  }
}

function hasEnded(error: unknown): boolean {
  return error instanceof TidingsError && error.code === 'topic-ended'
}

function isOver(outcome: Outcome): TidingsError {
  return new TidingsError('stream-closed', `The stream is over: ${outcome}.`)
}
