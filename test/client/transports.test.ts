import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { realClock } from '../../src/client/connection/clock.js'
import type { WebSocketClass } from '../../src/client/connection/transport.js'
import { type ConnectOptions, connect, type Fetch, type TransportName } from '../../src/entry/client.js'
import { eventually, isOpen, listen, openHub } from './listen.js'
import { openBufferingProxy, openWay, serve } from './way.js'

const ways: readonly TransportName[] = ['event-stream', 'long-poll', 'websocket']
const by = (...transports: readonly TransportName[]) => ({ transports, WebSocket: WebSocket as WebSocketClass })

/** A WebSocket server of its own, and the requests that came. */
async function openSocketServer(onSocket: (socket: WebSocket, number: number, url: string) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const requests: string[] = []
  const headers: unknown[] = []
  server.on('connection', (socket, request) => {
    headers.push(request.headers.authorization)
    onSocket(socket, requests.push(request.url ?? ''), request.url ?? '')
  })
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, headers }
}

const said = (data: string, id = '', others: object = {}) =>
  JSON.stringify({ id, topic: 'news', time: 1, data, ...others })
const cursorAt = (id: string) => JSON.stringify({ type: '$cursor', id, data: '' })

describe.each(ways)('by %s', way => {
  it('the same is heard, with the same cursor', async () => {
    const { url, say } = await openHub()
    const { connection, events } = listen(`${url}/events`, { topics: ['news', 'stocks/*'], conflate: 0, ...by(way) })
    await isOpen(connection)
    const hubs: unknown[] = []
    for (const name of ['$gap', '$end'] as const) connection.on(name, event => void hubs.push(event))
    const ids = [
      await say('news', 'two\nlines \u{1F44B}'),
      await say('stocks/AAPL', '{"price":1}', { type: 'trade', key: 'AAPL', eventId: 'mine' }),
      await say('chat', 'not asked for').then(() => say('news', '')),
    ]
    await eventually(() => expect(events).toHaveLength(3))
    expect(events.map(({ type, topic, id, data }) => [type, topic, id, data])).toEqual([
      ['message', 'news', ids[0], 'two\nlines \u{1F44B}'],
      ['trade', 'stocks/AAPL', ids[1], '{"price":1}'],
      ['message', 'news', ids[2], ''],
    ])
    expect([connection.transport, connection.cursor, hubs]).toEqual([way, ids[2], []])
  })

  it('all that is left is heard behind a cursor that is no good, and the gap told', async () => {
    const { url, say } = await openHub()
    const ids = [await say('news', '1'), await say('news', '2')]
    const gaps: unknown[] = []
    const { connection, heard } = listen(`${url}/events/news`, { cursor: 'zzzzzzz9-5', ...by(way) })
    connection.on('$gap', ({ gap }) => gaps.push(gap))
    await eventually(() => expect(heard).toEqual(['1', '2']))
    expect(gaps).toMatchObject([{ reason: 'unknown', requested: 'zzzzzzz9-5' }])
    await eventually(() => expect(connection.cursor).toBe(ids[1]))
  })

  it('the newest of each key come first, without a place of their own', async () => {
    const { url, say } = await openHub()
    for (const [data, key] of [
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'a'],
    ] as const)
      await say('news', data, { key })
    const { connection, events } = listen(`${url}/events/news`, { since: 'latest', ...by(way) })
    await eventually(() => expect(connection.cursor).not.toBe(''))
    const id = await say('news', '4', { key: 'b' })
    await eventually(() => expect(connection.cursor).toBe(id))
    expect(events.map(event => [event.data, event.id])).toEqual([
      ['2', ''],
      ['3', ''],
      ['4', id],
    ])
  })

  it.each([
    ['{"outcome":"completed"}', 'ended'],
    ['{"outcome":"failed"}', 'failed'],
  ])('the end of a topic is told, %s', async (outcome, reason) => {
    const { url, say } = await openHub()
    const { connection, heard } = listen(`${url}/events/show`, by(way))
    await isOpen(connection)
    await say('show', 'first')
    const id = await say('show', outcome, { type: 'outcome', end: true })
    expect(await connection.closed).toMatchObject({ reason })
    expect([heard, connection.cursor]).toEqual([['first', outcome], id])
    const again = listen(`${url}/events/show`, { cursor: id, ...by(way) })
    expect(await again.connection.closed).toMatchObject({ reason: 'ended' })
  })

  it('what is said while it is away is heard when it is back', async () => {
    const { port, say } = await openHub()
    const road = await openWay(port)
    const { connection, heard } = listen(`${road.url}/events/news`, { backoffMs: 1, ...by(way) })
    await isOpen(connection)
    await say('news', 'before')
    await eventually(() => expect(heard).toEqual(['before']))
    road.cut()
    await say('news', 'meanwhile')
    connection.onState(({ state }) => void (state === 'waiting' && setImmediate(connection.reconnect)))
    await eventually(() => expect(heard).toEqual(['before', 'meanwhile']), { timeout: 10_000 })
    expect(connection.statistics.repeats).toBe(0)
  })
})

describe('where a stream does not get through', () => {
  it('polls are heard, also those that a proxy gathers; a wake tries the stream again', async () => {
    const { url, say } = await openHub()
    const proxy = await openBufferingProxy(url)
    const { connection, heard, changes } = listen(`${proxy.url}/events`, { topics: ['news'], firstBlockMs: 50 })
    await eventually(() => expect([connection.transport, connection.state]).toEqual(['long-poll', 'open']))
    expect(changes[0]).toMatchObject({
      state: 'connecting',
      transport: 'long-poll',
      error: { code: 'connection-lost' },
    })
    await say('news', 'a')
    await say('news', 'b')
    await eventually(() => expect(heard).toEqual(['a', 'b']))
    // The first poll is answered at once, and only those behind it are held back.
    expect(proxy.paths.slice(0, 2)).toEqual([
      'text/event-stream /events?topic=news',
      'application/json /events?topic=news&limit=1000&since=now',
    ])
    expect(proxy.paths[2]).toMatch(/^application\/json \/events\?topic=news&limit=1000&wait=25&lastEventId=\w+-\d+$/)
    connection.reconnect()
    await eventually(() => expect(proxy.paths.filter(path => path.startsWith('text/event-stream'))).toHaveLength(2))
    await say('news', 'c')
    await eventually(() => expect(heard).toEqual(['a', 'b', 'c']))
  })

  const bodiless: Fetch = async (url, init) => {
    const response = await fetch(url, init as RequestInit)
    const body = init.headers['accept'] === 'text/event-stream' ? {} : response.body
    return Object.defineProperty(response, 'body', { value: body })
  }
  const whole: Fetch = async (url, init) => {
    const response = await fetch(url, init as RequestInit)
    return new Response(await response.text(), response)
  }

  it.each([
    ['bodies are no streams', bodiless],
    ['answers come only when they are whole', whole],
  ])('since %s, polls are heard', async (_, fetch) => {
    const { url, say } = await openHub()
    const { connection, heard } = listen(`${url}/events`, { topics: ['news'], fetch, answerMs: 500 })
    await eventually(() => expect([connection.transport, connection.state]).toEqual(['long-poll', 'open']))
    await say('news', 'a')
    await eventually(() => expect(heard).toEqual(['a']))
  })

  it('and there is no other way, that is the end where it is for good', async () => {
    const { url } = await openHub()
    const { connection } = listen(`${url}/events/news`, { fetch: bodiless })
    expect(await connection.closed).toMatchObject({ reason: 'failed', error: { code: 'not-a-stream' } })
  })

  it('it is tried again ten minutes later', async () => {
    const { url, say } = await openHub()
    const proxy = await openBufferingProxy(url)
    let laterMs = 0
    const clock = { ...realClock, now: () => Date.now() + laterMs }
    const { connection, heard } = listen(`${proxy.url}/events`, {
      topics: ['news'],
      firstBlockMs: 50,
      silenceMs: 0,
      clock,
    })
    await eventually(() => expect([connection.transport, connection.state]).toEqual(['long-poll', 'open']))
    laterMs = 600_001
    await say('news', 'a')
    await eventually(() => expect(proxy.paths.filter(path => path.startsWith('text/event-stream'))).toHaveLength(2))
    await say('news', 'b')
    await eventually(() => expect(heard).toEqual(['a', 'b']))
  })
})

describe('a long poll', () => {
  const page = (members: object) =>
    JSON.stringify({ events: [], cursor: 'a1-1', more: false, gap: null, ended: false, ...members })

  it('is asked for at once where there is more, and not in haste where nothing is held back', async () => {
    const asked: string[] = []
    const url = await serve((request, answer) => {
      const count = asked.push(request.url ?? '')
      answer.writeHead(200, { 'Content-Type': 'application/json' })
      answer.end(page({ cursor: `a1-${count}`, more: count < 5 }))
    })
    const { connection, changes } = listen(`${url}/events?since=earliest`, { ...by('long-poll'), backoffMs: 3_600_000 })
    await eventually(() => expect(connection.state).toBe('waiting'))
    expect(asked).toEqual([
      '/events?since=earliest&limit=1000',
      ...[1, 2, 3, 4].map(n => `/events?since=earliest&limit=1000&wait=25&lastEventId=a1-${n}`),
    ])
    expect(changes.at(-1)?.error?.message).toBe('The server held no poll back.')
  })

  it('that brings no page is made again, and refusals are kept to', async () => {
    let asked = 0
    const url = await serve((_, answer) => {
      const [status, body] =
        [
          [200, '[1]'],
          [200, '{"even'],
          [503, '{"detail":"Full.","code":"overloaded"}'],
          [400, '{}'],
        ][asked++] ?? []
      answer.writeHead(Number(status), { 'Content-Type': 'application/json', 'Retry-After': '0' }).end(body)
    })
    const { connection, changes } = listen(`${url}/events`, { ...by('long-poll'), backoffMs: 1 })
    expect(await connection.closed).toMatchObject({ error: { message: 'The server answered 400' } })
    expect(changes.filter(({ state }) => state === 'waiting').map(({ error }) => error?.message)).toEqual([
      'The server answered with no page of events.',
      'The server was not reached.',
      'The server answered 503: Full.',
    ])
  })

  it('is not asked for while what came waits to be listened to', async () => {
    const { url, say } = await openHub()
    for (let i = 0; i < 1_500; i++) await say('news', `${i}`)
    const connection = connect(`${url}/events/news?since=earliest`, by('long-poll'))
    onTestFinished(() => connection.close())
    const heard: string[] = []
    for await (const { data } of connection) {
      if (heard.push(data) === 1) expect(connection.statistics.events).toBe(1_000)
      if (heard.length === 1_500) break
    }
    expect(heard).toEqual(Array.from({ length: 1_500 }, (_, i) => `${i}`))
  })
})

describe('a WebSocket', () => {
  it('comes back by its cursor after 1001 and other closes, hears no repeats, and passes over what is no event', async () => {
    const { url, requests } = await openSocketServer((socket, number) => {
      socket.send(cursorAt('a1-1'))
      for (let n = 2; n <= number + 1; n++) socket.send(said(`${n}`, `a1-${n}`))
      for (const noise of ['{"ref":1,"ok":true}', 'noise', '[]', 'null', '7']) socket.send(noise)
      if (number < 4) socket.close([1001, 1013, 1011][number - 1], 'draining')
    })
    const { connection, heard, changes } = listen(`${url}/events?topic=news`, { ...by('websocket'), backoffMs: 1 })
    await eventually(() => expect(heard).toEqual(['2', '3', '4', '5']))
    expect(requests).toEqual(['/events?topic=news', ...[2, 3, 4].map(n => `/events?topic=news&lastEventId=a1-${n}`)])
    expect(connection.statistics).toMatchObject({ repeats: 6, events: 4 })
    expect(changes[1]?.error?.message).toBe('The WebSocket was closed (1001: draining).')
  })

  it('asks for another token at 4401, and once more at once', async () => {
    const { url, headers } = await openSocketServer((socket, number) => {
      socket.send(cursorAt('a1-1'))
      if (number > 1) socket.close(4401)
    })
    let asked = 0
    const token = () => `${++asked}`
    const { connection } = listen(`${url}/events`, { ...by('websocket'), token })
    await isOpen(connection)
    connection.reconnect()
    expect(await connection.closed).toMatchObject({ reason: 'failed', error: { code: 'unauthorized' } })
    expect(headers).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 3'])
  })

  it.each([
    [4403, { reason: 'failed', error: { code: 'refused', message: 'The WebSocket was closed (4403: rules).' } }],
    [4409, { reason: 'ended' }],
  ])('ends at %i', async (code, outcome) => {
    const { url, requests } = await openSocketServer(socket => socket.close(code, 'rules'))
    expect(await listen(`${url}/events`, by('websocket')).connection.closed).toMatchObject(outcome)
    expect(requests).toHaveLength(1)
  })

  it('gives way where there is none, where it is refused, and where nothing comes by it', async () => {
    const { url, say } = await openHub()
    const silent = await openSocketServer(() => undefined)
    class Silent extends WebSocket {
      constructor() {
        super(silent.url.replace('http', 'ws'))
      }
    }
    class Refused extends WebSocket {
      constructor(address: string) {
        super(address.replace('/events', '/nowhere'))
      }
    }
    class Impossible {
      constructor() {
        throw new SyntaxError('no')
      }
    }
    const transports = ['websocket', 'event-stream'] as const
    const given = [undefined, Silent, Refused, Impossible as unknown as WebSocketClass]
    const all = given.map(WebSocket => listen(`${url}/events/news`, { transports, WebSocket, answerMs: 1_000 }))
    await eventually(
      () => expect(all.map(({ connection }) => connection.state)).toEqual(given.map(() => 'open')),
      5_000,
    )
    await say('news', 'a')
    await eventually(() => expect(all.map(({ heard }) => heard)).toEqual(given.map(() => ['a'])))
  })

  it('that cannot be is the end where there is no other way', async () => {
    const { url } = await openHub()
    // Node.js 20 has none of its own.
    const had = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket')
    onTestFinished(
      () => void Object.defineProperty(globalThis, 'WebSocket', had ?? { value: undefined, configurable: true }),
    )
    Object.defineProperty(globalThis, 'WebSocket', { value: undefined, configurable: true, writable: true })
    const none = listen(`${url}/events/news`, { transports: ['websocket'] })
    expect(await none.connection.closed).toMatchObject({ error: { message: 'There is no WebSocket here.' } })
    Object.assign(globalThis, { WebSocket })
    const headless = listen(`${url}/events/news`, { transports: ['websocket'], token: 'secret' })
    expect(await headless.connection.closed).toMatchObject({
      error: { code: 'invalid-setting', message: /no headers and no token/ },
    })
    const spoken = listen(`${url}/events/news`, { transports: ['websocket'], body: '{}' })
    expect(await spoken.connection.closed).toMatchObject({ error: { code: 'invalid-setting', message: /no body/ } })
    const bodily = listen(`${url}/events/news`, { transports: ['websocket'], method: 'GET', body: '{}' })
    expect(await bodily.connection.closed).toMatchObject({ error: { code: 'invalid-setting', message: /no body/ } })
    // It is what a WebSocket begins with.
    for (const method of [undefined, 'GET']) {
      await isOpen(listen(`${url}/events/news`, { transports: ['websocket'], method }).connection)
    }
  })

  it('is let go while too much waits, and taken up again where it was', async () => {
    const { url, say, hub } = await openHub()
    const connection = connect(`${url}/events/news?since=earliest`, by('websocket'))
    onTestFinished(() => connection.close())
    const total = 5_000
    await isOpen(connection)
    for (let i = 0; i < total; i++) void say('news', `${i}`)
    // Nothing is listened to before it was let go.
    await eventually(() => expect(hub.status.subscriptions).toBe(0))
    expect(connection.statistics.events).toBeGreaterThanOrEqual(1_000)
    let next = 0
    for await (const { data } of connection) {
      expect(data).toBe(`${next}`)
      if (++next === total) break
      // A batch of frames is one turn of the socket.
      expect(connection.statistics.events - next).toBeLessThan(3_000)
    }
    expect(connection.statistics).toMatchObject({ events: total, repeats: 0 })
    expect(connection.statistics.attempts).toBeGreaterThan(1)
  })
})

describe('whatever way it is heard on', () => {
  it('every event comes once, in order, while ways are cut, held back and changed at random', async () => {
    const moves = fc.constantFrom('cut', 'hold', 'free', 'wake', 'say', 'say', 'say')
    await fc.assert(
      fc.asyncProperty(fc.array(moves, { minLength: 20, maxLength: 60 }), fc.nat(400), async (schedule, bytes) => {
        const { port, hub } = await openHub()
        const road = await openWay(port)
        let isHeld = false
        // The head comes, and nothing behind it, or nothing at all.
        const held: Fetch = async (url, init) => {
          const response = await fetch(url, init as RequestInit)
          if (!isHeld || init.headers['accept'] !== 'text/event-stream') return response
          return new Response(new ReadableStream(), response)
        }
        class Held extends WebSocket {
          constructor(url: string) {
            super(isHeld && Math.random() < 0.5 ? url.replace('/events', '/nowhere') : url)
          }
        }
        const options: ConnectOptions = { backoffMs: 1, firstBlockMs: 20, fetch: held, WebSocket: Held }
        const { connection, heard, errors } = listen(`${road.url}/events`, {
          ...{ topics: ['n/*'], since: 'earliest', transports: [...ways].sort(() => (bytes % 3) - 1) },
          ...options,
        })
        connection.onState(({ state }) => void (state === 'waiting' && setImmediate(connection.reconnect)))
        let count = 0
        const seen = new Set<string>()
        for (const move of schedule) {
          if (move === 'cut') {
            road.cutAfter(bytes + count * 7)
            road.cut()
          } else if (move === 'hold' || move === 'free') {
            isHeld = move === 'hold'
            road.cutAfter(undefined)
          } else if (move === 'wake') connection.reconnect()
          else
            await hub.publish(
              Array.from({ length: 3 }, () => ({ topic: `n/${count % 3}`, data: `${count++}` }) as never),
            )
          await new Promise(resolve => setTimeout(resolve, count % 4))
          seen.add(connection.transport)
        }
        road.cutAfter(undefined)
        isHeld = false
        await eventually(() => expect(heard.length).toBe(count), { timeout: 10_000 })
        connection.close()
        expect(heard).toEqual(Array.from({ length: count }, (_, i) => `${i}`))
        expect([errors, connection.statistics.gaps]).toEqual([[], 0])
      }),
      { numRuns: 12 },
    )
  }, 60_000)
})
