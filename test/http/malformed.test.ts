import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createParser } from '../../src/wire/parse.js'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

let hub: HubOnHttp
let watcher: RawConnection
beforeAll(async () => {
  hub = await startHub({
    settings: { publicTopics: ['clock'], limits: { headersTimeoutMs: 2000, bodyTimeoutMs: 2000 } },
  })
  watcher = new RawConnection(hub.port).write(request('GET', '/events?topic=**'))
  await watcher.until(text => text.includes('$cursor'))
})

afterAll(async () => {
  watcher.destroy()
  await hub.close()
})

/** Nothing that was refused has reached a reader, and the hub still does what it is for. */
async function nothingWasHeard(): Promise<void> {
  const mark = `good-${performance.now()}`
  expect((await exchange(hub.port, request('POST', '/events/good', {}, mark))).status).toBe(200)
  const received = await watcher.until(text => text.includes(mark))
  expect(received.match(/^topic: (?!good$).*/gm)).toBeNull()
  expect(hub.reports).toEqual([])
}

/** The answer to bytes after which the client closes its side. */
async function answerTo(
  bytes: string | Uint8Array,
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const connection = new RawConnection(hub.port, { allowHalfOpen: true })
  connection.socket.end(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  const { status, code } = await connection.answer()
  connection.destroy()
  return { status, code }
}

const host = 'Host: localhost\r\n'
const json = { 'Content-Type': 'application/json' }
const event = '{"topic":"bad","data":"x"}'

const corpus: readonly (readonly [what: string, bytes: string | Uint8Array, code: string])[] = [
  // The request line.
  ['no method', `/events HTTP/1.1\r\n${host}\r\n`, 'bad-request'],
  ['an unknown method', `PUBLISH /events/bad HTTP/1.1\r\n${host}\r\n`, 'bad-request'],
  ['a method in lower case', `post /events/bad HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\nx`, 'bad-request'],
  ['another protocol', '\x16\x03\x01\x02\x00\x01\x00', 'bad-request'],
  ['half of what HTTP/2 begins with', 'PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n', 'bad-request'],
  ['a version that is not spoken', `GET /healthz HTTP/2.0\r\n${host}\r\n`, 'bad-request'],
  ['no version', `GET /healthz\r\n${host}\r\n`, 'bad-request'],
  ['bare line feeds', 'POST /events/bad HTTP/1.1\nHost: localhost\nContent-Length: 1\n\nx', 'bad-request'],
  ['a method that there is not here', `DELETE /events/bad HTTP/1.1\r\n${host}\r\n`, 'method-not-allowed'],
  ['a proxy request', `CONNECT localhost:80 HTTP/1.1\r\n${host}\r\n`, 'method-not-allowed'],
  // The target.
  ['a NUL in the path', `POST /events/b\0d HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\nx`, 'bad-request'],
  ['a line feed in the path', `POST /events/b\nd HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\nx`, 'bad-request'],
  ['bytes beyond ASCII in the path', `POST /events/b\xc3\xa4d HTTP/1.1\r\n${host}\r\n`, 'bad-request'],
  ['a fragment', request('POST', '/events/bad#x', {}, 'x'), 'bad-request'],
  ['a relative path', request('POST', 'events/bad', {}, 'x'), 'bad-request'],
  ['another scheme', request('POST', 'ftp://localhost/events/bad', {}, 'x'), 'bad-request'],
  ['a user in the authority', request('POST', 'http://localhost@evil.example/events/bad', {}, 'x'), 'bad-request'],
  ['half an escape', request('POST', '/events/b%4', {}, 'x'), 'bad-request'],
  ['no escape', request('POST', '/events/b%zzd', {}, 'x'), 'bad-request'],
  ['an escaped byte that is no UTF-8', request('POST', '/events/b%ffd', {}, 'x'), 'invalid-utf8'],
  ['an overlong slash', request('POST', '/events/b%c0%afd', {}, 'x'), 'invalid-utf8'],
  ['an escaped surrogate', request('POST', '/events/b%ed%a0%80d', {}, 'x'), 'invalid-utf8'],
  ['an escaped CR and LF', request('POST', '/events/b%0d%0aid:%201', {}, 'x'), 'invalid-topic'],
  ['an escaped NUL', request('POST', '/events/b%00', {}, 'x'), 'invalid-topic'],
  ['a C1 control', request('POST', '/events/b%c2%85', {}, 'x'), 'invalid-topic'],
  ['a format character', request('POST', '/events/b%e2%80%ae', {}, 'x'), 'invalid-topic'],
  ['a step up', request('POST', '/events/../bad', {}, 'x'), 'invalid-topic'],
  ['an escaped step up', request('POST', '/events/a%2f%2e%2e/bad', {}, 'x'), 'invalid-topic'],
  ['no topic', request('POST', '/events/', {}, 'x'), 'invalid-topic'],
  ['a wildcard', request('POST', '/events/bad/*', {}, 'x'), 'invalid-topic'],
  ['a topic of the hub', request('POST', '/events/$bad', {}, 'x'), 'reserved-topic'],
  ['an escaped topic of the hub', request('POST', '/events/%24bad', {}, 'x'), 'reserved-topic'],
  ['a topic that is too long', request('POST', `/events/${'b'.repeat(1025)}`, {}, 'x'), 'invalid-topic'],
  ['a target that is too long', request('POST', `/events/${'b'.repeat(20_000)}`, {}, 'x'), 'uri-too-long'],
  ['a target that is far too long', request('POST', `/events/${'b'.repeat(100_000)}`, {}, 'x'), 'uri-too-long'],
  ['another path', request('POST', '/event/bad', {}, 'x'), 'not-found'],
  // The query.
  ['a line feed in the type', request('POST', '/events/bad?type=a%0aid:%209', {}, 'x'), 'invalid-event'],
  ['a CR in the key', request('POST', '/events/bad?key=a%0d', {}, 'x'), 'invalid-event'],
  ['a NUL in the event id', request('POST', '/events/bad?eventId=a%00', {}, 'x'), 'invalid-event'],
  ['a type of the hub', request('POST', '/events/bad?type=$end', {}, 'x'), 'invalid-event'],
  ['a type of EventSource', request('POST', '/events/bad?type=open', {}, 'x'), 'invalid-event'],
  ['an event id like a position', request('POST', '/events/bad?eventId=ab1-1', {}, 'x'), 'invalid-event'],
  ['an unknown parameter', request('POST', '/events/bad?tpye=a', {}, 'x'), 'unknown-parameter'],
  ['a parameter twice', request('POST', '/events/bad?type=a&type=b', {}, 'x'), 'invalid-parameter'],
  ['an end that is none', request('POST', '/events/bad?end=maybe', {}, 'x'), 'invalid-parameter'],
  ['a query that is no UTF-8', request('POST', '/events/bad?type=%fe', {}, 'x'), 'invalid-utf8'],
  ['parameters of another form', request('POST', '/events?type=a', json, event), 'unknown-parameter'],
  // The headers.
  ['no Host', 'POST /events/bad HTTP/1.1\r\nContent-Length: 1\r\n\r\nx', 'bad-request'],
  ['two Hosts', `POST /events/bad HTTP/1.1\r\n${host}${host}Content-Length: 1\r\n\r\nx`, 'bad-request'],
  ['a Host with a path', request('POST', '/events/bad', { Host: 'localhost/a' }, 'x'), 'bad-request'],
  ['a foreign Host', request('POST', '/events/bad', { Host: 'evil.example' }, 'x'), 'host-not-allowed'],
  ['a foreign Origin', request('POST', '/events/bad', { Origin: 'https://evil.example' }, 'x'), 'origin-not-allowed'],
  ['an Origin of nobody', request('POST', '/events/bad', { Origin: 'null' }, 'x'), 'origin-not-allowed'],
  [
    'two Origins',
    `POST /events/bad HTTP/1.1\r\n${host}Origin: http://localhost\r\nOrigin: http://a\r\nContent-Length: 1\r\n\r\nx`,
    'bad-request',
  ],
  ['a header without a name', `POST /events/bad HTTP/1.1\r\n${host}: x\r\nContent-Length: 1\r\n\r\nx`, 'bad-request'],
  [
    'a space before the colon',
    `POST /events/bad HTTP/1.1\r\n${host}X : x\r\nContent-Length: 1\r\n\r\nx`,
    'bad-request',
  ],
  ['a folded header', `POST /events/bad HTTP/1.1\r\n${host}X: x\r\n y\r\nContent-Length: 1\r\n\r\nx`, 'bad-request'],
  ['a NUL in a header', `POST /events/bad HTTP/1.1\r\n${host}X: a\0b\r\nContent-Length: 1\r\n\r\nx`, 'bad-request'],
  ['a bare CR in a header', `POST /events/bad HTTP/1.1\r\n${host}X: a\rb\r\nContent-Length: 1\r\n\r\nx`, 'bad-request'],
  ['a huge header', request('POST', '/events/bad', { X: 'x'.repeat(20_000) }, 'x'), 'headers-too-large'],
  [
    'a header that is far too large',
    request('POST', '/events/bad', { X: 'x'.repeat(100_000) }, 'x'),
    'headers-too-large',
  ],
  [
    'very many headers',
    `POST /events/bad HTTP/1.1\r\n${host}${'X: x\r\n'.repeat(200)}Content-Length: 1\r\n\r\nx`,
    'headers-too-large',
  ],
  ['an Idempotency-Key with a space', request('POST', '/events/bad', { 'Idempotency-Key': 'a b' }, 'x'), 'bad-request'],
  // The length.
  ['a body cut short', `${request('POST', '/events/bad', { 'Content-Length': '10' }).toString()}x`, 'bad-request'],
  ['JSON cut short', request('POST', '/events', { ...json, 'Content-Length': '99' }).toString() + event, 'bad-request'],
  ['a negative length', request('POST', '/events/bad', { 'Content-Length': '-1' }), 'bad-request'],
  ['a length that is none', request('POST', '/events/bad', { 'Content-Length': '0x1' }), 'bad-request'],
  [
    'two lengths',
    `POST /events/bad HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
    'bad-request',
  ],
  [
    'a length and chunks',
    request('POST', '/events/bad', { 'Content-Length': '1', 'Transfer-Encoding': 'chunked' }).toString() +
      '1\r\nx\r\n0\r\n\r\n',
    'bad-request',
  ],
  ['another coding', `${request('POST', '/events/bad', { 'Transfer-Encoding': 'gzip' }).toString()}x`, 'bad-request'],
  [
    'a chunk without a size',
    `${request('POST', '/events/bad', { 'Transfer-Encoding': 'chunked' }).toString()}zz\r\nx\r\n0\r\n\r\n`,
    'bad-request',
  ],
  [
    'a chunk longer than it says',
    `${request('POST', '/events/bad', { 'Transfer-Encoding': 'chunked' }).toString()}1\r\nxxxx\r\n0\r\n\r\n`,
    'bad-request',
  ],
  [
    'chunks without an end',
    `${request('POST', '/events/bad', { 'Transfer-Encoding': 'chunked' }).toString()}1\r\nx\r\n`,
    'bad-request',
  ],
  ['too large a body', request('POST', '/events/bad', { 'Content-Length': '99999999999' }), 'too-large'],
  // The body.
  ['bytes that are no UTF-8', request('POST', '/events/bad', {}, Buffer.from([0xc3, 0x28])), 'invalid-utf8'],
  [
    'a body of another type',
    request('POST', '/events/bad', { 'Content-Type': 'image/png' }, 'x'),
    'unsupported-media-type',
  ],
  ['a compressed body', request('POST', '/events/bad', { 'Content-Encoding': 'gzip' }, 'x'), 'unsupported-media-type'],
  [
    'a body compressed for its transfer, which would be kept as it is',
    `${request('POST', '/events/bad', { 'Transfer-Encoding': 'gzip, chunked' }).toString()}1\r\nx\r\n0\r\n\r\n`,
    'unsupported-media-type',
  ],
  [
    'a hundred levels',
    request('POST', '/events', json, `{"topic":"bad","data":${'[1,'.repeat(99)}1${']'.repeat(99)}}`),
    'invalid-json',
  ],
  ['brackets without end', request('POST', '/events', json, '['.repeat(1_000_000)), 'invalid-json'],
  ['an unknown member', request('POST', '/events', json, '{"topic":"bad","data":"x","evnt":"y"}'), 'unknown-member'],
  [
    'a member that poisons',
    request('POST', '/events', json, '{"topic":"bad","data":"x","__proto__":{}}'),
    'unknown-member',
  ],
  ['a member twice', request('POST', '/events', json, '{"topic":"bad","topic":"bad","data":"x"}'), 'invalid-event'],
  [
    'CR and LF in a type',
    request('POST', '/events', json, '{"topic":"bad","data":"x","type":"a\\r\\nid: 9"}'),
    'invalid-event',
  ],
  ['a NUL in a topic', request('POST', '/events', json, '{"topic":"ba\\u0000d","data":"x"}'), 'invalid-topic'],
  ['half a surrogate pair', request('POST', '/events', json, '{"topic":"bad","data":"\\udc00"}'), 'invalid-event'],
  [
    'a bad one after a good one',
    request('POST', '/events', json, `[${event},{"topic":"","data":"x"}]`),
    'invalid-topic',
  ],
  ['1001 events', request('POST', '/events', json, `[${Array(1001).fill(event).join()}]`), 'too-many-events'],
  [
    'an event that is too large',
    request('POST', '/events', json, `{"topic":"bad","data":"${'x'.repeat(262_145)}"}`),
    'too-large',
  ],
]

describe('what is malformed is refused, and reaches nobody', () => {
  test.each(corpus)('%s', async (_, bytes, code) => {
    expect((await answerTo(bytes)).code).toBe(code)
    await nothingWasHeard()
  })
})

describe('chance', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  // Mulberry32.
  let state = seed
  const random = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(random() * n)
  const noise = [
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\xff',
    '%',
    '%00',
    '%ff',
    '%0a',
    '"',
    '{',
    '[',
    ':',
    ' ',
    ';',
    ',',
    '\x80',
    '0',
    '-',
  ]

  /** A request of the corpus with some bytes put in, taken out or changed, or cut off; a few become right by it. */
  function mutant(): Buffer {
    const [, bytes = ''] = corpus[below(corpus.length)] ?? []
    let text = (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1')).slice(0, 5000)
    for (let i = 0; i <= below(4); i++) {
      const at = below(text.length + 1)
      const put = below(3) === 0 ? '' : (noise[below(noise.length)] ?? '')
      text = text.slice(0, at) + put + text.slice(at + below(4))
      if (below(20) === 0) text = text.slice(0, at)
    }
    return Buffer.from(text, 'latin1')
  }

  async function fling(count: number): Promise<void> {
    const flingOne = async () => {
      const connection = new RawConnection(hub.port, { allowHalfOpen: true })
      connection.socket.end(mutant())
      await connection.closed()
      // An answer, of which a refusal is a whole problem document; or silence, to a request that was none yet.
      if (connection.received !== '') await connection.answer()
      connection.destroy()
    }
    for (let i = 0; i < count; i += 25) await Promise.all(Array.from({ length: 25 }, flingOne))
  }

  async function heapAfter(count: number): Promise<number> {
    await fling(count)
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  test(`leaves the hub as it was (FUZZ_SEED=${seed})`, async () => {
    const before = await heapAfter(1000)
    const after = await heapAfter(1000)
    expect(after - before).toBeLessThan(4 * 1024 * 1024)
    expect(hub.reports).toEqual([])
    // Whoever listens has heard what the log holds, and nothing else: no bytes made a field or an event of their own.
    const mark = `last-${seed}`
    await hub.hub.publish([{ topic: 'good', data: mark }])
    const received = await watcher.until(text => text.includes(mark))
    const heard: string[][] = []
    createParser({ onEvent: ({ type, data }) => void (type === '$cursor' || heard.push([type, data])) }).push(
      Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4)),
    )
    const { events } = await hub.log.read(0, { maxEvents: 100_000, maxBytes: 1e9 })
    expect(heard).toEqual(events.map(({ type, data }) => [type || 'message', data.replace(/\r\n?/g, '\n')]))
  }, 60_000)
})
