import type { Hub } from '../hub/hub.js'
import { type ErrorCode, TidingsError } from '../wire/errors.js'
import { type Answer, jsonAnswer } from './answer.js'
import type { Body } from './body.js'
import { maxEventTextBytes, type NewEvent, readEventLine } from './event-object.js'
import { digestOf, onceOnly } from './idempotency.js'
import { type Line, LineCutter } from './lines.js'
import { Problem } from './problem.js'
import { overloaded, type Publisher, requestCost } from './publisher.js'
import { withoutMark } from './utf8.js'

/** A batch is closed at so many events or bytes: the log appends it in one commit. */
const maxBatchEvents = 1000
const maxBatchBytes = 1024 * 1024

/**
 * `POST /events` with a body of lines, an event each, of any length. One batch is appended while the next is read; when that
 * one is full too, the body is not read on.
 *
 * The lines before one that is refused are in the log; the problem says `line`, `accepted` and `lastId`.
 */
export async function publishLines(publisher: Publisher, body: Body, key: string | undefined): Promise<Answer> {
  const { limits, inFlight } = publisher
  const cutter = new LineCutter(maxEventTextBytes(limits.maxEventBytes))
  const appender = new Appender(publisher.hub)
  let held = 0
  const resize = (bytes: number): boolean => {
    if (bytes > held && !inFlight.take(bytes - held)) return false
    if (bytes < held) inFlight.give(held - bytes)
    held = bytes
    return true
  }
  /** Counts what is held, and `more` bytes. Where there is no room for it, what waits is appended first. */
  const hold = async (more: number): Promise<void> => {
    if (resize(requestCost + cutter.size + appender.size + more)) return
    await appender.finish()
    if (!resize(requestCost + cutter.size + more)) throw overloaded()
  }
  const add = (line: Line): void => {
    const event = toEvent(line, publisher, key)
    // A blank line is nobody's event; it counts as a line.
    if (event) appender.add(event, line)
  }
  try {
    await hold(0)
    for (;;) {
      const chunk = await body.next(limits.bodyTimeoutMs)
      if (!chunk) break
      await hold(chunk.length)
      for (const line of cutter.cut(chunk)) {
        add(line)
        if (appender.isFull) await appender.settled()
      }
      if (cutter.isTooLong) throw lineTooLong(cutter, limits.maxEventBytes)
      appender.start()
      await hold(0)
    }
    const rest = cutter.rest()
    if (rest) add(rest)
    await appender.finish()
    return jsonAnswer({ accepted: appender.accepted, lastId: appender.lastId })
  } catch (error) {
    throw await halfWay(error, appender, cutter)
  } finally {
    inFlight.give(held)
  }
}

function toEvent(line: Line, { limits }: Publisher, key: string | undefined): NewEvent | undefined {
  try {
    const { number, text: written } = line
    if (written === undefined) throw new TidingsError('invalid-utf8', `The bytes of line ${number} are not UTF-8.`)
    const text = number === 1 ? withoutMark(written) : written
    if (text.trim() === '') return undefined
    const event = readEventLine(text, number, limits)
    return key === undefined ? event : onceOnly(event, key, number - 1, digestOf('line', written))
  } catch (error) {
    throw error instanceof TidingsError ? refusedAt(line.number, error.code, error.message) : error
  }
}

function lineTooLong({ number }: LineCutter, maxEventBytes: number): Problem {
  return refusedAt(
    number,
    'too-large',
    `Line ${number}: a line has at most ${maxEventTextBytes(maxEventBytes)} bytes, the data of an event at most ${maxEventBytes}.`,
  )
}

function refusedAt(line: number, code: ErrorCode, message: string): Problem {
  return new Problem(code, message, { members: { line } })
}

/** What went wrong, and how far it came: the good lines before it are appended first. */
async function halfWay(error: unknown, appender: Appender, cutter: LineCutter): Promise<unknown> {
  let cause = error
  try {
    await appender.finish()
  } catch (later) {
    // The log refused a line before the one that was found bad.
    cause = later
  }
  if (!(cause instanceof TidingsError)) return cause
  const { accepted, lastId, refusedLine } = appender
  const line = refusedLine ?? (cause instanceof Problem ? cause.members['line'] : undefined) ?? cutter.number
  const where = refusedLine === undefined ? '' : `Line ${refusedLine}: `
  const before = `${accepted} before it ${accepted === 1 ? 'is' : 'are'} in the log.`
  return new Problem(cause.code, `${where}${cause.message} ${before}`, { members: { line, accepted, lastId }, cause })
}

/** Appends events in batches, one at a time, in their order. */
class Appender {
  /** Events that the log has answered for. */
  accepted = 0
  lastId: string | null = null
  /** The line of the event that the log refused. */
  refusedLine: number | undefined
  readonly #hub: Hub
  #next: Entry[] = []
  #nextBytes = 0
  #underWayBytes = 0
  #underWay: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(hub: Hub) {
    this.#hub = hub
  }

  /** Bytes of the lines that wait or are being appended. */
  get size(): number {
    return this.#nextBytes + this.#underWayBytes
  }

  get isFull(): boolean {
    return this.#next.length >= maxBatchEvents || this.#nextBytes >= maxBatchBytes
  }

  add(event: NewEvent, line: Line): void {
    if (this.#failure) throw this.#failure.error
    this.#next.push({ event, line: line.number })
    this.#nextBytes += line.size
  }

  /** Begins to append what waits, unless something is being appended: then it goes with what comes meanwhile. */
  start(): void {
    if (this.#failure) throw this.#failure.error
    if (this.#underWay || this.#next.length === 0) return
    const batch = this.#next
    this.#underWayBytes = this.#nextBytes
    this.#next = []
    this.#nextBytes = 0
    this.#underWay = this.#append(batch).then(
      () => this.#over(),
      (error: unknown) => {
        this.#failure = { error }
        this.#over()
      },
    )
  }

  /** Begins to append what waits, as soon as nothing is being appended. */
  async settled(): Promise<void> {
    await this.#underWay
    this.start()
  }

  /** Appends all that waits. Throws what the log said. */
  async finish(): Promise<void> {
    while (this.#underWay || (this.#next.length > 0 && !this.#failure)) await this.settled()
    if (this.#failure) throw this.#failure.error
  }

  #over(): void {
    this.#underWay = undefined
    this.#underWayBytes = 0
  }

  async #append(batch: readonly Entry[]): Promise<void> {
    try {
      this.#accept(await this.#hub.publish(batch.map(entry => entry.event)))
    } catch (error) {
      if (!isRefusal(error)) throw error
      // The log takes all of a batch or nothing, and does not say which it refused: one after the other it does.
      for (const entry of batch) {
        this.refusedLine = entry.line
        this.#accept(await this.#hub.publish([entry.event]))
      }
      this.refusedLine = undefined
    }
  }

  #accept(ids: readonly string[]): void {
    this.accepted += ids.length
    this.lastId = ids.at(-1) ?? this.lastId
  }
}

interface Entry {
  readonly event: NewEvent
  readonly line: number
}

/** Whether the log said no to an event, rather than not answer. */
function isRefusal(error: unknown): boolean {
  return error instanceof TidingsError && (error.code === 'topic-ended' || error.code === 'idempotency-conflict')
}
