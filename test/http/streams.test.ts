import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createHttpServer } from '../../src/http/server.js'
import { resolveHttpSettings } from '../../src/http/settings.js'
import { createParser, type ParsedEvent } from '../../src/wire/parse.js'
import { exchange, type HubOnHttp, hubLike, RawConnection, request, startHub } from './hub-on-http.js'

let hub: HubOnHttp
const opened: RawConnection[] = []
beforeEach(async () => {
  hub = await startHub({ settings: { publicTopics: ['clock'], allowedOrigins: ['https://app.example'] } })
})
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.destroy()
  await hub.close()
})

function open(target: string, headers: Record<string, string> = {}, port = hub.port): RawConnection {
  const connection = new RawConnection(port).write(request('GET', target, headers))
  opened.push(connection)
  return connection
}

function bodyOf(received: string): string {
  return received.slice(received.indexOf('\r\n\r\n') + 4)
}

function eventsOf(received: string): readonly ParsedEvent[] {
  const events: ParsedEvent[] = []
  createParser({ onEvent: event => void events.push(event) }).push(Buffer.from(bodyOf(received)))
  return events
}

const isOpen = (received: string) => received.includes('event: $cursor\ndata:\n\n')

describe('an event stream', () => {
  test('begins with its headers and its first block', async () => {
    const received = await open('/events/a').until(isOpen)
    const [head = ''] = received.split('\r\n\r\n')
    expect(head.replace(/Date: .*/, 'Date: -')).toBe(
      [
        'HTTP/1.1 200 OK',
        'Content-Type: text/event-stream',
        'Cache-Control: no-cache, no-transform',
        'X-Accel-Buffering: no',
        'Vary: Accept, Origin',
        'Connection: close',
        'Date: -',
      ].join('\r\n'),
    )
    expect(bodyOf(received)).toMatch(/^retry: \d{4}\nid: [0-9a-z]+-0\nevent: \$cursor\ndata:\n\n$/)
  })

  test('gives head and first block to the network at once', async () => {
    // Firefox opens a stream at the first byte of its body, and a proxy may hold back a head alone.
    const connection = open('/events/a')
    const first = await new Promise<string>(resolve => connection.socket.once('data', data => resolve(data.toString())))
    expect(isOpen(first)).toBe(true)
  })

  test('shows the topic unless it is one, and the whole event in an envelope', async () => {
    const streams = [
      open('/events/a'),
      open('/events?topic=a&topic=a'),
      open('/events?topic=a&topic=b'),
      open('/events?topic=*'),
      open('/events/a?envelope=1'),
      open('/events', { Accept: 'application/x-ndjson' }),
    ]
    for (const stream of streams) await stream.until(received => received.includes('$cursor'))
    const [id] = await hub.hub.publish([{ topic: 'a', data: 'one\ntwo', type: 't', key: 'k' }])
    const heard = await Promise.all(streams.map(stream => stream.until(received => received.includes('two'))))
    const [plain, twice, several, glob, envelope, lines] = heard.map(received => bodyOf(received))
    expect(plain).toContain(`id: ${id}\nevent: t\ndata: one\ndata: two\n\n`)
    expect(twice).toContain(`id: ${id}\nevent: t\ndata: one\ndata: two\n\n`)
    expect(several).toContain(`id: ${id}\nevent: t\ntopic: a\ndata: one\ndata: two\n\n`)
    expect(glob).toContain(`id: ${id}\nevent: t\ntopic: a\ndata: one\ndata: two\n\n`)
    const event = { id, topic: 'a', time: expect.any(Number), type: 't', key: 'k', data: 'one\ntwo' }
    const inEnvelope = eventsOf(heard[4] ?? '').at(-1)
    expect(envelope).toContain('event: t\n')
    expect(JSON.parse(inEnvelope?.data ?? '')).toEqual(event)
    const [cursor = '', line = ''] = (lines ?? '').split('\n')
    expect(JSON.parse(cursor)).toEqual({ type: '$cursor', id: expect.stringMatching(/-0$/), data: '' })
    expect(JSON.parse(line)).toEqual(event)
    expect(heard[5]).toContain('Content-Type: application/x-ndjson\r\n')
  })

  test('goes on from a cursor: the header before the parameter before since', async () => {
    const ids = await hub.hub.publish(['1', '2', '3', '4'].map(data => ({ topic: 'a', data })))
    const dataOf = async (target: string, headers: Record<string, string> = {}) =>
      eventsOf(await open(target, headers).until(received => received.includes('data: 4')))
        .filter(event => event.type !== '$cursor')
        .map(event => event.data)
    expect(await dataOf('/events/a?since=earliest')).toEqual(['1', '2', '3', '4'])
    expect(await dataOf(`/events/a?since=${ids[0]}`)).toEqual(['2', '3', '4'])
    expect(await dataOf(`/events/a?since=earliest&lastEventId=${ids[1]}`)).toEqual(['3', '4'])
    const header = { 'Last-Event-ID': ids[2] ?? '' }
    expect(await dataOf(`/events/a?since=earliest&lastEventId=${ids[1]}`, header)).toEqual(['4'])
    expect(await dataOf('/events/a?since=earliest&lastEventId=', { 'Last-Event-ID': '' })).toEqual(['1', '2', '3', '4'])
  })

  test('says $gap of a cursor that is none, as it came', async () => {
    // EventSource sends the id as UTF-8.
    const received = await open('/events/a', { 'Last-Event-ID': Buffer.from('한국').toString('latin1') }).until(text =>
      text.includes('$gap'),
    )
    const gap = eventsOf(received).find(event => event.type === '$gap')
    expect(JSON.parse(gap?.data ?? '')).toMatchObject({ reason: 'unknown', requested: '한국' })
    expect((await open('/events/a', { 'Last-Event-ID': '\xff' }).answer()).code).toBe('invalid-utf8')
  })

  test('of a topic that has ended is 204 for who has heard it all, also of HEAD', async () => {
    const [id = ''] = await hub.hub.publish([{ topic: 'a', data: 'bye', end: true }])
    const received = await open('/events/a?since=earliest').closed()
    expect(eventsOf(received).map(event => event.type)).toEqual(['$cursor', 'message', '$end'])
    const again = await open('/events/a', { 'Last-Event-ID': id }).answer()
    expect([again.status, again.body, again.headers['content-type']]).toEqual([204, '', undefined])
    expect((await exchange(hub.port, request('HEAD', '/events/a', { 'Last-Event-ID': id }))).status).toBe(204)
  })

  test('answers HEAD as GET, without a body', async () => {
    const head = (received: string) =>
      received
        .slice(0, received.indexOf('\r\n\r\n'))
        .replace(/Date: .*/, '')
        .split('\r\n')
        .sort()
    for (const accept of ['text/event-stream', 'application/x-ndjson']) {
      const got = await open('/events/a', { Accept: accept }).until(received => received.includes('$cursor'))
      const asked = await new RawConnection(hub.port).write(request('HEAD', '/events/a', { Accept: accept })).closed()
      expect(head(asked)).toEqual(head(got))
      expect(bodyOf(asked)).toBe('')
    }
    expect(hub.hub.status.subscriptions).toBeLessThanOrEqual(2)
  })

  test('is there for HTTP/1.0 and for a target in absolute form', async () => {
    const old = new RawConnection(hub.port).write('GET /events/a HTTP/1.0\r\n\r\n')
    opened.push(old)
    expect(isOpen(await old.until(isOpen))).toBe(true)
    expect(isOpen(await open('http://localhost/events/a', { Host: 'ignored.example' }).until(isOpen))).toBe(true)
    expect((await open('http://evil.example/events/a').answer()).code).toBe('host-not-allowed')
  })

  test('passes over an upgrade to something else', async () => {
    const h2c = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
    expect(isOpen(await open('/events/a', h2c).until(isOpen))).toBe(true)
  })

  test.each([
    ['/events?topic=a*', 'invalid-selector'],
    ['/events/a/*', 'invalid-topic'],
    ['/events/', 'invalid-topic'],
    ['/events/a?topic=b', 'unknown-parameter'],
    ['/events/a?limit=1', 'unknown-parameter'],
    ['/events/a?since=never', 'invalid-parameter'],
    ['/events/a?conflate=60001', 'invalid-parameter'],
    ['/events/a?envelope=2', 'invalid-parameter'],
    ['/events/%ff', 'invalid-utf8'],
    ['/events/a/../b', 'invalid-topic'],
    ['/events/%2e%2e/b', 'invalid-topic'],
    [`/events?${'topic=a&'.repeat(101)}`, 'too-many-topics'],
    [`/events/${'a'.repeat(1025)}`, 'invalid-topic'],
    [`/events/${'a'.repeat(17_000)}`, 'uri-too-long'],
  ])('is refused for %s', async (target, code) => {
    const connection = open(target)
    const answer = await connection.answer()
    expect(answer.code).toBe(code)
    expect(answer.headers['connection']).toBe('close')
    await connection.closed()
    expect(hub.hub.status.subscriptions).toBe(0)
  })

  test('has no body to be asked with', async () => {
    expect((await exchange(hub.port, request('GET', '/events/a', {}, 'x'))).code).toBe('bad-request')
    expect(isOpen(await open('/events/a', { 'Content-Length': '0' }).until(isOpen))).toBe(true)
  })
})

describe('the connection of a stream', () => {
  test('is one subscription, whatever is sent after the request', async () => {
    const connection = new RawConnection(hub.port)
    opened.push(connection)
    const get = request('GET', '/events/a')
    connection.write(Buffer.concat([get, get, request('POST', '/events/a', {}, 'smuggled')]))
    await connection.until(isOpen)
    connection.write(get).write(request('POST', '/events/a', {}, 'smuggled'))
    await exchange(hub.port, request('POST', '/events/a', {}, 'true'))
    const received = await connection.until(text => text.includes('data: true'))
    expect(eventsOf(received).map(event => event.data)).toEqual(['', 'true'])
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(hub.hub.status.subscriptions).toBe(1)
  })

  test('is not taken from an answer that is still under way', async () => {
    const connection = new RawConnection(hub.port)
    opened.push(connection)
    const poll = request('GET', '/events/a?wait=60', { Accept: 'application/json' })
    connection.write(Buffer.concat([poll, request('GET', '/events/a')]))
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(1))
    await hub.hub.publish([{ topic: 'a', data: 'x' }])
    const received = await connection.until(text => text.includes('retry: '))
    // The page first, then an event stream that says to come again on a connection of its own.
    expect(received.indexOf('"data":"x"')).toBeLessThan(received.indexOf('text/event-stream'))
    expect(received).toContain(': overloaded')
  })

  test('may have carried other requests before, and is not cut off by the times of those', async () => {
    const quiet = await startHub({
      settings: { limits: { keepAliveTimeoutMs: 1000, writeTimeoutMs: 100, headersTimeoutMs: 300 } },
      // One heartbeat takes longer than any of these.
      hub: { heartbeatMs: 1500 },
    })
    const connection = new RawConnection(quiet.port).write(request('GET', '/healthz'))
    opened.push(connection)
    await connection.answer()
    connection.write(request('GET', '/events/a'))
    const received = await connection.until(text => (text.match(/event: \$cursor/g)?.length ?? 0) === 2)
    expect(received.match(/event: \$cursor/g)).toHaveLength(2)
    expect(connection.isClosed).toBe(false)
    await quiet.close()
  })

  test('is let go when its client leaves, by FIN or by RST', async () => {
    const leavers = [open('/events/a'), open('/events/a')]
    for (const leaver of leavers) await leaver.until(isOpen)
    expect(hub.hub.status.subscriptions).toBe(2)
    // Bytes that nobody asked for do not hide it.
    leavers[0]?.socket.end('and another thing')
    leavers[1]?.socket.resetAndDestroy()
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(0))
  })

  test('that sends no more before it is answered hears where the stream begins', async () => {
    const connection = new RawConnection(hub.port, { allowHalfOpen: true })
    connection.socket.end(request('GET', '/events/a'))
    expect(isOpen(await connection.closed())).toBe(true)
    const refused = new RawConnection(hub.port, { allowHalfOpen: true })
    refused.socket.end(request('GET', '/events/a?x=1'))
    expect((await refused.answer()).code).toBe('unknown-parameter')
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(0))
  })

  test('is not kept by a client that never closes its side', async () => {
    await hub.hub.publish([{ topic: 'a', data: 'x', end: true }])
    const connection = new RawConnection(hub.port, { allowHalfOpen: true })
    opened.push(connection)
    connection.write(request('GET', '/events/a?since=earliest'))
    await connection.until(text => text.includes('$end'))
    // A connection that was let go is one to which nothing can be said.
    await vi.waitFor(
      () => {
        connection.write('anybody there?')
        expect(connection.error).toMatch(/ECONNRESET|EPIPE/)
      },
      { timeout: 10_000 },
    )
  })

  test('may be reset while the log is asked where to begin', async () => {
    const slow = await startSlowly()
    const connections = Array.from({ length: 20 }, () => open('/events/a', {}, slow.port))
    await vi.waitFor(() => expect(slow.asked()).toBe(20))
    for (const connection of connections) connection.socket.resetAndDestroy()
    await Promise.all(connections.map(connection => connection.closed()))
    // One more comes, so that the server has heard of all the others.
    const last = open('/events/a', {}, slow.port)
    await vi.waitFor(() => expect(slow.asked()).toBe(21))
    slow.release()
    await last.until(isOpen)
    expect(slow.attached()).toBe(1)
    last.destroy()
    await slow.server.close()
  })

  test('may be closed on one side while the log is asked where to begin', async () => {
    const slow = await startSlowly()
    const connection = new RawConnection(slow.port, { allowHalfOpen: true })
    connection.socket.end(request('GET', '/events/a'))
    await once(connection.socket, 'finish')
    const other = open('/events/a', {}, slow.port)
    await vi.waitFor(() => expect(slow.asked()).toBe(2))
    slow.release()
    expect(isOpen(await connection.closed())).toBe(true)
    other.destroy()
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(0))
    await slow.server.close()
  })
})

/** A server on the same hub, which is told where a subscription begins only after `release`. */
async function startSlowly() {
  let release = () => {}
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  let asked = 0
  let attached = 0
  const slow = hubLike(hub.hub, {
    begin: async given => {
      asked++
      await gate
      return hub.hub.begin(given)
    },
    attach: (beginning, sink) => {
      attached++
      return hub.hub.attach(beginning, sink)
    },
  })
  const server = createHttpServer({ hub: slow, settings: resolveHttpSettings({ port: 0 }) })
  const { port } = await server.listen()
  return { server, port, release, asked: () => asked, attached: () => attached }
}

describe('a stream that may not be opened now', () => {
  test('is answered 200, with the time to come again, where it is an event stream', async () => {
    const full = await startHub({ settings: { limits: { maxStreams: 1, maxConnections: 50 } } })
    const one = open('/events/a', {}, full.port)
    await one.until(isOpen)
    const refused = await open('/events/a', {}, full.port).answer()
    expect([refused.status, refused.headers['content-type']]).toEqual([200, 'text/event-stream'])
    expect(refused.body).toMatch(/^: overloaded: .*\nretry: \d+\n\n$/)
    const lines = await open('/events/a', { Accept: 'application/x-ndjson' }, full.port).answer()
    expect([lines.status, lines.code, lines.headers['retry-after']]).toEqual([503, 'overloaded', expect.any(String)])
    one.destroy()
    await vi.waitFor(() => expect(full.hub.status.subscriptions).toBe(0))
    await full.close()
  })
})

describe('draining', () => {
  test('closes the listener, ends the streams, answers what is under way', async () => {
    const stream = open('/events/a')
    await stream.until(isOpen)
    const poll = new RawConnection(hub.port).write(request('GET', '/events/a?wait=60', { Accept: 'application/json' }))
    const idle = new RawConnection(hub.port).write(request('GET', '/healthz'))
    await idle.answer()
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(2))
    await hub.server.drain(10_000)
    expect(bodyOf(await stream.closed())).toMatch(/retry: \d+\n$/)
    expect((await poll.answer()).status).toBe(200)
    await idle.closed()
    expect(hub.server.address).toBeUndefined()
    const late = new RawConnection(hub.port)
    await late.closed()
    expect(late.error).toBe('ECONNREFUSED')
  })

  test('destroys what is left at its deadline', async () => {
    const deaf = new RawConnection(hub.port)
    deaf.write(request('POST', '/events/a', { 'Content-Length': '10' })).write('x')
    opened.push(deaf)
    const quiet = open('/events/a')
    await quiet.until(isOpen)
    await hub.server.drain(300)
    await deaf.closed()
  })
})

test('a port that is taken is said to be so', async () => {
  const taken: Server = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const server = createHttpServer({ hub: hub.hub, settings: resolveHttpSettings({ port }) })
  await expect(server.listen()).rejects.toMatchObject({
    code: 'cannot-listen',
    message: expect.stringContaining(`:${port}`),
  })
  await new Promise(resolve => taken.close(resolve))
})
