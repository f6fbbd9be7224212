import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HubOnHttp, RawConnection, request, startHub } from '../http/hub-on-http.js'
import { WebSocketClient } from '../http/web-socket-client.js'
import { Random, runSeed } from '../support/random.js'

/** How long to send nonsense. Longer: `TIDINGS_FUZZ_MS=600000 npx vitest run test/fuzz/websocket.test.ts`. */
const fuzzMs = Number(process.env['TIDINGS_FUZZ_MS'] ?? 3000)
const seed = runSeed()
const handshake = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
}

let hub: HubOnHttp
beforeEach(async () => {
  hub = await startHub()
})
afterEach(() => hub.close())

/** RFC 6455, 5.2. `mask` undefined: without one, as no client may. */
function frame(first: number, payload: Uint8Array, mask: Uint8Array | undefined, length = payload.length): Buffer {
  const maskBit = mask ? 0x80 : 0
  const head =
    length < 126
      ? [first, maskBit | length]
      : length < 65_536
        ? [first, maskBit | 126, length >> 8, length & 255]
        : [
            first,
            maskBit | 127,
            0,
            0,
            0,
            0,
            (length >>> 24) & 255,
            (length >> 16) & 255,
            (length >> 8) & 255,
            length & 255,
          ]
  const body = payload.map((byte, i) => byte ^ (mask?.[i % 4] ?? 0))
  return Buffer.concat([Buffer.from(head), mask ?? new Uint8Array(), body])
}

const mask = Uint8Array.of(1, 2, 3, 4)
const text = (said: string) => Buffer.from(said)

/** Connects, sends, and resolves to the code of the close frame that comes; nothing if the connection ends without one. */
async function closeCodeFor(...frames: readonly Uint8Array[]): Promise<number | undefined> {
  const connection = new RawConnection(hub.port).write(request('GET', '/events/a', handshake))
  await connection.until(received => received.includes('$cursor'))
  for (const bytes of frames) connection.write(bytes)
  await connection.closed()
  const at = connection.received.lastIndexOf('\x88')
  return at < 0 ? undefined : Buffer.from(connection.received.slice(at + 2, at + 4), 'latin1').readUInt16BE()
}

test.each([
  ['a message that is no text', frame(0x82, text('{}'), mask), 1003],
  ['a frame without a mask', frame(0x81, text('{}'), undefined), 1002],
  ['an unknown opcode', frame(0x83, text('{}'), mask), 1002],
  ['a reserved bit', frame(0xc1, text('{}'), mask), 1002],
  ['a continuation of nothing', frame(0x80, text('{}'), mask), 1002],
  ['a ping in pieces', frame(0x09, text('?'), mask), 1002],
  ['a ping that is too long', frame(0x89, Buffer.alloc(126), mask), 1002],
  ['text that is no UTF-8', frame(0x81, Uint8Array.of(0xc0, 0xaf), mask), 1007],
  ['half a character at the end', frame(0x81, Uint8Array.of(0xed, 0x95), mask), 1007],
  ['a close code that is none', frame(0x88, Uint8Array.of(0x03, 0xe7), mask), 1002],
  ['more than a message may have', frame(0x81, new Uint8Array(), mask, 64 * 1024 * 1024), 1009],
])('%s is answered with its close code', async (_, bytes, code) => {
  expect(await closeCodeFor(bytes)).toBe(code)
})

test('a message in pieces, with a ping between, is one message', async () => {
  const connection = new RawConnection(hub.port).write(request('GET', '/events/a', handshake))
  await connection.until(received => received.includes('$cursor'))
  connection.write(frame(0x01, text('{"ref":"pieces","publish":'), mask))
  connection.write(frame(0x89, text('ping'), mask))
  connection.write(frame(0x00, text('{"topic":"a",'), mask))
  connection.write(frame(0x80, text('"data":"안녕"}}'), mask))
  await connection.until(so => so.includes('"안녕"') && so.includes('"pieces"'))
  expect(connection.received).toContain('\x8a\x04ping')
  connection.destroy()
})

test('whatever is sent, nothing is published, and the hub goes on', { timeout: fuzzMs + 60_000 }, async () => {
  const random = new Random(seed)
  const witness = new WebSocketClient(`${hub.url}/events?topic=**`)
  await witness.opened()
  const words = [
    '{"publish":{"topic":',
    '"a"',
    ',"data":',
    '1}}',
    '{"subscribe":["',
    'b',
    '"]',
    '}',
    '[',
    '\\u0000',
    '한',
    '"ref":1',
    '{}',
  ]
  const until = performance.now() + fuzzMs
  let connections = 0
  do {
    const connection = new RawConnection(hub.port).write(request('GET', '/events/a', handshake))
    await connection.until(received => received.includes('$cursor'))
    for (let frames = 1 + random.below(5); frames > 0; frames--) {
      const noise = randomBytes(random.below(200))
      const said = text(Array.from({ length: random.below(6) }, () => random.pick(words)).join(' '))
      // A space between the words of an event keeps all of them from being one.
      const payload = random.chance(0.6) ? Buffer.concat([text('!'), said]) : noise
      const first = random.chance(0.7) ? 0x81 : random.below(256)
      connection.write(random.chance(0.9) ? frame(first, payload, random.chance(0.95) ? mask : undefined) : noise)
    }
    if (random.chance(0.5)) connection.socket.end()
    else connection.destroy()
    connections++
  } while (performance.now() < until)
  await hub.hub.publish([{ topic: 'b', data: 'after all' }])
  await witness.until(() => witness.said.length > 0)
  expect(witness.said, `TIDINGS_SEED=${seed}`).toEqual(['after all'])
  expect(hub.reports).toEqual([])
  witness.socket.terminate()
  console.log(`${connections} connections, TIDINGS_SEED=${seed}`)
})
