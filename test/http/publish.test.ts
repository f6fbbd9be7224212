import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

let hub: HubOnHttp
beforeEach(async () => {
  hub = await startHub({ settings: { limits: { maxEventBytes: 1000, maxBodyBytes: 5000, bodyTimeoutMs: 5000 } } })
})
afterEach(() => hub.close())

const json = { 'Content-Type': 'application/json' }
const ndjson = { 'Content-Type': 'application/x-ndjson' }

async function kept(): Promise<readonly { readonly topic: string; readonly data: string }[]> {
  const { events } = await hub.log.read(0, { maxEvents: 10_000, maxBytes: 1e9 })
  return events.map(({ topic, data }) => ({ topic, data }))
}

/** The position of the newest event, from the log: the hub may not have heard of it yet. */
async function lastId(): Promise<string> {
  const { offset, epochs } = await hub.log.head()
  return `${epochs.at(-1)?.epoch}-${offset}`
}

describe('POST /events/{topic}', () => {
  test.each([
    undefined,
    'text/plain',
    'text/csv; charset="UTF-8"',
    'application/json',
    'application/x-www-form-urlencoded',
  ])('with type %s keeps the body as it is', async type => {
    const data = '\uFEFF a=1&b=%20\r\n한국 🎉\n'
    const answer = await exchange(
      hub.port,
      request('POST', '/events/a/b%2Fc?type=t&key=k&eventId=e1&end=1', type ? { 'Content-Type': type } : {}, data),
    )
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    const { events } = await hub.log.read(0, { maxEvents: 10, maxBytes: 1e9 })
    expect(events).toMatchObject([{ topic: 'a/b/c', data, type: 't', key: 'k', eventId: 'e1', end: true }])
    expect(JSON.parse(answer.body)).toEqual({ id: await lastId() })
  })

  test('without a body keeps an event without data', async () => {
    expect((await exchange(hub.port, request('POST', '/events/a'))).status).toBe(200)
    expect(await kept()).toEqual([{ topic: 'a', data: '' }])
  })

  test.each([
    ['image/png', {}],
    ['application/x-ndjson', {}],
    ['text/plain; charset=latin1', {}],
    ['nonsense', {}],
    ['text/plain', { 'Content-Encoding': 'gzip' }],
  ])('of type %s %j is refused', async (type, headers) => {
    const answer = await exchange(hub.port, request('POST', '/events/a', { 'Content-Type': type, ...headers }, 'x'))
    expect(answer.code).toBe('unsupported-media-type')
    expect(await kept()).toEqual([])
  })

  test('is measured in bytes', async () => {
    expect((await exchange(hub.port, request('POST', '/events/a', {}, 'é'.repeat(500)))).status).toBe(200)
    expect((await exchange(hub.port, request('POST', '/events/a', {}, `${'é'.repeat(500)}x`))).code).toBe('too-large')
    const chunked = request('POST', '/events/a', { 'Transfer-Encoding': 'chunked' }).toString()
    const answer = await exchange(hub.port, `${chunked}3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`)
    expect(answer.code).toBe('too-large')
  })

  test('that is refused before its body is sent is never sent', async () => {
    const connection = new RawConnection(hub.port)
    connection.write(request('POST', '/events/$hub', { Expect: '100-continue', 'Content-Length': '5' }))
    expect((await connection.answer()).code).toBe('reserved-topic')
    expect(connection.received).not.toContain('100 Continue')
    connection.destroy()
    const polite = new RawConnection(hub.port)
    polite.write(request('POST', '/events/a', { Expect: '100-continue', 'Content-Length': '5' }))
    await polite.until(received => received.includes('100 Continue'))
    expect((await polite.write('hello').answer()).status).toBe(200)
    polite.destroy()
  })

  test('is answered though its sender has closed its side', async () => {
    const connection = new RawConnection(hub.port, { allowHalfOpen: true })
    connection.socket.end(request('POST', '/events/a', {}, 'x'))
    expect((await connection.answer()).status).toBe(200)
    await connection.closed()
  })

  test('is told that it is too large, also a client that reads only when it has sent all', async () => {
    const connection = new RawConnection(hub.port)
    connection.socket.pause()
    // More than the kernel holds, so all of it is sent only if the hub takes it.
    const body = new Uint8Array(32 * 1024 * 1024)
    connection.write(request('POST', '/events/a', { 'Content-Length': String(body.length) }))
    await new Promise(resolve => connection.socket.write(body, resolve))
    connection.socket.resume()
    expect((await connection.answer()).code).toBe('too-large')
    connection.destroy()
  })
})

describe('POST /events', () => {
  test('keeps one or several, in order', async () => {
    const one = await exchange(hub.port, request('POST', '/events', json, '{"topic":"a","data":{"b":[1, 2]}}'))
    expect(JSON.parse(one.body)).toEqual({ id: expect.stringMatching(/-1$/) })
    const two = await exchange(
      hub.port,
      request('POST', '/events', json, '\uFEFF[{"topic":"a","data":"2"},{"topic":"b","data":"3"}]'),
    )
    expect(JSON.parse(two.body)).toEqual({ ids: [expect.stringMatching(/-2$/), expect.stringMatching(/-3$/)] })
    expect(await kept()).toEqual([
      { topic: 'a', data: '{"b":[1,2]}' },
      { topic: 'a', data: '2' },
      { topic: 'b', data: '3' },
    ])
    expect((await exchange(hub.port, request('POST', '/events', json, '[]'))).body).toBe('{"ids":[]}\n')
  })

  test('keeps nothing if one of them is at fault', async () => {
    const answer = await exchange(
      hub.port,
      request('POST', '/events', json, '[{"topic":"a","data":"1"},{"topic":"a","dta":"2"}]'),
    )
    expect(answer.code).toBe('unknown-member')
    expect(answer.body).toContain('[1]: Unknown member')
    expect(await kept()).toEqual([])
  })

  test.each([
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'invalid-utf8'],
    ['a body above its bound', `[${' '.repeat(5000)}]`, 'too-large'],
    ['a hundred levels', `{"topic":"a","data":${'['.repeat(100)}${']'.repeat(100)}}`, 'invalid-json'],
    ['nothing', '', 'invalid-json'],
  ])('refuses %s', async (_, body, code) => {
    expect((await exchange(hub.port, request('POST', '/events', json, body))).code).toBe(code)
  })

  test('says what it takes', async () => {
    const answer = await exchange(hub.port, request('POST', '/events', {}, 'x'))
    expect(answer.code).toBe('unsupported-media-type')
    expect(answer.body).toContain('application/x-ndjson')
  })

  test('says that a topic has ended', async () => {
    await hub.hub.publish([{ topic: 'a', data: '', end: true }])
    const answer = await exchange(hub.port, request('POST', '/events', json, '{"topic":"a","data":""}'))
    expect([answer.status, answer.code]).toEqual([409, 'topic-ended'])
  })
})

describe('POST /events with a line each', () => {
  const line = (n: number) => `{"topic":"a","data":"${n}"}\n`

  test('keeps them, whatever the chunks, and does not wait for the last', async () => {
    const connection = new RawConnection(hub.port)
    connection.write(request('POST', '/events', { ...ndjson, 'Transfer-Encoding': 'chunked' }))
    const send = (text: string) => connection.write(`${text.length.toString(16)}\r\n${text}\r\n`)
    send(line(1) + line(2).slice(0, 9))
    await vi.waitFor(async () => expect(await kept()).toEqual([{ topic: 'a', data: '1' }]))
    for (const letter of line(2).slice(9)) send(letter)
    await vi.waitFor(async () => expect(await kept()).toHaveLength(2))
    send(`\r\n\n${line(3).trim()}`)
    connection.write('0\r\n\r\n')
    const answer = await connection.answer()
    expect(JSON.parse(answer.body)).toEqual({ accepted: 3, lastId: await lastId() })
    expect((await kept()).map(event => event.data)).toEqual(['1', '2', '3'])
    connection.destroy()
  })

  test('of any length', async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => line(i)).join('')
    const answer = await exchange(hub.port, request('POST', '/events', ndjson, lines))
    expect(JSON.parse(answer.body)).toMatchObject({ accepted: 30_000 })
    const { offset } = await hub.log.head()
    expect(offset).toBe(30_000)
  })

  test('is never held whole: it may be many times what may be in flight', async () => {
    const small = await startHub({ settings: { limits: { maxPublishBytesInFlight: 262_144 } } })
    const lines = `{"topic":"a","data":"${'x'.repeat(1000)}"}\n`.repeat(5000)
    const answer = await exchange(small.port, request('POST', '/events', ndjson, lines))
    expect(JSON.parse(answer.body)).toMatchObject({ accepted: 5000 })
    await small.close()
  })

  test('without a line answers that there was none', async () => {
    expect((await exchange(hub.port, request('POST', '/events', ndjson, ''))).body).toBe(
      '{"accepted":0,"lastId":null}\n',
    )
  })

  test.each([
    ['{"topic":"a","dat":""}', 'unknown-member', 'Line 3: '],
    ['{"topic":"a"', 'invalid-json', 'line 3, column 13'],
    ['\xff', 'invalid-utf8', 'line 3'],
    [`{"topic":"a","data":"${'x'.repeat(1001)}"}`, 'too-large', 'Line 3: '],
    ['x'.repeat(30_000), 'too-large', 'Line 3: '],
  ])('that has %s on the third keeps two, and says so', async (bad, code, where) => {
    const body = Buffer.from(`${line(1)}${line(2)}${bad}\n${line(4)}`, 'latin1')
    const answer = await exchange(hub.port, request('POST', '/events', ndjson, body))
    expect(answer.code).toBe(code)
    expect(answer.body).toContain(where)
    expect(JSON.parse(answer.body)).toMatchObject({ line: 3, accepted: 2, lastId: await lastId() })
    expect((await kept()).map(event => event.data)).toEqual(['1', '2'])
  })

  test('that names an ended topic says on which line', async () => {
    await hub.hub.publish([{ topic: 'over', data: '', end: true }])
    const body = `${line(1)}${line(2)}{"topic":"over","data":""}\n${line(4)}`
    const answer = await exchange(hub.port, request('POST', '/events', ndjson, body))
    expect([answer.status, answer.code]).toEqual([409, 'topic-ended'])
    expect(JSON.parse(answer.body)).toMatchObject({ line: 3, accepted: 2 })
    expect((await kept()).map(event => event.data)).toEqual(['', '1', '2'])
  })

  test('that is cut short keeps its whole lines, and no part of one', async () => {
    const connection = new RawConnection(hub.port)
    connection.write(request('POST', '/events', { ...ndjson, 'Content-Length': '1000' }))
    connection.write(line(1) + line(2).trim())
    await vi.waitFor(async () => expect(await kept()).toHaveLength(1))
    connection.socket.resetAndDestroy()
    await connection.closed()
    await exchange(hub.port, request('POST', '/events/z', {}, 'last'))
    expect((await kept()).map(event => event.data)).toEqual(['1', 'last'])
  })
})

describe('Idempotency-Key', () => {
  const keyed = (key: string, headers: Record<string, string> = {}) => ({ 'Idempotency-Key': key, ...headers })

  test('makes a repeat harmless, in each form', async () => {
    const bodies = [
      request('POST', '/events/a?type=t', keyed('k1'), 'x'),
      request('POST', '/events', keyed('k2', json), '[{"topic":"a","data":"1"},{"topic":"a","data":"1"}]'),
      request('POST', '/events', keyed('k3', ndjson), '{"topic":"a","data":"1"}\n{"topic":"a","data":"1"}\n'),
    ]
    for (const bytes of bodies) {
      const first = await exchange(hub.port, bytes)
      expect(first.status).toBe(200)
      const again = await exchange(hub.port, bytes)
      expect([again.status, again.body]).toEqual([200, first.body])
    }
    expect(await kept()).toHaveLength(5)
  })

  test('of a body of lines has only the missing ones kept', async () => {
    const lines = ['{"topic":"a","data":"1"}\n', '{"topic":"a","data":"2"}\n', '{"topic":"a","data":"3"}\n']
    await exchange(hub.port, request('POST', '/events', keyed('k', ndjson), lines.slice(0, 2).join('')))
    const answer = await exchange(hub.port, request('POST', '/events', keyed('k', ndjson), lines.join('')))
    expect(JSON.parse(answer.body)).toMatchObject({ accepted: 3 })
    expect((await kept()).map(event => event.data)).toEqual(['1', '2', '3'])
  })

  test('goes by what was said, not by how the address was written', async () => {
    const said = (target: string) => exchange(hub.port, request('POST', target, keyed('k'), 'x'))
    const first = await said('/events/a/b?type=t&key=k')
    for (const target of ['/events/a%2Fb?key=k&type=%74', '/events/a/b?type=t&key=k&_=17']) {
      const again = await said(target)
      expect([again.status, again.body]).toEqual([200, first.body])
    }
    expect(await kept()).toHaveLength(1)
  })

  test.each([
    ['another body', request('POST', '/events/a', keyed('k'), 'y')],
    ['another topic', request('POST', '/events/b', keyed('k'), 'x')],
    ['another type', request('POST', '/events/a?type=t', keyed('k'), 'x')],
    ['another form', request('POST', '/events', keyed('k', json), '{"topic":"a","data":"x"}')],
    ['lines', request('POST', '/events', keyed('k', ndjson), '{"topic":"a","data":"x"}')],
  ])('that was used is refused for %s', async (_, bytes) => {
    expect((await exchange(hub.port, request('POST', '/events/a', keyed('k'), 'x'))).status).toBe(200)
    const answer = await exchange(hub.port, bytes)
    expect([answer.status, answer.code]).toEqual([422, 'idempotency-conflict'])
    expect(await kept()).toHaveLength(1)
  })

  test.each(['', ' ', 'a b', 'é', 'x'.repeat(257)])('%j is none', async key => {
    expect((await exchange(hub.port, request('POST', '/events/a', keyed(key), 'x'))).code).toBe('bad-request')
  })
})

test('bodies in flight are bounded, all together', async () => {
  const small = await startHub({ settings: { limits: { maxPublishBytesInFlight: 65_536 } } })
  const waiting = new RawConnection(small.port)
  waiting
    .write(request('POST', '/events', { ...json, 'Content-Length': '1000000' }))
    .write(new Uint8Array(40_000).fill(32))
  const refused = async () => {
    const answer = await exchange(small.port, request('POST', '/events', json, new Uint8Array(60_000).fill(32)))
    expect([answer.status, answer.code, answer.headers['retry-after']]).toEqual([
      503,
      'overloaded',
      expect.stringMatching(/^[1-9]/),
    ])
  }
  await vi.waitFor(refused)
  waiting.destroy()
  await vi.waitFor(async () => {
    expect((await exchange(small.port, request('POST', '/events', json, new Uint8Array(60_000).fill(32)))).code).toBe(
      'invalid-json',
    )
  })
  await small.close()
})
