import { cutAfter, judge } from '../../src/log/epochs.js'
import type { EpochEntry, EventLog, Head, LogEvent } from '../../src/log/log.js'
import { type Position, toPositionText } from '../../src/wire/names.js'

/** Everything that a log ever held, by its own account, histories that it lost too. */
export class Truth {
  readonly #byEpoch = new Map<string, LogEvent[]>()
  readonly #byPosition = new Map<string, LogEvent>()
  readonly #tables: (readonly EpochEntry[])[] = []
  /** Offset up to which the present history was read. */
  #seen = 0

  /** Reads on. Called before anything is removed, so that nothing is missed. */
  async observe(log: EventLog): Promise<void> {
    this.#forgetUnshown(await log.head())
    for (;;) {
      const page = await log.read(this.#seen, { maxEvents: 1000, maxBytes: 1 << 24 })
      const cut = this.epochs.length > 0 ? cutAfter(this.epochs, page.head.epochs) : Number.POSITIVE_INFINITY
      if (cut < this.#seen) {
        this.#learn(page.head.epochs)
        this.#seen = cut
        continue
      }
      this.#learn(page.head.epochs)
      for (const event of page.events) this.#add(event)
      if (page.through <= this.#seen || page.through >= page.head.offset) {
        this.#seen = Math.max(this.#seen, page.through)
        return
      }
      this.#seen = page.through
    }
  }

  get epochs(): readonly EpochEntry[] {
    return this.#tables.at(-1) ?? []
  }

  #learn(epochs: readonly EpochEntry[]): void {
    if (this.epochs !== epochs) this.#tables.push(epochs)
  }

  /** What the log lost in silence before anybody was shown it never was. */
  #forgetUnshown(head: Head): void {
    const present = head.epochs.at(-1)?.epoch as string
    const isSame = present === this.epochs.at(-1)?.epoch
    if (isSame && head.offset >= this.#seen) return
    // Without the history that it had, it goes on with an earlier one; what that held further on, it may hold other events for.
    if (isSame) this.#seen = head.offset
    const events = this.#byEpoch.get(present)
    while (events?.length && (events.at(-1)?.offset as number) > head.offset) events.pop()
  }

  #add(event: LogEvent): void {
    const { epoch } = this.epochs.findLast(entry => entry.first <= event.offset) ?? (this.epochs[0] as EpochEntry)
    const events = this.#byEpoch.get(epoch)
    if (events) events.push(event)
    else this.#byEpoch.set(epoch, [event])
    this.#byPosition.set(toPositionText(epoch, event.offset), event)
  }

  at(position: string): LogEvent | undefined {
    return this.#byPosition.get(position)
  }

  /** Whether the log ever was one that has lost what a reader at `position` had seen. */
  wasEverLost(position: Position): boolean {
    return this.#tables.some(table => judge(position, table) !== 'good')
  }

  /** Whether another history ever followed on that of `position`. */
  hasEnded(position: Position): boolean {
    return this.#tables.some(table => table.some((entry, i) => entry.epoch === position.epoch && i < table.length - 1))
  }

  /** Whether the history of `to` went on from `from`. What was written then may be read much later, after yet other losses. */
  leads(from: Position, to: Position): boolean {
    return judge(from, this.#tableWith(to)) === 'good'
  }

  /** The events after `from` and before or at `to`, along the histories that led to `to`. */
  between(from: Position, to: Position): LogEvent[] {
    const table = this.#tableWith(to)
    const events: LogEvent[] = []
    // A cursor may name a later history than the one that its offset was written in.
    for (let i = 0; i < table.length; i++) {
      const entry = table[i] as EpochEntry
      const cut = table[i + 1]?.first ?? Number.POSITIVE_INFINITY
      for (const event of this.#byEpoch.get(entry.epoch) ?? []) {
        if (event.offset > from.offset && event.offset <= to.offset && event.offset < cut) events.push(event)
      }
    }
    return events
  }

  /** The histories that led to `to`, and its own as the last. */
  #tableWith(to: Position): readonly EpochEntry[] {
    for (const table of this.#tables) {
      const own = table.findIndex(entry => entry.epoch === to.epoch)
      if (own >= 0) return table.slice(0, own + 1)
    }
    return []
  }
}
