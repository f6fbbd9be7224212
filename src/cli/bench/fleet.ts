import { exitCodes } from '../exit-codes.js'
import { CommandEnd } from '../hub-client/command-end.js'
import type { Place } from './dial.js'
import { createHistogram, type Histogram } from './histogram.js'
import { nowUs, readMark } from './marked-data.js'
import { count } from './result.js'
import { createTally, Sequence, type Tally } from './sequence.js'
import { Subscriber, type SubscriberListener } from './subscriber.js'
import type { Transport } from './transports.js'

export interface FleetOptions {
  readonly place: Place
  readonly transport: Transport
  readonly clients: number
  /** Clients listen to one each, in turn. */
  readonly topics: readonly string[]
}

/** All that listen, and what they heard. */
export interface Fleet {
  /**
   * Opens the connections, a bounded number at a time. Resolves when all hear the hub. Rejects with `CommandEnd` if for 8 s
   * no more of them do, or with the signal's reason.
   */
  open(signal: AbortSignal): Promise<void>
  /** How many have heard the hub. */
  readonly ready: number
  /** How many hear it now. */
  readonly hearing: number
  readonly tally: Tally
  readonly latency: Histogram
  /** Connections that were cut after they had heard the hub. */
  readonly reconnects: number
  /** `$gap`s that were told. */
  readonly gaps: number
  /** Whether all have heard all. `published`: by topic, how many are in the log. */
  hasHeard(published: readonly number[]): boolean
  /** Nothing more will come. Counts what is missing; how much should have been heard in all. */
  finish(published: readonly number[]): number
  close(): void
}

/** Connections that are being opened at once: well below the 511 that Node.js lets wait at a listening socket. */
const maxOpening = 128
/** A stream that is refused for load is asked for again after some 3 s. */
const patienceMs = 8_000

export function createFleet(options: FleetOptions): Fleet {
  return new SubscriberFleet(options)
}

class SubscriberFleet implements Fleet, SubscriberListener {
  readonly #subscribers: readonly Subscriber[]
  readonly tally = createTally()
  readonly latency = createHistogram()
  reconnects = 0
  gaps = 0
  #opened = 0
  ready = 0
  #lastRefusal = 'nothing comes'
  #onReady: () => void = () => undefined

  constructor({ place, transport, clients, topics }: FleetOptions) {
    const base = place.url.pathname.replace(/\/+$/, '')
    this.#subscribers = Array.from({ length: clients }, (_, number) => {
      const topic = number % topics.length
      const path = `${base}/events/${topics[topic]}`
      return new Subscriber({
        place,
        transport,
        listener: this,
        sequence: new Sequence(this.tally),
        number,
        topic,
        path,
      })
    })
  }

  get hearing(): number {
    let hearing = 0
    for (const { isHearing } of this.#subscribers) if (isHearing) hearing++
    return hearing
  }

  async open(signal: AbortSignal): Promise<void> {
    const { length } = this.#subscribers
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const giveUp = (): void => reject(this.#notAll())
        const more = (): void => {
          if (this.ready === length) resolve()
          timer = timer?.refresh() ?? setTimeout(giveUp, patienceMs)
          while (this.#opened < length && this.#opened - this.ready < maxOpening) {
            this.#subscribers[this.#opened++]?.open()
          }
        }
        this.#onReady = more
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
        more()
      })
    } finally {
      clearTimeout(timer)
      this.#onReady = () => undefined
    }
  }

  #notAll(): CommandEnd {
    const { length } = this.#subscribers
    const why = `the last one that could not: ${this.#lastRefusal}`
    return new CommandEnd(
      exitCodes.failure,
      `Only ${count(this.ready)} of ${count(length)} clients could listen; ${why}.`,
    )
  }

  onReady(): void {
    this.ready++
    this.#onReady()
  }

  onCut(): void {
    this.reconnects++
  }

  onRefused(why: string): void {
    this.#lastRefusal = why
  }

  onGap({ sequence }: Subscriber): void {
    this.gaps++
    sequence.tellGap()
  }

  onEvent({ sequence }: Subscriber, data: string): void {
    const { number, us } = readMark(data)
    if (sequence.hear(number)) this.latency.record(nowUs() - us)
  }

  hasHeard(published: readonly number[]): boolean {
    return this.#subscribers.every(({ topic, sequence }) => sequence.next >= (published[topic] ?? 0))
  }

  finish(published: readonly number[]): number {
    let expected = 0
    for (const { topic, sequence, isHearing } of this.#subscribers) {
      const count = published[topic] ?? 0
      sequence.finish(count, isHearing)
      expected += count
    }
    return expected
  }

  close(): void {
    for (const subscriber of this.#subscribers) subscriber.close()
  }
}
