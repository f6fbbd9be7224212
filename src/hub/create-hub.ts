import type { EventLog, Head, NewEvent, TopicInfo } from '../log/log.js'
import { wholeNumber } from '../log/settings.js'
import { TidingsError } from '../wire/errors.js'
import { checkTopic } from '../wire/names.js'
import { findStart } from './begin.js'
import { checkEvent } from './check-event.js'
import type {
  Beginning,
  Behind,
  Drained,
  Hub,
  HubStatus,
  PageOptions,
  PageResult,
  Subscription,
  TopicStatus,
} from './hub.js'
import { type LeaseOptions, leaseBounds, type StreamLease } from './lease.js'
import { LiveFlow } from './live-flow.js'
import type { Counters } from './observer.js'
import type { HubOptions } from './options.js'
import { resolveHubOptions } from './options.js'
import { readPage, WokenLooks } from './page.js'
import type { SubscribeRequest } from './request.js'
import type { Sink } from './sink.js'
import type { HubView } from './subscription.js'

/** How long a question about readiness waits for the log. */
const readyTimeoutMs = 2_000
/** While the hub drains, clients are asked to stay away so many times longer, spread over as many times the span. */
const drainRetryFactor = 3

/**
 * Starts a hub on a log. Resolves when the log has answered once.
 * The log is handed in open, and stays the caller's: `close` does not close it.
 */
export async function createHub(log: EventLog, options: HubOptions = {}): Promise<Hub> {
  return new LogHub(log, resolveHubOptions(options), await log.head())
}

class LogHub implements Hub {
  readonly #log: EventLog
  readonly #options: Required<HubOptions>
  readonly #flow: LiveFlow
  readonly #woken = new WokenLooks()
  #draining: Promise<Drained> | undefined

  constructor(log: EventLog, options: Required<HubOptions>, head: Head) {
    this.#log = log
    this.#options = options
    this.#flow = new LiveFlow(log, options, head)
  }

  get status(): HubStatus {
    const flow = this.#flow
    const encodings: Record<string, { live: number; catchingUp: number }> = {}
    let catchingUp = 0
    for (const { encoding, members, live } of flow.views) {
      encodings[encoding.name] ??= { live: 0, catchingUp: 0 }
      const counts = encodings[encoding.name] as { live: number; catchingUp: number }
      counts.live += live.length
      counts.catchingUp += members - live.length
      catchingUp += members - live.length
    }
    return {
      draining: this.#draining !== undefined,
      subscriptions: flow.subscriptions.size,
      catchingUp,
      encodings,
      tail: flow.positionAt(flow.tail),
      heldBytes: flow.heldBytes,
      recentBytes: flow.recent.bytes,
      recentEvents: flow.recent.length,
    }
  }

  get counters(): Readonly<Counters> {
    return this.#flow.counters
  }

  furthestBehind(): Promise<Behind> {
    return this.#flow.furthestBehind()
  }

  async publish(events: readonly NewEvent[]): Promise<readonly string[]> {
    this.#refuseWhileDraining()
    for (const event of events) checkEvent(event)
    return this.#flow.publish(events)
  }

  async openStream(topic: string, options: LeaseOptions): Promise<StreamLease> {
    this.#refuseWhileDraining()
    checkTopic(topic)
    return this.#flow.streams.open(topic, {
      ...options,
      leaseMs: wholeNumber('leaseMs', options.leaseMs, leaseBounds.leaseMs[1], leaseBounds.leaseMs[2]),
    })
  }

  async stopStream(topic: string): Promise<boolean> {
    this.#refuseWhileDraining()
    checkTopic(topic)
    return this.#flow.streams.stop(topic)
  }

  async begin(request: SubscribeRequest): Promise<Beginning> {
    this.#refuseWhileDraining()
    const start = await findStart(this.#flow, request)
    return start === 'ended' ? { kind: 'ended' } : { kind: 'open', request, start }
  }

  attach(beginning: Beginning & { readonly kind: 'open' }, sink: Sink): Subscription {
    return this.#flow.attach(beginning.request, beginning.start, sink)
  }

  /** Without a promise of its own, which each of those that wait would keep. */
  page(request: Omit<SubscribeRequest, 'encoding' | 'conflateMs'>, options: PageOptions): Promise<PageResult> {
    if (this.#draining) return Promise.reject(drainingError())
    return readPage(this.#flow, this.#woken, request, options)
  }

  retryMs(): number {
    const { retryMs, random } = this.#options
    const spread = this.#draining ? drainRetryFactor * (1 + random()) : 0.8 + 0.4 * random()
    return Math.round(Math.min(300_000, Math.max(500, retryMs * spread)))
  }

  async topics(options: {
    readonly after?: string | undefined
    readonly limit: number
  }): Promise<readonly TopicStatus[]> {
    return this.#topicStatus(await this.#log.topics(options))
  }

  async topic(topic: string): Promise<TopicStatus | undefined> {
    const info = await this.#log.topic(topic)
    return info && (await this.#topicStatus([info]))[0]
  }

  subscribers(topic: string): number {
    const views = new Set<HubView>()
    this.#flow.views.match(topic, view => void views.add(view))
    let subscribers = 0
    for (const view of views) subscribers += view.members
    return subscribers
  }

  async ready(): Promise<boolean> {
    if (this.#draining) return false
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<false>(resolve => {
      timer = setTimeout(() => resolve(false), readyTimeoutMs)
    })
    try {
      return await Promise.race([this.#flow.askHead().then(() => true), tooLong])
    } catch (error) {
      this.#options.report('The log does not answer.', error)
      return false
    } finally {
      clearTimeout(timer)
    }
  }

  drain(deadlineMs: number): Promise<Drained> {
    this.#draining ??= this.#flow.drain(deadlineMs, () => this.retryMs())
    return this.#draining
  }

  async close(): Promise<void> {
    await this.#flow.close()
  }

  async #topicStatus(infos: readonly TopicInfo[]): Promise<readonly TopicStatus[]> {
    const flow = this.#flow
    const elsewhere = await this.#options.subscribersElsewhere(infos.map(({ topic }) => topic))
    return infos.map(({ topic, events, first, last, end }, i) => ({
      topic,
      events,
      first: flow.positionAt(first),
      last: flow.positionAt(last),
      ended: end !== undefined,
      subscribers: this.subscribers(topic) + (elsewhere[i] ?? 0),
      rate: flow.rates.of(topic),
    }))
  }

  #refuseWhileDraining(): void {
    if (this.#draining) throw drainingError()
  }
}

function drainingError(): TidingsError {
  return new TidingsError('draining', 'The hub is shutting down; try again, it or another will answer.')
}
