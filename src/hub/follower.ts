import { cutAfter, presentEpoch } from '../log/epochs.js'
import type { EventLog, Head, Page } from '../log/log.js'

const minRetryMs = 50
const maxRetryMs = 2_000

export interface FollowerSurroundings {
  readonly log: EventLog
  readonly tail: number
  readonly head: Head
  /** The highest offset of the present history that the log has shown to this hub, be it in the answer to an append. */
  readonly seen: number
  /** The next stretch of the log; `page.from` is where the hub stands, or below it after the log went back. */
  take(page: Page): void
  /** The log does not answer. */
  missed(): void
  report(message: string, error?: unknown): void
}

/**
 * Follows the log from where the hub stands, for as long as the hub lives: over the log's absences, and over its changes of history.
 */
export class Follower {
  readonly #hub: FollowerSurroundings
  readonly #stop = new AbortController()
  #round = new AbortController()
  readonly #done: Promise<void>

  constructor(hub: FollowerSurroundings) {
    this.#hub = hub
    this.#done = this.#run()
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
    try {
      const head = await this.askHead()
      if (presentEpoch(head.epochs) !== presentEpoch(this.#hub.head.epochs)) this.#round.abort()
    } catch (error) {
      this.#hub.report('The log does not answer.', error)
    }
  }

  /**
   * The head of the log, after a new history was begun if it has lost what this hub has seen: it stands behind the hub, or in a
   * history that came before the hub's. An old answer that came late does no harm: beginning compares before it sets.
   */
  async askHead(): Promise<Head> {
    // Both move on while the log answers, so they are what they were before the question.
    const { seen, head: known } = this.#hub
    const head = await this.#hub.log.head()
    const present = presentEpoch(head.epochs)
    const isSame = present === presentEpoch(known.epochs)
    if (isEarlier(head, known) || (isSame && head.offset < seen)) {
      this.#hub.report('The log is behind what it has shown before; a new epoch begins.')
      return this.#hub.log.beginEpoch(present)
    }
    return head
  }

  async #run(): Promise<void> {
    let retryMs = minRetryMs
    while (!this.#stop.signal.aborted) {
      this.#round = new AbortController()
      try {
        await this.#adopt()
        for await (const page of this.#hub.log.follow(this.#hub.tail, this.#round.signal)) {
          if (this.#stop.signal.aborted) return
          retryMs = minRetryMs
          if (isEarlier(page.head, this.#hub.head) || isAboveCut(page, this.#hub.head)) break
          this.#hub.take(page)
        }
      } catch (error) {
        this.#hub.missed()
        this.#hub.report('The log does not answer; streams stay open and wait for it.', error)
        await this.#pause(retryMs)
        retryMs = Math.min(maxRetryMs, retryMs * 2)
      }
    }
  }

  /** Before following: if the history changed while nobody followed, goes back to where the new one begins. */
  async #adopt(): Promise<void> {
    const known = this.#hub.head
    const head = await this.askHead()
    if (presentEpoch(head.epochs) === presentEpoch(known.epochs)) return
    const from = Math.min(this.#hub.tail, cutAfter(known.epochs, head.epochs))
    this.#hub.take({ from, through: from, events: [], floor: 0, head })
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop
    if (signal.aborted) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
    })
  }
}

/** Whether the page goes on in another history above where it parted from the one of `known`: what lies between would be missed. */
function isAboveCut({ from, head }: Page, known: Head): boolean {
  if (presentEpoch(head.epochs) === presentEpoch(known.epochs)) return false
  return from > cutAfter(known.epochs, head.epochs)
}

/** Whether `head` stands in a history that ended before the present one of `known` began. */
function isEarlier(head: Head, known: Head): boolean {
  const present = presentEpoch(head.epochs)
  return present !== presentEpoch(known.epochs) && known.epochs.some(entry => entry.epoch === present)
}
