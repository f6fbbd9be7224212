/** Ticks in a heartbeat: the coarseness of the wheel. */
const ticksPerBeat = 16

/** Who wants a sign of life after silence. The numbers are the wheel's. */
export interface Beating {
  /** Tick of its last write that nobody else shared. */
  wroteAt: number
  /** Tick of its last write, shared ones too. */
  lastWriteAt(): number
  /** Writes the sign of life, if it is alive; false takes it off the wheel. */
  beat(): boolean
  wheelSlot: number
  wheelIndex: number
}

/**
 * One wheel and one timer for the heartbeats of all subscriptions.
 *
 * A slot holds those that are to be looked at in its tick. Whoever was silent for its span gets a heartbeat; whoever was written
 * to meanwhile is looked at again when its silence could be long enough. Spans are 12 to 16 of the 16 ticks of the interval,
 * so that connections that began together do not beat together.
 */
export class Heartbeats {
  readonly #slots: Beating[][] = Array.from({ length: ticksPerBeat + 1 }, () => [])
  readonly #random: () => number
  readonly #timer: NodeJS.Timeout
  #tick = 0

  /** @param intervalMs At most so long nothing is written, at least three quarters of it, up to a tick more. */
  constructor(intervalMs: number, random: () => number) {
    this.#random = random
    this.#timer = setInterval(() => this.#turn(), intervalMs / ticksPerBeat)
    this.#timer.unref()
  }

  /** The present tick, for `wroteAt`. */
  get now(): number {
    return this.#tick
  }

  add(beating: Beating): void {
    beating.wroteAt = this.#tick
    this.#place(beating, this.#span())
  }

  remove(beating: Beating): void {
    const slot = this.#slots[beating.wheelSlot]
    if (!slot || slot[beating.wheelIndex] !== beating) return
    const last = slot.pop() as Beating
    if (last !== beating) {
      slot[beating.wheelIndex] = last
      last.wheelIndex = beating.wheelIndex
    }
    beating.wheelIndex = -1
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #span(): number {
    return ticksPerBeat - Math.floor(this.#random() * (ticksPerBeat / 4 + 1))
  }

  #place(beating: Beating, ticksAhead: number): void {
    const at = (this.#tick + ticksAhead) % this.#slots.length
    const slot = this.#slots[at] as Beating[]
    beating.wheelSlot = at
    beating.wheelIndex = slot.length
    slot.push(beating)
  }

  #turn(): void {
    this.#tick++
    const at = this.#tick % this.#slots.length
    const due = this.#slots[at] as Beating[]
    this.#slots[at] = []
    // `remove` finds no one of these in the fresh slot, and whoever is gone says so when asked to beat.
    for (const beating of due) {
      const span = this.#span()
      const silent = this.#tick - beating.lastWriteAt()
      if (silent < span) {
        this.#place(beating, span - silent)
        continue
      }
      if (!beating.beat()) continue
      beating.wroteAt = this.#tick
      this.#place(beating, span)
    }
  }
}
