import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { cutBy, readChunks, readPlainly } from '../conformance/wire/reading.js'
import { vectors } from '../conformance/wire/vectors.js'

/** How long to look for a difference. Longer: `TIDINGS_FUZZ_MS=600000 npx vitest run test/fuzz`. */
const fuzzMs = Number(process.env['TIDINGS_FUZZ_MS'] ?? 2000)
/** The same seed makes the same streams. */
const seed = Number(process.env['TIDINGS_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 32))

/** Whole numbers below `limit`, the same ones for the same seed (xorshift32). */
function createRandom(start: number): (limit: number) => number {
  let state = start >>> 0 || 1
  return limit => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
}

const words = [
  ...[
    'data',
    'event',
    'id',
    'retry',
    'topic',
    'foo',
    ':',
    ': ',
    ' ',
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    '\r\r',
    '\0',
    '1',
    '9007199254740993',
  ],
  ...['\ufeff', 'é', '한', '😀', '\u2028', 'data: a\n\n', 'id: 7\n', 'event: x\n', 'retry: 5\n', 'x'.repeat(50)],
].map(word => new TextEncoder().encode(word))
const samples = vectors.map(({ stream }) => (typeof stream === 'string' ? new TextEncoder().encode(stream) : stream))

test(`streams of random and broken bytes are read as the standard reads them (seed ${seed}, ${fuzzMs} ms)`, {
  timeout: fuzzMs + 60_000,
}, () => {
  const random = createRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T
  const noise = () => Uint8Array.from({ length: random(8) }, () => random(256))
  const until = performance.now() + fuzzMs
  let streams = 0
  do {
    const parts = Array.from({ length: random(30) }, () => {
      const kind = random(20)
      return kind === 0 ? noise() : kind === 1 ? pick(samples) : pick(words)
    })
    const stream = Uint8Array.from(parts.flatMap(part => [...part]))
    for (let flips = random(4); flips > 0 && stream.length > 0; flips--) stream[random(stream.length)] = random(256)
    const longest = 1 + random(pick([1, 4, 16, 100]))
    const chunks = cutBy(stream, () => random(longest + 1))
    const plain = readPlainly(stream)
    for (const reading of [readChunks([stream]), readChunks(chunks)]) {
      if (isDeepStrictEqual(reading, plain)) continue
      const cut = JSON.stringify(chunks.map(chunk => Buffer.from(chunk).toString('latin1')))
      expect(reading, `stream ${streams} of TIDINGS_FUZZ_SEED=${seed}, cut as ${cut}`).toEqual(plain)
    }
    streams++
  } while (performance.now() < until)
  console.log(`fuzz: ${streams} streams, TIDINGS_FUZZ_SEED=${seed}`)
})
