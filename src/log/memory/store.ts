import { TidingsError } from '../../wire/errors.js'
import type { Position } from '../../wire/names.js'
import { matchesAny, type Selector } from '../../wire/selector.js'
import { presentEpoch, withEpoch } from '../epochs.js'
import type { EpochEntry, Head, LogUsage, NewEvent, TopicInfo } from '../log.js'
import { eventBytes, type Floors, inheritFloors, type Retention } from '../retention.js'
import type { LogSettings } from '../settings.js'
import { EventList } from './event-list.js'
import { HeldEvent } from './held-event.js'
import { eventOverheadBytes, type Held, Keeper } from './keeper.js'
import { OnceTable } from './once.js'
import { TopicRecord } from './topic-record.js'

/** Events that retention looks at in one go, before others have their turn. */
export const trimBudget = 4096

/** What a store may be made to do otherwise, so that tests have a log that behaves as other logs do. */
export interface StoreSeams {
  /** The offset after `offset`. Default: the next number. */
  readonly nextOffset?: ((offset: number) => number) | undefined
  /** The table after a new history begins. Default: `withEpoch`. */
  readonly withEpoch?: ((epochs: readonly EpochEntry[], first: number) => readonly EpochEntry[]) | undefined
}

/** The events and their indexes, and what may be done with them in one step. */
export class MemoryStore {
  readonly #settings: LogSettings
  #retention: Retention
  readonly #maxBytes: number
  readonly #nextOffset: (offset: number) => number
  readonly #withEpoch: (epochs: readonly EpochEntry[], first: number) => readonly EpochEntry[]
  readonly #once: OnceTable
  #keeper: Keeper
  readonly #topics = new Map<string, TopicRecord>()
  /** The names of the topics, in order, and maybe some that are gone; nothing is sorted before somebody asks. */
  #names: string[] = []
  #namesAreGood = true
  #heldBytes = 0
  #head: Head
  readonly events: EventList = new EventList()
  /** The newest event of each topic and key. */
  readonly newest: EventList = new EventList()

  constructor(settings: LogSettings, maxBytes: number, seams: StoreSeams = {}) {
    this.#settings = settings
    this.#retention = settings.retention
    this.#maxBytes = maxBytes
    this.#nextOffset = seams.nextOffset ?? (offset => offset + 1)
    this.#withEpoch = seams.withEpoch ?? withEpoch
    this.#once = new OnceTable(settings.idempotencyMs, settings.maxOnce)
    this.#keeper = this.#keeperOf(settings.retention)
    this.#head = { offset: 0, time: 0, epochs: this.#withEpoch([], 1) }
  }

  #keeperOf(retention: Retention, floors?: Floors): Keeper {
    const held: Held = {
      isNewest: event => this.#topics.get(event.topic)?.newestOf(event.key) === event,
      remove: event => this.#remove(event),
    }
    return new Keeper(retention, held, floors)
  }

  get head(): Head {
    return this.#head
  }

  /** Keeps by other rules from now on, counting all that is held anew: some 0.4 µs an event, all at once. */
  setRetention(retention: Retention): void {
    const selectors = this.#retention.rules.map(rule => rule.selector.text)
    this.#keeper = this.#keeperOf(retention, inheritFloors({ selectors, floors: this.#keeper.floors }, retention))
    this.#retention = retention
    for (const record of this.#topics.values()) record.rule = retention.ruleOf(record.topic)
    const walk = this.events.after(0)
    for (let event = walk.current; event; walk.advance(), event = walk.current) {
      const { rule } = this.#topics.get(event.topic) as TopicRecord
      if (rule !== undefined) this.#keeper.add(rule, event)
    }
  }

  get needsTimer(): boolean {
    return this.#keeper.needsTimer
  }

  record(topic: string): TopicRecord | undefined {
    return this.#topics.get(topic)
  }

  /** Never behind the time of an event that is there. */
  now(): number {
    return Math.max(this.#head.time, this.#settings.clock())
  }

  /** Appends all the events, or throws and appends none. `over`: a rule is over a limit now. */
  append(batch: readonly NewEvent[]): { readonly positions: readonly Position[]; readonly over: boolean } {
    const time = this.now()
    const sizes = this.#admit(batch, time)
    const epoch = presentEpoch(this.#head.epochs)
    const positions: Position[] = []
    let { offset } = this.#head
    let over = false
    for (let i = 0; i < batch.length; i++) {
      const event = batch[i] as NewEvent
      const repeated = event.once && this.#once.get(event.once.token, time)
      if (repeated) {
        positions.push(repeated.position)
        continue
      }
      offset = this.#nextOffset(offset)
      const position = { epoch, offset }
      if (this.#add(event, offset, time, sizes[i] as number)) over = true
      if (event.once) this.#once.remember(event.once.token, event.once.digest, position, time)
      positions.push(position)
    }
    if (offset !== this.#head.offset) this.#head = { offset, time, epochs: this.#head.epochs }
    this.#once.prune(time)
    return { positions, over }
  }

  beginEpoch(expected: string): Head {
    const { offset, time, epochs } = this.#head
    if (presentEpoch(epochs) === expected) this.#head = { offset, time, epochs: this.#withEpoch(epochs, offset + 1) }
    return this.#head
  }

  offsetBefore(time: number): number {
    // The head's time is known though its event may be gone.
    return this.#head.time < time ? this.#head.offset : (this.events.lastBefore(time)?.offset ?? 0)
  }

  floor(selectors: readonly Selector[] | undefined): number {
    return this.#retention.floorFor(selectors, this.#keeper.floors, topic => this.#topics.get(topic)?.floor)
  }

  /** See `Keeper`. */
  relieve(): boolean {
    return this.#keeper.relieve(trimBudget)
  }

  /** See `Keeper`. */
  trim(now: number, through: number): boolean {
    this.#once.prune(now)
    return this.#keeper.trim(now, through, trimBudget)
  }

  usage(): LogUsage {
    return {
      events: this.events.size,
      bytes: this.#heldBytes - this.events.size * eventOverheadBytes,
      oldestTime: this.events.first?.time ?? 0,
      storedBytes: this.#heldBytes,
      maxStoredBytes: this.#maxBytes,
    }
  }

  topics(after: string | undefined, limit: number, selectors: readonly Selector[] | undefined): readonly TopicInfo[] {
    const names = selectors?.every(selector => !selector.glob)
      ? [...new Set(selectors.map(selector => selector.text))].sort()
      : this.#sortedNames()
    const found: TopicInfo[] = []
    for (let i = after === undefined ? 0 : placeAfter(names, after); i < names.length && found.length < limit; i++) {
      const name = names[i] as string
      const record = this.#topics.get(name)
      if (record && (!selectors || matchesAny(selectors, name))) found.push(record.info())
    }
    return found
  }

  /** Throws unless the whole batch can be appended; otherwise makes room for it, and says what each event counts. */
  #admit(batch: readonly NewEvent[], now: number): readonly number[] {
    let said: Map<string, string> | undefined
    let ended: Set<string> | undefined
    const sizes: number[] = []
    let bytes = 0
    for (const event of batch) {
      const { once, topic } = event
      if (once) {
        const digest = this.#once.get(once.token, now)?.digest ?? said?.get(once.token)
        if (digest !== undefined) {
          if (digest !== once.digest) throw conflict()
          sizes.push(0)
          continue
        }
        said ??= new Map()
        said.set(once.token, once.digest)
      }
      if (this.#topics.get(topic)?.end !== undefined || ended?.has(topic)) throw hasEnded(topic)
      if (event.end) {
        ended ??= new Set()
        ended.add(topic)
      }
      const size = eventBytes(event)
      sizes.push(size)
      bytes += size + eventOverheadBytes
    }
    const excess = this.#heldBytes + bytes - this.#maxBytes
    if (excess > 0) {
      if (excess > this.#keeper.spareBytes) throw isFull(this.#maxBytes)
      this.#keeper.giveWay(excess)
    }
    return sizes
  }

  /** Whether the rule of the event is over a limit now. */
  #add(given: NewEvent, offset: number, time: number, bytes: number): boolean {
    const record = this.#recordFor(given.topic)
    const { rule } = record
    const before = record.newestOf(given.key ?? '')
    // Equal names are kept once: a request brings them as new strings each time.
    const event = new HeldEvent(offset, time, record.topic, before ? before.key : (given.key ?? ''), given, bytes)
    record.append(event)
    this.events.append(event)
    this.newest.append(event)
    this.#heldBytes += bytes + eventOverheadBytes
    if (before) {
      this.newest.remove(before.offset)
      if (rule !== undefined && this.#keeper.spared(rule, before)) this.#remove(before)
    }
    return rule !== undefined && this.#keeper.add(rule, event)
  }

  #recordFor(topic: string): TopicRecord {
    const known = this.#topics.get(topic)
    if (known) return known
    const rule = this.#retention.ruleOf(topic)
    // What the topic may have lost before it was forgotten, only its rule remembers.
    const record = new TopicRecord(topic, rule, this.#keeper.floorOf(rule))
    this.#topics.set(topic, record)
    // Nobody may ever ask for the listing, and topics come and go: at most as many names again are kept of those that are gone.
    if (this.#names.length > 2 * this.#topics.size + 1024) this.#names = [...this.#topics.keys()]
    else this.#names.push(topic)
    this.#namesAreGood = false
    return record
  }

  #remove(event: HeldEvent): void {
    const record = this.#topics.get(event.topic) as TopicRecord
    if (record.newestOf(event.key) === event) this.newest.remove(event.offset)
    this.events.remove(event.offset)
    record.remove(event)
    this.#heldBytes -= HeldEvent.bytesOf(event) + eventOverheadBytes
    if (record.rule !== undefined) this.#keeper.removed(record.rule, event)
    if (record.events.size > 0) return
    this.#topics.delete(record.topic)
    this.#namesAreGood = false
  }

  #sortedNames(): readonly string[] {
    if (!this.#namesAreGood) {
      // Names in order with some at the end that are not: the sort is quick where it finds order. A name that went and came
      // back stands there twice.
      const names = this.#names.filter(name => this.#topics.has(name)).sort()
      this.#names = names.filter((name, i) => name !== names[i - 1])
      this.#namesAreGood = true
    }
    return this.#names
  }
}

/** The index of the first of the ordered `names` after `name`. */
function placeAfter(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((names[middle] as string) <= name) low = middle + 1
    else high = middle
  }
  return low
}

function hasEnded(topic: string): TidingsError {
  return new TidingsError('topic-ended', `The topic "${topic}" has ended, and takes no other event; choose another.`)
}

function conflict(): TidingsError {
  return new TidingsError(
    'idempotency-conflict',
    'The idempotency key was used for another body; give each request a key of its own.',
  )
}

function isFull(maxBytes: number): TidingsError {
  return new TidingsError(
    'log-full',
    `The log would hold more than ${maxBytes} bytes of events that its rules of retention keep; give it rules with limits, or a greater maxBytes.`,
  )
}
