// What subscribers hear, and whether it is what was published: counted, in order, none lost, each timed.

/** Nanoseconds of CLOCK_MONOTONIC. A double holds them to a tenth of a microsecond. */
export function now() {
  return Number(process.hrtime.bigint())
}

const buckets = 64
const percents = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.99, 100]

/** A histogram of nanoseconds: 64 buckets to each doubling. */
export class Histogram {
  #counts = new Float64Array(64 * buckets)
  #count = 0
  #sum = 0
  #max = 0

  /** @param {number} ns */
  add(ns, times = 1) {
    const value = Math.max(ns, 1)
    const at = Math.floor(Math.log2(value) * buckets)
    this.#counts[at] = (this.#counts[at] ?? 0) + times
    this.#count += times
    this.#sum += value * times
    if (value > this.#max) this.#max = value
  }

  /** @param {number} percent */
  at(percent) {
    if (this.#count === 0) return 0
    let seen = 0
    for (let at = 0; at < this.#counts.length; at++) {
      const count = this.#counts[at] ?? 0
      seen += count
      if (count > 0 && seen >= (percent / 100) * this.#count)
        return Math.min(2 ** ((at + 0.5) / buckets), this.#max) / 1e6
    }
    return this.#max / 1e6
  }

  toJSON() {
    const points = percents.map(percent => [percent, percent === 100 ? this.#max / 1e6 : this.at(percent)])
    return { count: this.#count, meanMs: this.#count ? this.#sum / this.#count / 1e6 : 0, points }
  }
}

/**
 * @typedef {object} Listener
 * @property {Topic} topic
 * @property {number} index
 * @property {number} next
 * @property {number} sent
 * @property {boolean} isRecorder
 * @property {boolean} isReady
 * @property {boolean} isGone
 * @property {boolean} resumes
 * @property {() => void} advanced
 */

/** What is published on one topic (or, with `each`, on one for each connection), and who hears it. */
export class Topic {
  path
  name
  form
  bytes
  batch
  isEach
  records
  /** @type {string[]} */
  ids = []
  published = 0
  subscribers = 0
  due = 0
  progress = 0
  skipped = 0
  late = 0
  gaps = 0
  cut = 0
  reads = 0
  lastProgress = now()
  #heard = 0
  #isParallel = false
  /** Where each number stands in the order in which it was first heard. @type {(number | undefined)[]} */
  #place = []
  #delivered = 0
  #damaged = 0
  #foreign = 0
  #cursors = 0
  #latency = new Histogram()
  #behind = new Histogram()
  #ticked = now()
  #seenReads = 0

  /** @param {ReadonlyMap<string, string>} settings */
  constructor(settings) {
    this.path = settings.get('path') ?? '/events/bench'
    this.name = settings.get('name') ?? 'bench'
    this.form = /** @type {'raw' | 'array' | 'lines'} */ (settings.get('form') ?? 'raw')
    this.bytes = Math.max(Number(settings.get('bytes') ?? 100), 31)
    this.batch = Number(settings.get('batch') ?? 1)
    this.isEach = settings.get('each') === '1'
    this.records = settings.get('record') === '1'
  }

  /** @param {boolean} isParallel whether the order is what the first subscriber hears */
  begin(isParallel) {
    this.#isParallel = isParallel
    this.due -= this.progress
    this.progress = this.skipped = this.late = this.gaps = this.cut = this.reads = this.#seenReads = 0
    this.#delivered = this.#damaged = this.#foreign = this.#cursors = 0
    this.#latency = new Histogram()
    this.#behind = new Histogram()
    this.lastProgress = now()
  }

  /** @param {Listener | undefined} to @param {number} events */
  publish(to, events) {
    if (to) to.sent += events
    else if (!this.#isParallel) for (let i = 0; i < events; i++) this.#place[this.published + i] = this.#heard++
    this.published += events
    this.due += to ? events : events * this.subscribers
  }

  /** @param {Listener} member */
  leave(member) {
    this.subscribers--
    this.due -= (this.isEach ? member.sent : this.published) - member.next
  }

  /** A timer that comes late was held up by what was read before it. */
  tick() {
    const time = now()
    if (this.reads > this.#seenReads)
      this.#behind.add(Math.max(0, time - this.#ticked - 1e6), this.reads - this.#seenReads)
    this.#seenReads = this.reads
    this.#ticked = time
  }

  /** Reads the event stream of one subscriber. @param {Listener} member @returns {(piece: Buffer) => void} */
  listen(member) {
    let rest = ''
    /** @type {{ number?: number, stamp?: number, bytes?: number, isForeign?: boolean, isGap?: boolean, isCursor?: boolean }} */
    let block = {}
    /** @param {string} line */
    const take = line => {
      if (line === '') {
        if (block.isGap) this.gaps++
        else if (block.number !== undefined) this.#hear(member, block.number, block.stamp ?? 0, block.bytes ?? 0)
        else if (block.isForeign) this.#foreign++
        else if (block.isCursor) this.#cursors++
        block = {}
      } else if (line.startsWith('data:')) {
        const data = line.slice(line[5] === ' ' ? 6 : 5)
        const [, number, stamp] = /^(\d{10}) (\d{19}) /.exec(data) ?? []
        if (number === undefined || block.number !== undefined) block.isForeign ||= data !== ''
        else block = { ...block, number: Number(number), stamp: Number(stamp), bytes: data.length }
      } else if (line === 'event: $gap') block.isGap = true
      else if (line === 'event: $cursor') block.isCursor = true
      else if (member.isRecorder && line.startsWith('id:')) this.ids[member.next] = line.slice(3).trim()
    }
    return piece => {
      const lines = (rest + piece.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) take(line.endsWith('\r') ? line.slice(0, -1) : line)
    }
  }

  report() {
    return {
      delivered: this.#delivered,
      missing: this.due - this.progress,
      skipped: this.skipped,
      late: this.late,
      damaged: this.#damaged,
      foreign: this.#foreign,
      gaps: this.gaps,
      cut: this.cut,
      cursors: this.#cursors,
      reads: this.reads,
      behindMs: { p99: this.#behind.at(99), max: this.#behind.at(100) },
      latency: this.#latency,
    }
  }

  /** @param {Listener} member @param {number} number @param {number} stamp @param {number} bytes */
  #hear(member, number, stamp, bytes) {
    this.#delivered++
    if (bytes !== this.bytes) this.#damaged++
    if (!member.resumes) this.#latency.add(now() - stamp)
    if (number >= (this.isEach ? member.sent : this.published)) {
      this.#foreign++
      return
    }
    if (!this.isEach && this.#place[number] === undefined) {
      // The first to hear it says where it stands; whoever has not come that far yet has missed something.
      this.#place[number] = this.#heard++
    }
    const at = this.isEach ? number : (this.#place[number] ?? 0)
    if (at < member.next) {
      this.late++
      return
    }
    this.skipped += at - member.next
    this.progress += at + 1 - member.next
    member.next = at + 1
    this.lastProgress = now()
    member.advanced()
  }
}
