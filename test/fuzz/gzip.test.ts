import { setImmediate as nextTurn } from 'node:timers/promises'
import { constants, inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { eventStreamEncoding } from '../../src/http/sinks/event-stream.js'
import { gzipped } from '../../src/http/sinks/gzip.js'
import { createHub } from '../../src/hub/create-hub.js'
import type { Since } from '../../src/hub/request.js'
import { createMemoryLog } from '../../src/log/memory.js'
import { createParser, type ParsedEvent } from '../../src/wire/parse.js'
import { parseSelector } from '../../src/wire/selector.js'
import { CollectingSink } from '../support/collecting-sink.js'
import { Random, runSeed } from '../support/random.js'

/** How long to look for a fault. Longer: `TIDINGS_FUZZ_MS=600000 npx vitest run test/fuzz/gzip.test.ts`. */
const fuzzMs = Number(process.env['TIDINGS_FUZZ_MS'] ?? 4000)
const seed = runSeed()
const encoding = gzipped(eventStreamEncoding({ showsTopic: true, isEnvelope: false }))
const topics = ['a/1', 'a/2', 'b', 'c/d']
/** What each selector matches. */
const selectors = { 'a/1': ['a/1'], 'a/*': ['a/1', 'a/2'], b: ['b'], '**': topics } as const
type Selector = keyof typeof selectors

interface Said {
  readonly offset: number
  readonly topic: string
  readonly data: string
}

class Reader extends CollectingSink {
  readonly hears: readonly string[]
  /** Takes whatever is left until it has been given something. */
  readonly isFloating: boolean
  readonly #random: Random

  constructor(random: Random, hears: readonly string[], isFloating: boolean) {
    super()
    this.#random = random
    this.hears = hears
    this.isFloating = isFloating
  }

  override write(bytes: Uint8Array): boolean {
    if (this.#random.chance(0.03)) this.isTaking = false
    return super.write(bytes)
  }
}

const offsetOf = (id: string) => Number(id.split('-')[1])

function eventsOf({ writes }: Reader): readonly ParsedEvent[] {
  const text = inflateRawSync(Buffer.concat(writes), { finishFlush: constants.Z_SYNC_FLUSH })
  const events: ParsedEvent[] = []
  createParser({ onEvent: event => void events.push(event) }).push(text)
  return events
}

/** Each event as it was said, in order, none left out without a word. */
function check(reader: Reader, said: readonly Said[]): void {
  const [first, ...rest] = eventsOf(reader)
  expect(first?.type).toBe('$cursor')
  let at = offsetOf(first?.id ?? '')
  let isOwed = !reader.isFloating
  for (const { type, id, data } of rest) {
    const offset = offsetOf(id)
    if (type === '$gap') {
      at = offset
      isOwed = true
    }
    if (type.startsWith('$')) continue
    const next = said.find(event => event.offset > at && reader.hears.includes(event.topic))
    if (isOwed) expect(offset).toBe(next?.offset)
    expect(offset).toBeGreaterThan(at)
    expect(said.find(event => event.offset === offset)?.data === data).toBe(true)
    at = offset
    isOwed = true
  }
  if (reader.isDestroyed || !isOwed) return
  expect(said.filter(event => event.offset > at && reader.hears.includes(event.topic))).toEqual([])
}

/** A hub whose readers come, go, stop and read on, while it is published to in all sizes. */
async function round(random: Random): Promise<number> {
  const log = createMemoryLog({
    retention: random.chance(0.5) ? [{ selector: '**', count: 20 + random.below(80) }] : [],
  })
  const reports: unknown[] = []
  const hub = await createHub(log, {
    heartbeatMs: 100,
    maxRecentEvents: random.pick([0, 20, 16_384]),
    report: message => void reports.push(message),
  })
  const readers: Reader[] = []
  const said: Said[] = []
  const ids: string[] = []
  const come = async (): Promise<void> => {
    const selector = random.pick(Object.keys(selectors) as Selector[])
    const cursor = random.chance(0.3) ? ids[random.below(ids.length)] : undefined
    const since: Since = random.pick([{ kind: 'now' }, { kind: 'earliest' }, { kind: 'time', time: 0 }])
    const isFloating = cursor === undefined && since.kind !== 'now'
    const beginning = await hub.begin({ selectors: [parseSelector(selector)], encoding, cursor, since })
    if (beginning.kind === 'ended') throw new Error('Nothing ends here.')
    const reader = new Reader(random, selectors[selector], isFloating)
    hub.attach(beginning, reader)
    readers.push(reader)
  }
  const say = async (count: number): Promise<void> => {
    const events = Array.from({ length: count }, () => {
      const small = `{"symbol":"S${random.below(5)}","price":${random.below(1e6)},"note":"the quick brown fox"}`
      const noise = () => String.fromCharCode(33 + random.below(90))
      const data = random.chance(0.03)
        ? Array.from({ length: random.below(20_000) }, noise).join('')
        : small.repeat(random.chance(0.9) ? 1 : 1 + random.below(30))
      return { topic: random.pick(topics), data }
    })
    for (const [i, id] of (await hub.publish(events)).entries()) {
      ids.push(id)
      said.push({ ...(events[i] as (typeof events)[0]), offset: offsetOf(id) })
    }
  }
  for (let i = 0; i < 8; i++) await come()
  for (let step = 0; step < 120; step++) {
    const what = random.next()
    if (what < 0.5) await say(random.chance(0.8) ? 1 : 1 + random.below(60))
    else if (what < 0.6) await come()
    else if (what < 0.65) random.pick(readers).destroy()
    else if (what < 0.8) for (const reader of readers) if (!reader.isTaking && random.chance(0.5)) reader.drain()
    if (what > 0.8) await nextTurn()
    // Some have a heartbeat in it, and some not yet.
    if (what > 0.98) await new Promise(resolve => setTimeout(resolve, 60 + random.below(60)))
  }
  do {
    for (const reader of readers) if (!reader.isTaking) reader.drain()
    await nextTurn()
  } while (hub.status.catchingUp > 0 || !hub.status.tail.endsWith(`-${said.at(-1)?.offset ?? 0}`))
  for (const reader of readers) check(reader, said)
  expect(reports).toEqual([])
  await hub.close()
  await log.close()
  return readers.length
}

test('whatever readers do, each is given what it can read, and all of it', { timeout: fuzzMs + 60_000 }, async () => {
  const random = new Random(seed)
  const until = performance.now() + fuzzMs
  let readers = 0
  try {
    do readers += await round(random)
    while (performance.now() < until)
  } finally {
    console.log(`${readers} readers, TIDINGS_SEED=${seed}`)
  }
})
