import { judge } from '../../src/log/epochs.js'
import type { EpochEntry, EventLog, LogEvent } from '../../src/log/log.js'
import { type Position, toPositionText } from '../../src/wire/names.js'

/** Everything that a log ever held, by its own account, histories that it lost too. */
export class Truth {
  readonly #byEpoch = new Map<string, LogEvent[]>()
  readonly #byPosition = new Map<string, LogEvent>()
  epochs: readonly EpochEntry[] = []
  /** Offset up to which the present history was read. */
  #seen = 0

  /** Reads on. Called before anything is removed, so that nothing is missed. */
  async observe(log: EventLog): Promise<void> {
    for (;;) {
      const page = await log.read(this.#seen, { maxEvents: 1000, maxBytes: 1 << 24 })
      const present = page.head.epochs.at(-1) as EpochEntry
      if (this.epochs.length > 0 && this.epochs.at(-1)?.epoch !== present.epoch && present.first <= this.#seen) {
        this.epochs = page.head.epochs
        this.#seen = present.first - 1
        continue
      }
      this.epochs = page.head.epochs
      for (const event of page.events) this.#add(event)
      if (page.through <= this.#seen || page.through >= page.head.offset) {
        this.#seen = Math.max(this.#seen, page.through)
        return
      }
      this.#seen = page.through
    }
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

  /** Whether a reader at `position` has seen only what is still the log's past. */
  isPast(position: Position): boolean {
    return judge(position, this.epochs) === 'good'
  }

  /** The events after `from` and before or at `to`, along the log's histories. */
  between(from: Position, to: Position): LogEvent[] {
    const first = this.epochs.findIndex(entry => entry.epoch === from.epoch)
    const last = this.epochs.findIndex(entry => entry.epoch === to.epoch)
    const events: LogEvent[] = []
    for (let i = Math.max(0, first); i <= last; i++) {
      const entry = this.epochs[i] as EpochEntry
      const cut = this.epochs[i + 1]?.first ?? Number.POSITIVE_INFINITY
      for (const event of this.#byEpoch.get(entry.epoch) ?? []) {
        if (event.offset > from.offset && event.offset <= to.offset && event.offset < cut) events.push(event)
      }
    }
    return events
  }
}
