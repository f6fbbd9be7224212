import type { Hub } from '../../hub/hub.js'
import type { StreamLease } from '../../hub/lease.js'
import type { Outcome } from '../../hub/topic-end.js'
import { TidingsError } from '../../wire/errors.js'
import { bindMethods } from '../bind-methods.js'
import { toNewEvent } from './durable-event.js'
import type { DurableSettings } from './durable-options.js'
import { feed, type Source } from './feed.js'
import { type StreamEvent, toStreamEvent } from './stream-event.js'

/** What is sent on a stream: an event, or only its data, if that is a text. */
export type Sent<Payload> = StreamEvent<Payload> | (string extends Payload ? string : Extract<Payload, string>)

/**
 * A topic with one producer, this one. What he sends is in the log: its readers come and go, come back by cursor, are several or none, and he
 * goes on.
 */
export interface DurableStream<Payload = unknown> {
  readonly topic: string
  /**
   * Aborts when the stream ends by other than its producer's `close` and `fail`: it was stopped, it was abandoned, another producer has opened
   * the topic, or the hub closes. Readers who leave abort nothing.
   */
  readonly signal: AbortSignal
  /** Resolves when the stream is over, to how: `abandoned` also where the topic was taken, or the hub closed. Never rejects. */
  readonly closed: Promise<Outcome>
  /**
   * Resolves to the id of the event when the log holds it. Rejects as `Hub.publish`, with `stream-closed` when the stream is over, and with
   * `overloaded` if more than 1 MiB waits because sends were not awaited.
   */
  send(event: Sent<Payload>): Promise<string>
  /**
   * Sends what `source` gives, then closes. If the source fails, readers hear that it failed and not why, and `report` is told why. If the
   * stream is stopped, the source is left. Resolves as `closed`; never rejects.
   */
  from(source: Source<Sent<Payload>>): Promise<Outcome>
  /** Ends the stream as `completed`. Resolves as `closed`: who ends it first counts. */
  close(): Promise<Outcome>
  /** Ends it as `failed`. `report` is told why, if that is given; readers are not. */
  fail(error?: unknown): Promise<Outcome>
  /** Ends it as `stopped`, as `Hub.stopStream` does. */
  stop(): Promise<Outcome>
}

/** What may wait for the log because sends were not awaited, at most. */
const maxWaitingBytes = 1024 * 1024
/** What an event that waits costs beside its data. */
const waitingCost = 256

export interface DurableSurroundings {
  readonly settings: DurableSettings
  readonly maxEventBytes: number
  /** What is to be published, as its schema gives it back. Nothing: there are no schemas. */
  readonly check: ((payload: unknown) => Promise<unknown>) | undefined
}

export class HubStream<Payload> implements DurableStream<Payload> {
  readonly topic: string
  readonly closed: Promise<Outcome>
  readonly #with: DurableSurroundings
  readonly #left = new AbortController()
  #lease: StreamLease | undefined
  /** Said by its producer, or for him. */
  #ending: Outcome | undefined
  #waitingBytes = 0
  /** Schemas may take their time, and the order is that of the sends. */
  #checked: Promise<unknown> = Promise.resolve()
  #resolveClosed: (outcome: Outcome) => void = () => undefined

  constructor(topic: string, surroundings: DurableSurroundings) {
    this.topic = topic
    this.#with = surroundings
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve
    })
    bindMethods(this)
  }

  /** Rejects as `Hub.openStream`. */
  async open(hub: Hub): Promise<this> {
    const { leaseMs } = this.#with.settings
    this.#lease = await hub.openStream(this.topic, { leaseMs, onOver: outcome => this.#over(outcome) })
    return this
  }

  get signal(): AbortSignal {
    return this.#left.signal
  }

  send(event: Sent<Payload>): Promise<string> {
    const sent: Promise<string> = new Promise((resolve, reject) => {
      this.#send(event).then(resolve, error => {
        // That it is over is said by `signal` too, so who did not await his send has not overlooked an error.
        if (isClosed(error)) sent.catch(() => undefined)
        reject(error)
      })
    })
    return sent
  }

  async #send(event: Sent<Payload>): Promise<string> {
    this.#refuseWhenOver()
    const { check, maxEventBytes } = this.#with
    const given = toStreamEvent(event)
    const payload = check ? await this.#inOrder(() => check(given.data)) : given.data
    this.#refuseWhenOver()
    const said = toNewEvent(this.topic, { ...given, data: payload }, maxEventBytes)
    const cost = said.data.length + waitingCost
    if (this.#waitingBytes > 0 && this.#waitingBytes + cost > maxWaitingBytes) {
      throw new TidingsError('overloaded', 'More than 1 MiB waits for the log; await what send returns.')
    }
    this.#waitingBytes += cost
    try {
      const [id = ''] = (await this.#lease?.append([said])) ?? []
      return id
    } finally {
      this.#waitingBytes -= cost
    }
  }

  async from(source: Source<Sent<Payload>>): Promise<Outcome> {
    try {
      await feed(source, this.signal, event => this.send(event))
    } catch (error) {
      return isClosed(error) ? this.closed : this.fail(error)
    }
    return this.close()
  }

  close(): Promise<Outcome> {
    return this.#end('completed')
  }

  fail(error?: unknown): Promise<Outcome> {
    if (error !== undefined) this.#with.settings.report('A stream failed.', error)
    return this.#end('failed')
  }

  stop(): Promise<Outcome> {
    return this.#end('stopped')
  }

  #end(outcome: Outcome): Promise<Outcome> {
    if (!this.#ending && !this.signal.aborted) {
      this.#ending = outcome
      if (outcome === 'stopped') this.#abort(outcome)
      const { end, failure } = this.#with.settings
      const last = outcome === 'completed' ? end : outcome === 'failed' ? failure : undefined
      void this.#lease?.end(outcome, last ? [{ ...last, topic: this.topic }] : [])
    }
    return this.closed
  }

  /** One check after the other; one that refuses holds up none. */
  #inOrder(check: () => Promise<unknown>): Promise<unknown> {
    const checked = this.#checked.then(check)
    this.#checked = checked.catch(() => undefined)
    return checked
  }

  #refuseWhenOver(): void {
    if (this.signal.aborted) throw this.signal.reason
    if (this.#ending) throw new TidingsError('stream-closed', 'The stream was closed before this.')
  }

  #over(outcome: Outcome): void {
    if (this.#ending !== outcome || outcome === 'abandoned') this.#abort(outcome)
    this.#resolveClosed(outcome)
  }

  #abort(outcome: Outcome): void {
    this.#left.abort(new TidingsError('stream-closed', `The stream is over: ${outcome}.`))
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof TidingsError && error.code === 'stream-closed'
}
