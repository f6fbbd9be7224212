import type { RecentEvent } from './recent.js'

/** What one window gathers at most, in events and in characters of data and names; beyond it the members read the log when the window ends. */
const maxPending = 1_000
const maxPendingBytes = 1024 * 1024

/**
 * Lets a view's live members hear at most one event of each topic and key a window: the newest.
 *
 * Windows are the view's, not each member's: the first event after a quiet window goes out at once, what comes within `ms` of
 * it is gathered, and goes out in log order when the window ends, in one write, so that no position is sent above one that is held back.
 */
export class ConflationWindow<M> {
  readonly #ms: number
  readonly #clock: () => number
  #onEnd: () => void = () => undefined
  /** By topic and key; in log order, because what is set again goes to the end. */
  readonly #pending = new Map<string, RecentEvent>()
  #pendingBytes = 0
  #isOverfull = false
  /** All up to here was given, while anything is pending. */
  #given = 0
  #endedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  /** Members that are ahead of what was given, and must not hear it again: they go on when the window ends. */
  #ahead: M[] = []

  constructor(ms: number, clock: () => number) {
    this.#ms = ms
    this.#clock = clock
  }

  /** Who gives what was gathered, when the window is over. */
  listen(onEnd: () => void): void {
    this.#onEnd = onEnd
  }

  through(tail: number): number {
    return this.#isIdle ? tail : this.#given
  }

  get #isIdle(): boolean {
    return this.#pending.size === 0 && !this.#isOverfull
  }

  /** Whether the event is the first that is pending. */
  collect(recent: RecentEvent): boolean {
    const { event } = recent
    const wasIdle = this.#isIdle
    if (wasIdle) this.#given = event.offset - 1
    if (this.#isOverfull) return false
    const name = recent.state
    const superseded = this.#pending.get(name)
    if (superseded === recent) return wasIdle
    if (superseded) {
      this.#pending.delete(name)
      this.#pendingBytes -= name.length + superseded.event.data.length
    }
    this.#pending.set(name, recent)
    this.#pendingBytes += name.length + event.data.length
    if (this.#pending.size > maxPending || this.#pendingBytes > maxPendingBytes) {
      this.#forget()
      this.#isOverfull = true
    }
    return wasIdle
  }

  /** After a turn in which something became pending: ends the window at once, or when its time is over. */
  schedule(): void {
    if (this.#timer || this.#isIdle) return
    // A clock that was set back holds nothing up for longer than a window.
    const dueInMs = Math.min(this.#ms, Math.max(0, this.#endedAt + this.#ms - this.#clock()))
    if (dueInMs === 0) {
      this.#onEnd()
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#onEnd()
    }, dueInMs)
    this.#timer.unref()
  }

  /** More is pending than is gathered: the live members are to read the log, before the window ends. */
  get isOverfull(): boolean {
    return this.#isOverfull
  }

  /** Ends the window: what was pending, in log order. */
  end(): readonly RecentEvent[] {
    const pending = [...this.#pending.values()]
    this.#endedAt = this.#clock()
    this.#forget()
    return pending
  }

  /** A member was given events beside the windows: the next window begins with that, so that it hears each topic and key once in it. */
  gave(): void {
    this.#endedAt = this.#clock()
  }

  /** Keeps a member that is ahead of what was given, until the window ends. */
  wait(member: M): void {
    this.#ahead.push(member)
  }

  takeWaiting(): readonly M[] {
    const waiting = this.#ahead
    this.#ahead = []
    return waiting
  }

  /** Gathers nothing any more: there is no live member, or the log went back. Those who waited for the end of the window. */
  reset(): readonly M[] {
    this.#forget()
    return this.takeWaiting()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #forget(): void {
    this.#pending.clear()
    this.#pendingBytes = 0
    this.#isOverfull = false
  }
}
