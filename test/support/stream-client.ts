import { constants, inflateRawSync } from 'node:zlib'
import type { Hub } from '../../src/hub/hub.js'
import type { Gap, Since } from '../../src/hub/request.js'
import type { Encoding, Sink, SinkListener } from '../../src/hub/sink.js'
import type { EventLog, LogEvent } from '../../src/log/log.js'
import { type Position, parsePosition } from '../../src/wire/names.js'
import { createParser, type ParsedEvent } from '../../src/wire/parse.js'
import { matchesAny, type Selector } from '../../src/wire/selector.js'
import type { Truth } from './truth.js'

/** A transport whose other end reads when it is told to, and may be cut at any byte. */
class ScriptedSink implements Sink {
  readonly chunks: Uint8Array[] = []
  isStalled = false
  isHolding = false
  isOver = false
  isDestroyed = false
  #listener: SinkListener | undefined

  listen(listener: SinkListener): void {
    this.#listener = listener
  }

  write(bytes: Uint8Array): boolean {
    if (this.isDestroyed) return false
    if (this.isOver) throw new Error('A write after the end.')
    if (bytes.length > 0) this.chunks.push(bytes)
    if (this.isStalled) this.isHolding = true
    return !this.isStalled
  }

  read(): void {
    this.isStalled = false
    if (!this.isHolding) return
    this.isHolding = false
    this.#listener?.drained()
  }

  end(): void {
    this.#finish()
  }

  destroy(): void {
    this.isDestroyed = true
    this.#finish()
  }

  watchStall(): void {}

  #finish(): void {
    if (this.isOver) return
    this.isOver = true
    queueMicrotask(() => this.#listener?.closed())
  }
}

export interface ClientPlan {
  readonly name: string
  readonly selectors: readonly Selector[]
  readonly since: Since | undefined
  readonly conflateMs: number | undefined
  readonly encoding: Encoding
}

/**
 * One who listens as an `EventSource` would, over connections that are cut, and checks what it hears against the truth:
 * every matching event in order, once, or a `$gap`.
 */
export class StreamClient {
  readonly plan: ClientPlan
  readonly #truth: Truth
  #sink: ScriptedSink | undefined
  #parser = createParser({ onEvent: event => this.#hear(event) })
  /** The last that the connection has read. */
  #lately: Buffer = Buffer.alloc(0)
  /** What `EventSource` would send as `Last-Event-ID`. */
  #lastEventId = ''
  /** Where the checker stands; nothing before the first cursor. */
  position: Position | undefined
  /** The connection began without a cursor, with what was left up to here: what was trimmed before it was read is no loss. */
  #floatsTo = 0
  /** What was passed over as trimmed. */
  #doubts: LogEvent[] = []
  #snapshot: { previous: number } | undefined
  hasEnded = false
  heard = 0
  gaps = 0
  /** Of conflated streams: the newest that was heard, by topic and key. */
  readonly #newest = new Map<string, number>()
  /** Of conflated streams: all after here should be heard. */
  #began: Position | undefined

  constructor(plan: ClientPlan, truth: Truth) {
    this.plan = plan
    this.#truth = truth
  }

  get isConnected(): boolean {
    return this.#sink !== undefined && !this.#sink.isOver
  }

  async connect(hub: Hub): Promise<void> {
    this.cut(Number.POSITIVE_INFINITY)
    const cursor = this.#lastEventId === '' ? undefined : this.#lastEventId
    const { selectors, since, conflateMs, encoding } = this.plan
    const beginning = await hub.begin({ selectors, since, cursor, conflateMs, encoding })
    if (beginning.kind === 'ended') {
      this.hasEnded = true
      return
    }
    const isFloating = cursor === undefined && (since?.kind === 'earliest' || since?.kind === 'time')
    this.#floatsTo = isFloating ? (parsePosition(hub.status.tail)?.offset ?? 0) : 0
    this.#snapshot = cursor === undefined && since?.kind === 'latest' ? { previous: 0 } : undefined
    if (cursor === undefined) this.position = undefined
    this.#parser = createParser({ onEvent: event => this.#hear(event) })
    this.#sink = new ScriptedSink()
    this.#lately = Buffer.alloc(0)
    hub.attach(beginning, this.#sink)
  }

  stall(): void {
    if (this.#sink) this.#sink.isStalled = true
  }

  /** Reads all that is there. */
  read(): void {
    const sink = this.#sink
    if (!sink) return
    this.#take(Number.POSITIVE_INFINITY)
    sink.read()
    if (sink.isOver && sink.chunks.length === 0) this.#sink = undefined
  }

  /** The connection breaks after so many bytes of what is under way. */
  cut(bytes: number): void {
    const sink = this.#sink
    if (!sink) return
    this.#take(bytes)
    this.#sink = undefined
    sink.destroy()
  }

  /** What was passed over as trimmed must not be in the log any more. */
  async settleDoubts(log: EventLog): Promise<void> {
    const doubts = this.#doubts
    this.#doubts = []
    for (const { offset, data } of doubts) {
      const { events } = await log.read(offset - 1, { through: offset, maxEvents: 1, maxBytes: 1 })
      if (events[0]?.data === data) this.#fail(`nothing of ${data} at ${offset}, which the log still has`)
    }
  }

  get bytesUnderWay(): number {
    return this.#sink?.chunks.reduce((sum, chunk) => sum + chunk.length, 0) ?? 0
  }

  #take(bytes: number): void {
    const sink = this.#sink
    let left = bytes
    while (sink && sink.chunks.length > 0 && left > 0) {
      const chunk = sink.chunks.shift() as Uint8Array
      this.#parser.push(this.#read(chunk.subarray(0, left)))
      left -= chunk.length
    }
  }

  /** What is read when these bytes have come. A write of gzip may go on from what was read before, as far back as its decoder remembers. */
  #read(bytes: Uint8Array): Uint8Array {
    if (!this.plan.encoding.packing || bytes.length === 0) return bytes
    const { length } = this.#lately
    const read = inflateRawSync(bytes, {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(length > 0 && { dictionary: this.#lately }),
    })
    this.#lately = Buffer.concat([this.#lately, read]).subarray(-32_768)
    return read
  }

  #hear(event: ParsedEvent): void {
    this.#lastEventId = event.id
    const at = parsePosition(event.id)
    switch (event.type) {
      case '$cursor':
        if (!at) this.#fail(`a $cursor without a position: "${event.id}"`)
        if (this.#snapshot) this.#snapshot = undefined
        else if (this.position) this.#pass(at)
        if (!this.position) this.#began = at
        this.position = at
        return
      case '$gap':
        this.#hearGap(JSON.parse(event.data) as Gap, at)
        return
      case '$end':
        this.hasEnded = true
        return
      default:
        this.#hearEvent(event, at)
    }
  }

  #hearGap(gap: Gap, at: Position | undefined): void {
    this.gaps++
    const requested = parsePosition(gap.requested)
    const resumed = parsePosition(gap.resumedAt)
    const isSnapshotNext = this.plan.since?.kind === 'latest' && gap.resumedAt !== show(at)
    if (!resumed || (!isSnapshotNext && gap.resumedAt !== show(at))) {
      this.#fail(`a $gap without a place: ${JSON.stringify(gap)}`)
    }
    if (gap.reason === 'rewound' && requested && !this.#mayHaveLost(requested))
      this.#fail(`rewound, but ${gap.requested} is the log's past`)
    if (gap.reason === 'trimmed' && (!requested || requested.offset >= resumed.offset))
      this.#fail(`trimmed, but nothing is between: ${JSON.stringify(gap)}`)
    if (requested && this.position) this.#pass(requested)
    if (gap.reason === 'rewound') this.#newest.clear()
    // What comes next has no cursor until it is complete.
    if (isSnapshotNext) this.#snapshot = { previous: 0 }
    this.position = isSnapshotNext ? undefined : resumed
    this.#began = this.position
  }

  /** Who hears only the newest may lack what was left out before its cursor for something that was lost after it. */
  #mayHaveLost(requested: Position): boolean {
    const isNewestOnly = this.plan.conflateMs !== undefined || this.plan.since?.kind === 'latest'
    return this.#truth.wasEverLost(requested) || (isNewestOnly && this.#truth.hasEnded(requested))
  }

  #hearEvent(heard: ParsedEvent, at: Position | undefined): void {
    this.heard++
    if (this.#snapshot) {
      const [topic, data] = splitData(heard.data)
      if (!matchesAny(this.plan.selectors, topic)) this.#fail(`a topic that was not asked for: ${topic}`)
      const number = Number(data)
      if (number <= this.#snapshot.previous)
        this.#fail(`a snapshot out of order: ${number} after ${this.#snapshot.previous}`)
      this.#snapshot.previous = number
      return
    }
    if (!at || !this.position) throw this.#fault(`an event without a position: ${JSON.stringify(heard)}`)
    const event = this.#truth.at(heard.id)
    if (!event) throw this.#fault(`an event that the log never held: ${JSON.stringify(heard)}`)
    if (event.data !== heard.data || (event.type || 'message') !== heard.type)
      this.#fail(`another event than ${JSON.stringify(event)}: ${JSON.stringify(heard)}`)
    if (!matchesAny(this.plan.selectors, event.topic)) this.#fail(`a topic that was not asked for: ${event.topic}`)
    this.#pass(at, event)
    this.position = at
    this.#newest.set(`${event.topic}\n${event.key}`, event.offset)
  }

  /** Moves to `to`: nothing that matches may lie between, but the event itself. */
  #pass(to: Position, event?: LogEvent): void {
    const from = this.position as Position
    if (to.offset < from.offset || (event && to.offset === from.offset))
      this.#fail(`back from ${show(from)} to ${show(to)}`)
    if (from.epoch !== to.epoch && !this.#truth.leads(from, to))
      this.#fail(`from the lost ${show(from)} to ${show(to)} without a $gap`)
    if (this.plan.conflateMs !== undefined) return
    const missing = this.missing(to).filter(missed => missed.offset !== event?.offset)
    if (missing.every(missed => missed.offset <= this.#floatsTo)) this.#doubts.push(...missing)
    else this.#fail(`missed ${JSON.stringify(missing.slice(0, 3))} between ${show(from)} and ${show(to)}`)
  }

  /** Matching events between where the reader stands and `to`. */
  missing(to: Position): LogEvent[] {
    if (!this.position) return []
    return this.#truth.between(this.position, to).filter(event => matchesAny(this.plan.selectors, event.topic))
  }

  /** Of a conflated stream: those of the log's `newest` events after its beginning that it has not heard. */
  lacksNewest(newest: readonly LogEvent[]): LogEvent[] {
    const began = this.#began
    if (!began) return [...newest]
    return newest.filter(
      event => event.offset > began.offset && this.#newest.get(`${event.topic}\n${event.key}`) !== event.offset,
    )
  }

  #fail(what: string): never {
    throw this.#fault(what)
  }

  #fault(what: string): Error {
    return new Error(
      `${this.plan.name} (${this.plan.selectors.map(s => s.text).join(' ')}, since ${this.plan.since?.kind}, conflate ${this.plan.conflateMs}) heard ${what}`,
    )
  }
}

/** Events of the schedules carry their topic and a running number. */
function splitData(data: string): readonly [topic: string, number: string] {
  const at = data.lastIndexOf(' ')
  return [data.slice(0, at), data.slice(at + 1)]
}

function show(position: Position | undefined): string {
  return position === undefined ? 'nowhere' : `${position.epoch}-${position.offset}`
}
