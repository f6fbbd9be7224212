import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { type ConnectOptions, connect } from '../../src/entry/client.js'
import { startHub } from '../http/hub-on-http.js'
import { eventually, isOpen, listen, openHub } from './listen.js'
import { openWay, serve } from './way.js'

describe('a connection to a hub', () => {
  it('hears topics and types, each handler what it asked for, in order', async () => {
    const { url, say } = await openHub()
    const { connection, events } = listen(`${url}/events`, { topics: ['news', 'stocks/*'] })
    const named: string[] = []
    for (const name of ['trade', 'news', 'stocks/*', 'message', '**']) {
      connection.on(name, event => void named.push(`${name} ${event.data}`))
    }
    await isOpen(connection)
    await say('news', 'a')
    await say('stocks/AAPL', '{"price":1}', { type: 'trade' })
    const id = await say('chat', 'not asked for').then(() => say('news', 'b'))
    await eventually(() => expect(events).toHaveLength(3))
    expect(named).toEqual([
      ...['news a', 'message a', '** a'],
      ...['trade {"price":1}', 'stocks/* {"price":1}', '** {"price":1}'],
      ...['news b', 'message b', '** b'],
    ])
    expect(events[1]).toMatchObject({ topic: 'stocks/AAPL', type: 'trade', gap: undefined })
    expect(events[1]?.json()).toEqual({ price: 1 })
    expect(connection.cursor).toBe(id)
    expect(connection.statistics).toMatchObject({ attempts: 1, opened: 1, events: 3, repeats: 0, gaps: 0, invalid: 0 })
  })

  it('knows the topic also where the stream does not tell it', async () => {
    const { url, say } = await openHub()
    const one = listen(`${url}/events`, { topics: 'news' })
    const other = listen(`${url}/events/a%20b/c`)
    await Promise.all([isOpen(one.connection), isOpen(other.connection)])
    await say('news', 'x')
    await say('a b/c', 'y')
    await eventually(() => expect([one.events[0]?.topic, other.events[0]?.topic]).toEqual(['news', 'a b/c']))
  })

  it('begins where it is told to', async () => {
    const { url, say } = await openHub()
    const first = await say('news', 'first')
    await say('news', 'second', { key: 'k' })
    await say('news', 'third', { key: 'k' })
    const earliest = listen(`${url}/events`, { topics: ['news'], since: 'earliest' })
    const latest = listen(`${url}/events`, { topics: ['news'], since: 'latest', conflate: 0 })
    const cursor = listen(`${url}/events/news`, { cursor: first })
    await eventually(() => {
      expect(earliest.heard).toEqual(['first', 'second', 'third'])
      expect(latest.heard).toEqual(['first', 'third'])
      expect(cursor.heard).toEqual(['second', 'third'])
    })
    expect(latest.events.map(({ id }) => id)).toEqual(['', ''])
    await eventually(() => expect(latest.connection.cursor).toMatch(/^\w+-3$/))
  })

  it('hears every event once across cuts at any byte, and a hub that is started again', async () => {
    const log = (await import('../../src/log/memory.js')).createMemoryLog()
    const keep = { ...log, close: async () => undefined }
    let hub = await startHub({ log: keep })
    const way = await openWay(hub.port)
    const { connection, heard, errors } = listen(`${way.url}/events`, { topics: ['n/*'], backoffMs: 1 })
    // The hub asks for half a second at least, which is of no interest here.
    connection.onState(({ state }) => void (state === 'waiting' && setImmediate(() => connection.reconnect())))
    await isOpen(connection)
    let said = 0
    const say = () => hub.hub.publish([{ topic: `n/${said % 3}`, data: `${said++}` } as never])
    for (let bytes = 1; bytes < 420; bytes += 7) {
      way.cutAfter(bytes)
      way.cut()
      await say()
      await say()
      if (bytes === 211) {
        await hub.close()
        hub = await startHub({ log: keep })
        way.port = hub.port
      }
      const before = way.connections
      await eventually(() => expect(way.connections).toBeGreaterThan(before), { interval: 1 })
    }
    way.cutAfter(undefined)
    await eventually(() => expect(heard).toHaveLength(said), { timeout: 10_000 })
    expect(heard).toEqual(Array.from({ length: said }, (_, i) => String(i)))
    expect([errors, connection.statistics.gaps]).toEqual([[], 0])
    expect(connection.statistics.attempts).toBeGreaterThan(30)
    connection.close()
    await hub.close()
    await log.close()
  })

  it('notices that nothing comes any more, and comes back by its cursor', async () => {
    const { url, port, say } = await openHub({ hub: { heartbeatMs: 100 } })
    expect(url).toContain(String(port))
    const way = await openWay(port)
    const { connection, heard, changes } = listen(`${way.url}/events/news`, { silenceMs: 400 })
    await isOpen(connection)
    way.stall(true)
    await say('news', 'while it was dead')
    await eventually(() => expect(connection.state).toBe('waiting'), { timeout: 5_000 })
    expect(changes.at(-1)?.error?.message).toBe('Nothing came in 400 ms.')
    way.stall(false)
    connection.reconnect()
    await eventually(() => expect(heard).toEqual(['while it was dead']))
  })

  it('is told of a gap, in a handler and in a loop', async () => {
    const { url, say } = await openHub()
    await say('news', 'left')
    const options = { topics: ['news'], cursor: 'other1-7' }
    const { connection, events } = listen(`${url}/events`, options)
    const told: unknown[] = []
    connection.on('$gap', event => told.push(event.json()))
    await eventually(() => expect(events.map(({ data }) => data)).toEqual(['left']))
    expect(told).toEqual([{ reason: 'unknown', requested: 'other1-7', resumedAt: expect.any(String) }])
    const looped: unknown[] = []
    for await (const event of connect(`${url}/events`, options)) {
      looped.push(event.gap?.reason ?? event.data)
      if (!event.gap) break
    }
    expect(looped).toEqual(['unknown', 'left'])
  })

  it('ends with its topic', async () => {
    const { url, say } = await openHub()
    await say('show', 'begins')
    const { connection, heard } = listen(`${url}/events/show?since=earliest`)
    await isOpen(connection)
    const id = await say('show', 'ends', { end: true })
    expect(await connection.closed).toEqual({ reason: 'ended' })
    expect([heard, connection.state]).toEqual([['begins', 'ends'], 'closed'])
    const again = listen(`${url}/events/show`, { cursor: id })
    expect(await again.connection.closed).toEqual({ reason: 'ended' })
  })

  it('says why it was refused', async () => {
    const { url } = await openHub()
    const { connection, errors } = listen(`${url}/events?topik=news`)
    const { reason, error } = await connection.closed
    expect([reason, error?.code, errors]).toEqual(['failed', 'unknown-parameter', [error]])
    expect(error?.message).toMatch(/^The server answered 400: Unknown parameter "topik"/)
  })

  it('has a code also where the server has none', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(403, { 'Content-Type': 'application/json' }).end('{"code":null,"detail":"not you"}')
    })
    const { connection } = listen(url)
    const { error } = await connection.closed
    expect([error?.code, error?.message]).toEqual(['refused', 'The server answered 403: not you'])
  })

  it('goes on where another page left off, by what is stored', async () => {
    const { url, say } = await openHub()
    const kept = new Map<string, string>()
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    }
    const first = listen(`${url}/events`, { topics: ['news'], storage })
    await isOpen(first.connection)
    const id = await say('news', 'one')
    await eventually(() => expect([...kept]).toEqual([[`tidings:${url}/events?topic=news`, id]]))
    first.connection.close()
    await say('news', 'two')
    const second = listen(`${url}/events`, { topics: ['news'], storage })
    await eventually(() => expect(second.heard).toEqual(['two']))
  })

  it('gives a slow storage one cursor at a time, and in the end the newest', async () => {
    const { url, say } = await openHub()
    const written: string[] = []
    const waiting: (() => void)[] = []
    const storage = {
      getItem: () => null,
      setItem: (_: string, cursor: string) =>
        new Promise<void>(resolve => {
          waiting.push(() => {
            written.push(cursor)
            resolve()
          })
        }),
    }
    const { connection, heard } = listen(`${url}/events/news`, { storage })
    await isOpen(connection)
    for (let i = 0; i < 20; i++) await say('news', `${i}`)
    await eventually(() => expect(heard).toHaveLength(20))
    expect(waiting).toHaveLength(1)
    await eventually(() => {
      waiting.shift()?.()
      expect(written.at(-1)).toBe(connection.cursor)
    })
    expect(written.length).toBeLessThan(5)
  })

  it('listens on without a storage that does not work, and says so', async () => {
    const { url, say } = await openHub()
    const fail = () => {
      throw new Error('no room')
    }
    const { connection, heard, errors } = listen(`${url}/events/news`, { storage: { getItem: fail, setItem: fail } })
    await isOpen(connection)
    await say('news', 'one')
    await eventually(() => expect(heard).toEqual(['one']))
    await eventually(() => expect(errors.map(String)).toContain('Error: no room'))
  })
})

describe('a handler', () => {
  it('that begins another one is not heard by it with the same event, for ever', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('data: a\n\ndata: b\n\ndata: [DONE]\n\n')
    })
    const connection = connect(url, { end: '[DONE]' })
    const heard: string[] = []
    const listenOnce = () => {
      const off = connection.on('message', ({ data }) => {
        off()
        // Or it would not come to an end.
        if (heard.push(data) < 10) listenOnce()
      })
    }
    listenOnce()
    expect(await connection.closed).toEqual({ reason: 'completed' })
    expect(heard).toEqual(['a', 'b'])
  })

  it('that another one has ended is not called any more', async () => {
    const { url, say } = await openHub()
    const { connection } = listen(`${url}/events/news`)
    await isOpen(connection)
    const heard: string[] = []
    connection.on('news', () => off())
    const off = connection.on('news', ({ data }) => heard.push(`ended ${data}`))
    connection.on('news', ({ data }) => heard.push(data))
    await say('news', 'a')
    await eventually(() => expect(heard).toEqual(['a']))
  })
})

describe('a loop', () => {
  it('is given all that came, also before it began, and slows the reading down', async () => {
    const { url, hub, say } = await openHub()
    const count = 3_000
    const data = 'x'.repeat(4_000)
    const connection = connect(`${url}/events`, { topics: ['n'], since: 'earliest' })
    onTestFinished(() => connection.close())
    await isOpen(connection)
    for (let i = 0; i < count; i += 100) {
      const batch = Array.from({ length: 100 }, (_, n) => ({ topic: 'n', data: `${i + n} ${data}` }) as never)
      await hub.publish(batch)
    }
    // Nobody listens yet: what was read is little, the hub keeps the rest.
    const before = connection.statistics.events
    await say('other', 'x')
    expect(before).toBeLessThan(200)
    let next = 0
    for await (const event of connection) {
      expect(event.data.startsWith(`${next} `)).toBe(true)
      if (next === 500) {
        const held = connection.statistics.events
        await new Promise(resolve => setTimeout(resolve, 100))
        // What came with one chunk, of 64 KiB.
        expect([connection.statistics.events - held, held - next < 200]).toEqual([0, true])
      }
      if (++next === count) break
    }
    expect(connection.state).toBe('closed')
    expect(await connection.closed).toEqual({ reason: 'closed' })
  })

  it('moves the cursor when it comes back, and all loops and handlers hear each event', async () => {
    const { url, say } = await openHub()
    const { connection, heard } = listen(`${url}/events/news`)
    await isOpen(connection)
    const begun = connection.cursor
    const loops = [connection[Symbol.asyncIterator](), connection[Symbol.asyncIterator]()]
    const asked = loops.map(loop => loop.next())
    const first = await say('news', 'one')
    const second = await say('news', 'two')
    expect((await Promise.all(asked)).map(({ value }) => value.data)).toEqual(['one', 'one'])
    expect([connection.cursor, heard]).toEqual([begun, ['one']])
    const again = loops[0]?.next()
    await say('news', 'three')
    expect(heard).toEqual(['one'])
    expect((await loops[1]?.next())?.value.data).toBe('two')
    expect([(await again)?.value.data, connection.cursor]).toEqual(['two', first])
    await loops[0]?.return?.()
    await loops[1]?.return?.()
    await eventually(() => expect(heard).toEqual(['one', 'two', 'three']))
    expect(connection.cursor > second).toBe(true)
    // A handler listens on.
    expect(connection.state).toBe('open')
  })

  it('throws what the connection failed of, after what came before', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('data: a\n\ndata: b\n\n')
    })
    const heard: string[] = []
    const run = async () => {
      for await (const { data } of connect(url, { end: '[DONE]' })) heard.push(data)
    }
    await expect(run()).rejects.toMatchObject({ code: 'stream-incomplete' })
    expect(heard).toEqual(['a', 'b'])
  })

  it('that is left behind the end leaves nothing to wait for', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('data: a\n\ndata: b\n\ndata: [DONE]\n\n')
    })
    const connection = connect(url, { end: '[DONE]' })
    for await (const { data } of connection) {
      expect(data).toBe('a')
      await eventually(() => expect(connection.state).toBe('closed'))
      break
    }
    expect(await connection.closed).toEqual({ reason: 'completed' })
    for await (const { data } of connection) expect(data).toBe('none')
  })

  it('that was left throws no failure, which is told then', async () => {
    let fail: () => void = () => undefined
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: a\n\n')
      fail = () => answer.end()
    })
    const { connection, errors } = listen(url, { end: '[DONE]' })
    for await (const { data } of connection) {
      expect(data).toBe('a')
      break
    }
    fail()
    const { error } = await connection.closed
    expect([error?.code, errors]).toEqual(['stream-incomplete', [error]])
  })

  it('ends when the connection is closed, by a signal too', async () => {
    const { url } = await openHub()
    const controller = new AbortController()
    const connection = connect(`${url}/events/news`, { signal: controller.signal })
    const loop = connection[Symbol.asyncIterator]().next()
    await isOpen(connection)
    controller.abort()
    expect(await loop).toEqual({ done: true, value: undefined })
    expect(await connection.closed).toEqual({ reason: 'closed' })
    expect(connect(`${url}/events/news`, { signal: controller.signal }).state).toBe('closed')
  })
})

describe('any other server', () => {
  it('is heard as its stream says, with a body, up to its declared end', async () => {
    const bodies: string[] = []
    const url = await serve(async (request, answer) => {
      let body = ''
      for await (const chunk of request) body += chunk
      bodies.push(`${request.method} ${request.headers['content-type']} ${body}`)
      answer.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
      for (const word of ['Once', 'upon', '[DONE]', 'never']) answer.write(`data: ${word}\n\n`)
      answer.end()
    })
    const words: string[] = []
    const connection = connect(url, {
      body: JSON.stringify({ stream: true }),
      headers: { 'Content-Type': 'application/json' },
      end: '[DONE]',
    })
    for await (const { data } of connection) words.push(data)
    expect(words).toEqual(['Once', 'upon'])
    expect(bodies).toEqual(['POST application/json {"stream":true}'])
    expect(await connection.closed).toEqual({ reason: 'completed' })
  })

  it('is told the last id by a header, and its retry is kept to', async () => {
    const ids: unknown[] = []
    const url = await serve((request, answer) => {
      ids.push(request.headers['last-event-id'])
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(`retry: 1\nid: ${ids.length} é\ndata: x\n\n`)
    })
    const { heard } = listen(url, { backoffMs: 1, maxBackoffMs: 1 })
    await eventually(() => expect(heard.length).toBeGreaterThan(2))
    expect(ids.slice(0, 3)).toEqual([
      undefined,
      Buffer.from('1 é').toString('latin1'),
      Buffer.from('2 é').toString('latin1'),
    ])
  })

  it.each([
    [408, 'tried again'],
    [425, 'tried again'],
    [429, 'tried again'],
    [500, 'tried again'],
    [503, 'tried again'],
    [400, 'given up'],
    [401, 'given up'],
    [403, 'given up'],
    [404, 'given up'],
    [410, 'given up'],
  ])('that answers %i is %s', async (status, what) => {
    let asked = 0
    const url = await serve((_, answer) => {
      answer.writeHead(++asked === 1 ? status : 204).end()
    })
    const { connection } = listen(url, { backoffMs: 1 })
    const { reason } = await connection.closed
    expect([asked, reason]).toEqual(what === 'given up' ? [1, 'failed'] : [2, 'ended'])
  })

  it('is not asked again before it said', async () => {
    const at: number[] = []
    const url = await serve((_, answer) => {
      at.push(performance.now())
      answer.writeHead(at.length === 1 ? 503 : 204, { 'Retry-After': '1' }).end()
    })
    await listen(url, { backoffMs: 1 }).connection.closed
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(990)
  })

  it('that answers with something else is given up', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>')
    })
    expect(await listen(url).connection.closed).toMatchObject({ reason: 'failed', error: { code: 'not-a-stream' } })
  })

  it('with an event that is too long is given up', async () => {
    const url = await serve((_, answer) => {
      answer.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(`data: ${'x'.repeat(2_000)}\n\n`)
    })
    const { connection } = listen(url, { maxEventChars: 1_000 })
    expect(await connection.closed).toMatchObject({ reason: 'failed', error: { code: 'too-large' } })
  })
})

describe('a token', () => {
  it('is asked for at each attempt, and at once when it has run out, with nothing lost', async () => {
    const { url: hub, say } = await openHub()
    let valid = 'one'
    const seen: unknown[] = []
    const streams = new Set<() => void>()
    const url = await serve(async (request, answer) => {
      seen.push(request.headers.authorization)
      if (request.headers.authorization !== `Bearer ${valid}`) {
        answer.writeHead(401).end()
        return
      }
      const abort = new AbortController()
      const response = await fetch(hub + request.url, { signal: abort.signal })
      answer.writeHead(response.status, { 'Content-Type': 'text/event-stream' })
      // As the hub will say when a token runs out.
      streams.add(() => {
        answer.end('event: $expired\ndata:\n\n')
        abort.abort()
      })
      await response.body
        ?.pipeTo(new WritableStream({ write: chunk => void answer.write(chunk) }))
        .catch(() => undefined)
    })
    const given = ['one', 'stale', 'two']
    const { connection, heard } = listen(`${url}/events`, { topics: ['news'], token: async () => given.shift() })
    await isOpen(connection)
    await say('news', 'a')
    await eventually(() => expect(heard).toEqual(['a']))
    valid = 'two'
    await new Promise(resolve => setTimeout(resolve, 1_000))
    for (const expire of streams) expire()
    await say('news', 'b')
    // "stale" is refused: that was the one time more.
    const { reason, error } = await connection.closed
    expect([reason, error?.code, seen]).toEqual(['failed', 'unauthorized', ['Bearer one', 'Bearer stale']])
    const next = listen(`${url}/events`, { topics: ['news'], token: () => given.shift(), cursor: connection.cursor })
    await eventually(() => expect(next.heard).toEqual(['b']))
  })
})

describe('payloads', () => {
  it('are parsed and checked by schemas, also async ones; what they refuse goes to onError, in order', async () => {
    const { url, say } = await openHub()
    const refused: unknown[] = []
    const connection = connect(`${url}/events`, {
      topics: ['**'],
      schemas: {
        trade: z.object({ price: z.number() }).refine(async ({ price }) => price < 100),
        'chat/*': z.string().transform(text => text.length),
      },
      onError: (error, event) => refused.push([String(error), event?.data]),
    })
    onTestFinished(() => connection.close())
    const heard: unknown[] = []
    connection.on('trade', event => heard.push(event.json().price))
    connection.on('chat/*', event => heard.push(event.json() satisfies number))
    connection.on('**', () => heard.push('any'))
    await isOpen(connection)
    await say('x', '{"price":1}', { type: 'trade' })
    await say('x', '{"price":"2"}', { type: 'trade' })
    await say('x', '{"price":300}', { type: 'trade' })
    await say('chat/a', 'hello')
    await say('y', 'free')
    await eventually(() => expect(heard).toEqual([1, 'any', 5, 'any', 'any']))
    expect(refused).toEqual([
      [expect.stringContaining('Not what the schema of "trade" asks for: price:'), '{"price":"2"}'],
      [expect.stringContaining('Not what the schema of "trade" asks for:'), '{"price":300}'],
    ])
    expect(connection.statistics.invalid).toBe(2)
  })

  it('have types by type and topic', async () => {
    const { url, say } = await openHub()
    interface Events {
      trade: { price: number }
      news: string
    }
    const connection = connect<Events>(`${url}/events/news`)
    onTestFinished(() => connection.close())
    const prices: number[] = []
    connection.on('trade', event => prices.push(event.json().price))
    // @ts-expect-error: nothing of that name was declared.
    connection.on('trad', () => undefined)
    // @ts-expect-error: it is a number.
    connection.on('trade', event => event.json().price.length)
    await isOpen(connection)
    await say('news', '{"price":7}', { type: 'trade' })
    await eventually(() => expect(prices).toEqual([7]))
  })

  it('that a handler does not bear are told of, and heard by the others', async () => {
    const { url, say } = await openHub()
    const { connection, heard, errors } = listen(`${url}/events/news`)
    connection.on('news', () => {
      throw new Error('sync')
    })
    connection.on('news', async () => {
      throw new Error('async')
    })
    await isOpen(connection)
    await say('news', 'one')
    await say('news', 'two')
    await eventually(() =>
      expect(errors.map(String).sort()).toEqual(['Error: async', 'Error: async', 'Error: sync', 'Error: sync']),
    )
    expect(heard).toEqual(['one', 'two'])
  })

  it('is told what a watcher of states rejects with', async () => {
    const { url } = await openHub()
    const errors: unknown[] = []
    const fail = async (what: string) => {
      throw new Error(what)
    }
    const connection = connect(`${url}/events/news`, {
      onState: ({ state }) => fail(state),
      onError: error => void errors.push(`${error}`),
    })
    onTestFinished(() => connection.close())
    await eventually(() => expect(errors).toEqual(['Error: open']))
    connection.close()
    await eventually(() => expect(errors).toEqual(['Error: open', 'Error: closed']))
  })
})

describe('options', () => {
  it.each([
    ['http://hub.example/events', { topic: 'news' }],
    ['http://hub.example/events', { backoffMs: 0 }],
    ['http://hub.example/events', { answerMs: Number.NaN }],
    ['http://hub.example/events', { silenceMs: 3_600_001 }],
    ['http://hub.example/events', { transports: [] }],
    ['http://hub.example/events', { transports: ['pigeon'] }],
    ['localhost:8080/events', {}],
    ['file:///events', { topics: ['news'] }],
  ])('%s %j are refused', (url, options) => {
    expect(() => connect(url, options as ConnectOptions)).toThrow(expect.objectContaining({ code: 'invalid-setting' }))
  })

  it('a URL has to be one, and a whole one where there is no page', () => {
    for (const url of ['nonsense', '/events', 'http://']) expect(() => connect(url)).toThrow(TypeError)
  })
})
