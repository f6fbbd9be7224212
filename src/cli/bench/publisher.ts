import { randomUUID } from 'node:crypto'
import * as http from 'node:http'
import * as https from 'node:https'
import { createBackoff, waitFor } from '../hub-client/backoff.js'
import { foreignEnd, refusedEnd } from '../hub-client/command-end.js'
import { ask } from '../hub-client/request.js'
import { judge } from '../hub-client/verdict.js'
import { createHistogram, type Histogram } from './histogram.js'
import { markData, nowUs } from './marked-data.js'

export interface PublisherOptions {
  readonly url: URL
  readonly topics: readonly string[]
  /** Events a second, over all topics; 0: the next one as soon as the one before it is answered, on each connection. */
  readonly rate: number
  readonly dataBytes: number
  /** Gives up on what is not answered. */
  readonly signal: AbortSignal
}

/** Publishes numbered events, those of a topic one after the other, so that their numbers stand in the log in their order. */
export interface Publisher {
  /** Publishes until `stop`; resolves when all is answered, or given up. Rejects with `CommandEnd` if the hub refuses the events. */
  run(): Promise<void>
  /** Makes no more events. */
  stop(): void
  /** How many are in the log, by topic. */
  readonly published: readonly number[]
  /** Events that were due and not sent, since the hub did not take them so fast. */
  readonly unsent: number
  /** Events that were sent, and of which it is unknown whether they are in the log. */
  readonly unanswered: number
  /** Answers that said "later". */
  readonly refusals: number
  /** Requests that were not answered. */
  readonly cuts: number
  /** From the request to its answer. */
  readonly latency: Histogram
}

/** Connections, and so requests at once; a topic is published on one of them. */
const maxLanes = 16
/** What is due while a request is under way is sent together, in the next one. */
const maxBatch = 500
const maxBatchBytes = 1024 * 1024
/** Waiting for the hub, on one connection, however large they are. */
const maxWaiting = 10_000
const maxWaitingBytes = 32 * 1024 * 1024

interface Made {
  readonly topic: number
  readonly data: string
}

export function createPublisher(options: PublisherOptions): Publisher {
  return new LanePublisher(options)
}

class LanePublisher implements Publisher {
  readonly #options: PublisherOptions
  readonly #lanes: Lane[]
  readonly #numbers: number[]
  readonly published: number[]
  readonly latency = createHistogram()
  unsent = 0
  unanswered = 0
  refusals = 0
  cuts = 0
  #made = 0
  #isStopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
    const { length } = options.topics
    this.#numbers = Array.from({ length }, () => 0)
    this.published = Array.from({ length }, () => 0)
    this.#lanes = Array.from({ length: Math.min(length, maxLanes) }, () => new Lane())
  }

  async run(): Promise<void> {
    const { url, rate } = this.#options
    const { Agent } = url.protocol === 'https:' ? https : http
    const agent = new Agent({ keepAlive: true, maxSockets: this.#lanes.length })
    const startedAt = performance.now()
    if (rate > 0) {
      const make = (): void => {
        const due = Math.floor(((performance.now() - startedAt) * rate) / 1000)
        while (this.#made + this.unsent < due) this.#make()
      }
      this.#timer = setInterval(make, Math.min(20, Math.max(1, 500 / rate)))
    }
    try {
      await Promise.all(this.#lanes.map((lane, i) => this.#publish(lane, i, agent)))
    } finally {
      this.stop()
      for (const { waiting } of this.#lanes) this.unsent += waiting.length
      agent.destroy()
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#isStopped = true
    for (const lane of this.#lanes) lane.wake()
  }

  /** The next event of all, for the lane that its topic belongs to. */
  #make(): void {
    const topic = (this.#made + this.unsent) % this.#numbers.length
    const lane = this.#lanes[topic % this.#lanes.length]
    const { length } = lane?.waiting ?? []
    if (!lane || length >= maxWaiting || length * this.#options.dataBytes >= maxWaitingBytes) {
      this.unsent++
      return
    }
    this.#made++
    lane.waiting.push(this.#mark(topic))
    lane.wake()
  }

  #mark(topic: number): Made {
    const number = this.#numbers[topic] ?? 0
    this.#numbers[topic] = number + 1
    return { topic, data: markData(number, nowUs(), this.#options.dataBytes) }
  }

  async #publish(lane: Lane, first: number, agent: http.Agent): Promise<void> {
    const { rate, signal, dataBytes } = this.#options
    const batch = Math.max(1, Math.min(maxBatch, Math.floor(maxBatchBytes / dataBytes)))
    let topic = first
    while (!signal.aborted) {
      if (rate === 0 && !this.#isStopped) {
        lane.waiting.push(this.#mark(topic))
        topic = topic + this.#lanes.length < this.#numbers.length ? topic + this.#lanes.length : first
      }
      if (lane.waiting.length > 0) await this.#send(lane.waiting.splice(0, batch), agent)
      else if (this.#isStopped) return
      else await lane.sleep()
    }
  }

  /** Sends events until they are answered. */
  async #send(events: readonly Made[], agent: http.Agent): Promise<void> {
    const { url, topics, signal } = this.#options
    const objects = events.map(({ topic, data }) => `{"topic":"${topics[topic]}","data":"${data}"}`)
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'Idempotency-Key': randomUUID(),
    }
    const body = Buffer.from(`[${objects.join(',')}]`)
    const backoff = createBackoff(50, 2_000)
    while (!signal.aborted) {
      const sentAt = nowUs()
      const reply = await ask(url, { method: 'POST', target: '/events', headers, body, agent, signal })
      if (reply.kind === 'foreign') throw foreignEnd(reply.why)
      if (reply.kind !== 'answered') {
        this.cuts++
        await waitFor(backoff.next(), signal)
        continue
      }
      const verdict = await judge(url, reply.response)
      if (verdict.kind === 'foreign') throw foreignEnd(verdict.why)
      if (verdict.kind === 'refused') throw refusedEnd(verdict.refusal)
      if (verdict.kind === 'done') {
        this.latency.record(nowUs() - sentAt)
        for (const { topic } of events) this.published[topic] = (this.published[topic] ?? 0) + 1
        return
      }
      this.refusals++
      await waitFor(backoff.next(verdict.retryAfterMs), signal)
    }
    this.unanswered += events.length
  }
}

/** What waits for one connection. */
class Lane {
  readonly waiting: Made[] = []
  #wake: (() => void) | undefined

  wake(): void {
    this.#wake?.()
  }

  sleep(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}
