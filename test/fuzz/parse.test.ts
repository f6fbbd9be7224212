import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { cutBy, readChunks, readPlainly } from '../conformance/wire/reading.js'
import { vectors } from '../conformance/wire/vectors.js'
import { Random, runSeed } from '../support/random.js'

/** How long to look for a difference. Longer: `TIDINGS_FUZZ_MS=600000 npx vitest run test/fuzz/parse.test.ts`. */
const fuzzMs = Number(process.env['TIDINGS_FUZZ_MS'] ?? 2000)
const seed = runSeed()

const toBytes = (text: string) => new TextEncoder().encode(text)
const fields = ['data', 'event', 'id', 'retry', 'topic', 'foo', ':', ': ', ' ', '\0', '1', '9007199254740993']
const ends = ['\n', '\r', '\r\n', '\n\n', '\r\r']
const texts = ['\ufeff', 'é', '한', '😀', '\u2028', 'x'.repeat(50)]
const lines = ['data: a\n\n', 'id: 7\n', 'event: x\n', 'retry: 5\n', ':\n']
const words = [...fields, ...ends, ...texts, ...lines].map(toBytes)
const samples = vectors.map(({ stream }) => (typeof stream === 'string' ? toBytes(stream) : stream))

/** A stream of words, samples and noise, with a few bytes of it broken. */
function randomStream(random: Random): Uint8Array {
  const byte = () => random.below(256)
  const parts = Array.from({ length: random.below(30) }, () => {
    if (random.chance(0.05)) return Uint8Array.from({ length: random.below(8) }, byte)
    return random.pick(random.chance(0.05) ? samples : words)
  })
  const stream = Uint8Array.from(parts.flatMap(part => [...part]))
  for (let breaks = random.below(4); breaks > 0; breaks--) stream[random.below(stream.length)] = byte()
  return stream
}

test('streams of random and broken bytes are read as the standard reads them', { timeout: fuzzMs + 60_000 }, () => {
  const random = new Random(seed)
  const until = performance.now() + fuzzMs
  let streams = 0
  do {
    const stream = randomStream(random)
    const longest = random.pick([1, 4, 16, 100])
    const chunks = cutBy(stream, () => random.below(longest + 1))
    const plain = readPlainly(stream)
    for (const reading of [readChunks([stream]), readChunks(chunks)]) {
      if (isDeepStrictEqual(reading, plain)) continue
      const cut = JSON.stringify(chunks.map(chunk => Buffer.from(chunk).toString('latin1')))
      expect(reading, `stream ${streams} of TIDINGS_SEED=${seed}, cut as ${cut}`).toEqual(plain)
    }
    streams++
  } while (performance.now() < until)
  console.log(`${streams} streams, TIDINGS_SEED=${seed}`)
})
