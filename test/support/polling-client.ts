import type { Hub } from '../../src/hub/hub.js'
import type { EventLog, LogEvent } from '../../src/log/log.js'
import { type Position, parsePosition } from '../../src/wire/names.js'
import { matchesAny, type Selector } from '../../src/wire/selector.js'
import type { Truth } from './truth.js'

/** One who asks for page after page, and checks them against the truth: every matching event in order, once, or a gap. */
export class PollingClient {
  readonly #name: string
  readonly #selectors: readonly Selector[]
  readonly #truth: Truth
  #cursor: string | undefined
  /** What was not in a first page, which begins with the oldest that is left while it is read. */
  #doubts: LogEvent[] = []
  heard = 0
  gaps = 0

  constructor(name: string, selectors: readonly Selector[], truth: Truth) {
    this.#name = name
    this.#selectors = selectors
    this.#truth = truth
  }

  /** Asks once; whether there is nothing more to ask for now. `log` is the log as it is. */
  async poll(hub: Hub, limit: number, log: EventLog): Promise<boolean> {
    const cursor = this.#cursor
    const page = await hub.page({ selectors: this.#selectors, cursor }, { limit })
    await this.#truth.observe(log)
    // What is left of the oldest is all that was asked for without a cursor.
    let position = cursor === undefined ? undefined : parsePosition(cursor)
    if (page.gap) {
      this.gaps++
      if (page.gap.requested !== cursor) this.#fail(`a gap from ${page.gap.requested}, not from ${cursor}`)
      const isLost = position && this.#truth.wasEverLost(position)
      if (page.gap.reason === 'rewound' && !isLost) this.#fail(`rewound, but ${cursor} never was`)
      position = parsePosition(page.gap.resumedAt)
    }
    let last = 0
    for (const { id, topic, data } of page.events) {
      const event = this.#truth.at(id ?? '')
      const at = parsePosition(id ?? '')
      if (!event || !at || event.data !== data || event.topic !== topic)
        return this.#fail(`an event that never was: ${id} ${data}`)
      if (!matchesAny(this.#selectors, topic)) this.#fail(`a topic that was not asked for: ${topic}`)
      if (at.offset <= last) this.#fail(`${id} after ${last}`)
      last = at.offset
      // Of a stretch that is known to have holes, what is left may be told all the same.
      const isAcrossGap = page.gap !== null && position !== undefined && at.offset <= position.offset
      if (isAcrossGap) continue
      this.#checkNothingBetween(position, at, at.offset)
      position = at
      this.heard++
    }
    const end = parsePosition(page.cursor)
    if (!end) return this.#fail(`no cursor: ${page.cursor}`)
    this.#checkNothingBetween(position, end)
    await this.#settleDoubts(log)
    this.#cursor = page.cursor
    return !page.more
  }

  #checkNothingBetween(from: Position | undefined, to: Position, but?: number): void {
    if (!from) return
    if (to.offset < from.offset) this.#fail(`back from ${from.offset} to ${to.offset}`)
    if (from.epoch !== to.epoch && !this.#truth.leads(from, to))
      this.#fail(`from the lost ${from.epoch}-${from.offset} without a gap`)
    const missing = this.#truth
      .between(from, to)
      .filter(event => event.offset !== but && matchesAny(this.#selectors, event.topic))
    if (this.#cursor === undefined) this.#doubts.push(...missing)
    else if (missing.length > 0) {
      this.#fail(`missed ${JSON.stringify(missing.slice(0, 3))} up to ${to.epoch}-${to.offset}`)
    }
  }

  /** What was passed over as trimmed must not be in the log any more. */
  async #settleDoubts(log: EventLog): Promise<void> {
    const doubts = this.#doubts
    this.#doubts = []
    for (const { offset, data } of doubts) {
      const { events } = await log.read(offset - 1, { through: offset, maxEvents: 1, maxBytes: 1 })
      if (events[0]?.data === data) this.#fail(`nothing of ${data} at ${offset}, which the log still has`)
    }
  }

  #fail(what: string): never {
    throw new Error(`${this.#name} (${this.#selectors.map(({ text }) => text).join(' ')}) was given ${what}`)
  }
}
