import { presentEpoch } from '../log/epochs.js'
import type { EventLog, Head, Page } from '../log/log.js'

const minRetryMs = 50
const maxRetryMs = 2_000

export interface FollowerSurroundings {
  readonly log: EventLog
  readonly tail: number
  readonly head: Head
  /** The next stretch of the log; `page.from` is where the hub stands, or below it after the log went back. */
  take(page: Page): void
  report(message: string, error?: unknown): void
}

/**
 * Follows the log from where the hub stands, for as long as the hub lives: over the log's absences, and over its changes of history.
 */
export class Follower {
  readonly #hub: FollowerSurroundings
  readonly #stop = new AbortController()
  #round = new AbortController()
  #isAway = false
  readonly #done: Promise<void>

  constructor(hub: FollowerSurroundings) {
    this.#hub = hub
    this.#done = this.#run()
  }

  /** Whether the log answered last time. */
  get isAway(): boolean {
    return this.#isAway
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#round.abort()
    await this.#done
  }

  /**
   * Looks whether the log is still the one that is followed. A blocked read of a store that was flushed or restored stays silent
   * for ever, so this is asked at every heartbeat. A head behind what this hub has seen is a history that was lost: a new one begins.
   */
  async verify(): Promise<void> {
    const { log } = this.#hub
    try {
      // The tail moves on while the log answers, so it is what it was before the question.
      const { tail } = this.#hub
      let head = await log.head()
      const known = presentEpoch(this.#hub.head.epochs)
      if (presentEpoch(head.epochs) === known && head.offset < tail) {
        this.#hub.report('The log is behind what it has shown before; a new epoch begins.')
        head = await log.beginEpoch(known)
      }
      if (presentEpoch(head.epochs) !== presentEpoch(this.#hub.head.epochs)) this.#round.abort()
    } catch (error) {
      this.#hub.report('The log does not answer.', error)
    }
  }

  async #run(): Promise<void> {
    let retryMs = minRetryMs
    while (!this.#stop.signal.aborted) {
      this.#round = new AbortController()
      try {
        await this.#adopt()
        for await (const page of this.#hub.log.follow(this.#hub.tail, this.#round.signal)) {
          if (this.#stop.signal.aborted) return
          this.#isAway = false
          retryMs = minRetryMs
          this.#hub.take(page)
        }
      } catch (error) {
        this.#isAway = true
        this.#hub.report('The log does not answer; streams stay open and wait for it.', error)
        await this.#pause(retryMs)
        retryMs = Math.min(maxRetryMs, retryMs * 2)
      }
    }
  }

  /** Before following: if the history changed while nobody followed, goes back to where the new one begins. */
  async #adopt(): Promise<void> {
    const { log, head: known } = this.#hub
    let head = await log.head()
    if (presentEpoch(head.epochs) === presentEpoch(known.epochs) && head.offset < this.#hub.tail) {
      this.#hub.report('The log is behind what it has shown before; a new epoch begins.')
      head = await log.beginEpoch(presentEpoch(known.epochs))
    }
    this.#isAway = false
    if (presentEpoch(head.epochs) === presentEpoch(known.epochs)) return
    const from = Math.min(this.#hub.tail, lowestNewFirst(head, known) - 1)
    this.#hub.take({ from, through: from, events: [], floor: 0, head })
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop
    if (signal.aborted) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  }
}

/** The first offset that a history which `known` does not have can give. */
function lowestNewFirst(head: Head, known: Head): number {
  const old = new Set(known.epochs.map(entry => entry.epoch))
  const added = head.epochs.filter(entry => !old.has(entry.epoch)).map(entry => entry.first)
  return Math.min(...added)
}
