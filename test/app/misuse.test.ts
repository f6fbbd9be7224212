// What programs without a compiler hand over by mistake: each is refused with a code and a message that says what to do.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { createHub, createMemoryLog, type HubOptions, openStream, openStreamResponse } from '../../src/entry/index.js'
import { openLmdbLog } from '../../src/entry/lmdb.js'
import { listen, openHub, read, serve } from './client.js'

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'TidingsError', code, message: expect.stringMatching(message) })

/** What is thrown, at once or later. */
async function mistake(act: () => unknown): Promise<unknown> {
  try {
    await act()
  } catch (error) {
    return error
  }
  throw new Error('It was taken.')
}

describe('createHub', () => {
  it.each<[unknown, RegExp]>([
    [null, /^The settings of a hub are given as an object; it has log,/],
    ['lmdb:.tidings', /as an object/],
    [[], /as an object/],
    [{ log: null }, /openLmdbLog/],
    [{ log: '' }, /openLmdbLog/],
    [{ retention: null }, /^retention is no list/],
    [{ observer: null }, /^observer is an object/],
    [{ report: null }, /^report is a function, not null/],
    [{ schemas: 5 }, /^schemas is an object with a schema for each/],
    [{ schemas: null }, /^schemas is an object/],
    [{ schemas: [] }, /^schemas is an object/],
    [{ schemas: { '~standard': {} } }, /^schemas is an object/],
    [{ retenton: [] }, /setting retenton of a hub/],
    [{ log: 'lmdb:.tidings' }, /openLmdbLog/],
    [{ log: {} }, /openLmdbLog/],
    [{ log: Promise.resolve({}) }, /openLmdbLog/],
    [{ retention: { selector: 'news' } }, /^retention is no list/],
    [{ retention: [{ selector: 'news', maxAge: 5 }] }, /^retention\[0\]\.maxAge/],
    [{ schemas: { news: 5 } }, /^schemas\["news"\] is no Standard Schema/],
  ])('refuses %o', async (options, message) => {
    expect(await mistake(() => createHub(options as HubOptions))).toEqual(refused('invalid-setting', message))
  })

  it('says that nothing was opened, at once and to whoever uses it', async () => {
    const report = vi.fn()
    const hub = createHub({ log: () => undefined as never, report })
    await vi.waitFor(() =>
      expect(report).toHaveBeenCalledWith(
        expect.stringMatching(/^The log could not be opened/),
        refused('invalid-setting', /openLmdbLog/),
      ),
    )
    expect(await mistake(() => hub.publish('news', 'hello'))).toEqual(refused('invalid-setting', /openLmdbLog/))
  })
})

describe('close', () => {
  it.each<[unknown, RegExp]>([
    [5, /as an object/],
    [null, /as an object/],
    [{ deadline: 5 }, /no setting deadline of the end of a hub; it has deadlineMs/],
  ])('refuses %o, and goes on', async (options, message) => {
    const hub = openHub()
    expect(await mistake(() => hub.close(options as object))).toEqual(refused('invalid-setting', message))
    await hub.publish('news', 'hello')
  })
})

describe('a log', () => {
  it.each<[unknown, RegExp]>([
    [null, /as an object/],
    [[], /as an object/],
    [{ retenton: [] }, /no setting retenton of a log in .*; it has retention,/],
    [{ clock: 5 }, /^clock is a function/],
  ])('is not opened with %o', async (options, message) => {
    expect(await mistake(() => createMemoryLog(options as object))).toEqual(refused('invalid-setting', message))
    const open = () => openLmdbLog('/nowhere', options as object)
    expect(await mistake(open)).toEqual(refused('invalid-setting', message))
  })

  it.each([undefined, '', 5])('is not opened in %o', async directory => {
    expect(await mistake(() => openLmdbLog(directory as string))).toEqual(refused('invalid-setting', /is a path/))
  })
})

describe('publish', () => {
  it.each<[string, readonly unknown[], RegExp]>([
    ['invalid-topic', [], /a topic is a text/],
    ['invalid-topic', [['news'], 'hello'], /a topic is a text/],
    ['invalid-event', ['news', 'hello', { type: 5 }], /a type is a text/],
    ['invalid-event', ['news', 'hello', { key: 5 }], /a key is a text/],
    ['invalid-event', ['news', 'hello', { eventId: 5 }], /it is a text/],
    ['invalid-event', ['news', 'hello', { end: 'no' }], /^Not an end/],
    ['invalid-event', ['news', 'hello', { end: 0 }], /^Not an end/],
    ['invalid-event', ['news', 'hello', { idempotencyKey: 5 }], /idempotencyKey is/],
    ['invalid-event', ['news', Buffer.from('hello')], /^Not data: bytes; .*toString/],
    ['invalid-event', ['news', new Uint8Array(3)], /^Not data: bytes/],
    ['invalid-event', ['news', new ArrayBuffer(3)], /^Not data: bytes/],
    ['invalid-event', ['news', Promise.resolve('hello')], /^Not data: a promise; await it/],
    ['invalid-event', ['news', new Map([['a', 1]])], /^Not data: .* this Map holds/],
    ['invalid-event', ['news', new Error('no')], /^Not data: .* this Error holds/],
    ['invalid-event', ['news', Number.NaN], /^Not data: JSON has no NaN/],
    ['unknown-member', ['news', 'hello', { event: 'note' }], /no option event of an event; it has type,/],
    ['unknown-member', ['news', 'hello', null], /as an object/],
    ['unknown-member', ['news', 'hello', 5], /as an object/],
    ['unknown-member', ['news', 'hello', 'note'], /it has type,/],
  ])('refuses as %s what is called with %o', async (code, given, message) => {
    const hub = openHub()
    const publish = hub.publish.bind(hub) as (...given: readonly unknown[]) => unknown
    expect(await mistake(() => publish(...given))).toEqual(refused(code, message))
  })
})

describe('subscribe', () => {
  it.each<[string, readonly unknown[], RegExp]>([
    ['invalid-selector', [], /a topic or selector, or a list/],
    ['invalid-selector', [[5]], /a topic is a text/],
    ['invalid-parameter', ['news', { form: 'latest' }], /no option form/],
    ['invalid-parameter', ['news', null], /as an object/],
    ['invalid-parameter', ['news', () => undefined], /as an object/],
    ['invalid-parameter', ['news', { cursor: null }], /^cursor is the id of an event; leave it out/],
    ['invalid-parameter', ['news', { signal: new AbortController() }], /^signal is that of/],
    ['invalid-parameter', ['news', { onGap: true }], /^onGap is a function/],
  ])('refuses as %s what is called with %o', async (code, given, message) => {
    const hub = openHub()
    const subscribe = hub.subscribe.bind(hub) as (...given: readonly unknown[]) => unknown
    expect(await mistake(() => subscribe(...given))).toEqual(refused(code, message))
  })
})

describe('a route', () => {
  it.each<[string, unknown, RegExp]>([
    ['invalid-setting', undefined, /^topics is a list/],
    ['invalid-setting', { topics: 'news' }, /^topics is a list/],
    ['invalid-setting', ['news'], /^topics is a list of topics, .* { topics: \['news'\] }/],
    ['invalid-setting', { topics: [] }, /^topics is an empty list/],
    ['too-many-topics', { topics: Array(101).fill('news') }, /at most 100/],
    ['invalid-selector', { topics: ['news', 5] }, /a topic is a text/],
    ['invalid-selector', { topics: ['news/**/x'] }, /^Not a selector/],
    ['invalid-setting', { topics: ['news'], conflate: 100 }, /no setting conflate of a route/],
  ])('refuses as %s to be made of %o', async (code, options, message) => {
    const hub = openHub()
    const makes = [hub.handler, hub.fastifyHandler, hub.fetchHandler] as readonly ((options: unknown) => unknown)[]
    for (const make of makes) {
      expect(await mistake(() => make.call(hub, options))).toEqual(refused(code, message))
    }
  })

  // A text would be read letter by letter, and a `*` among them as all topics.
  it.each([
    ['no list', undefined, /, but undefined \(is a return missing\?\)/],
    ['a text', 'user/*', /, but a string/],
    ['no texts', ['news', undefined], /, but a list with undefined in it/],
  ])('gives nobody anything when its function gives %s, and says why', async (_what, topics, message) => {
    const report = vi.fn()
    const hub = openHub({ report })
    const url = await serve(hub.handler({ topics: () => topics as string[] }))
    const answer = await fetch(url)
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'internal' }])
    expect(report).toHaveBeenCalledWith(expect.any(String), refused('invalid-setting', /gave no list of texts/))
    expect(report).toHaveBeenCalledWith(expect.any(String), refused('invalid-setting', message))
  })

  it('says which one is for what was handed over', async () => {
    const hub = openHub()
    const request = new Request('http://localhost/')
    const options = { topics: ['news'] }
    const call = (route: unknown, ...given: readonly unknown[]) =>
      mistake(() => (route as (...given: readonly unknown[]) => unknown)(...given))
    expect(await call(hub.handler(options), request)).toEqual(refused('invalid-setting', /fetchHandler/))
    expect(await call(hub.fastifyHandler(options), request, {})).toEqual(
      refused('invalid-setting', /handler makes one/),
    )
    expect(await call(hub.fetchHandler(options), { headers: {} })).toEqual(refused('invalid-setting', /no Request/))
  })
})

describe('a stream', () => {
  const open = async (act: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<string> => {
    const url = await listen(
      createServer((request, response) => {
        void act(request, response).then(
          () => undefined,
          error => response.end(String(error)),
        )
      }),
    )
    return (await read(url)).ended()
  }

  it('is opened for a request and its response', async () => {
    const call = openStream as (...given: readonly unknown[]) => unknown
    expect(await mistake(() => call())).toEqual(refused('invalid-setting', /openStreamResponse/))
    const callOther = openStreamResponse as (...given: readonly unknown[]) => unknown
    expect(await mistake(() => callOther({ headers: {} }))).toEqual(refused('invalid-setting', /there is openStream/))
    expect(await mistake(() => callOther(new Request('http://localhost/'), null))).toEqual(
      refused('invalid-setting', /as an object/),
    )
    const { openStream: openDurable } = openHub() as unknown as { openStream: typeof call }
    expect(await mistake(() => openDurable({ headers: {} }, {}))).toEqual(refused('invalid-topic', /a topic is a text/))
    expect(await mistake(() => openDurable('answer', null))).toEqual(refused('invalid-setting', /as an object/))
    expect(await mistake(() => openDurable('answer', { report: 5 }))).toEqual(
      refused('invalid-setting', /^report is a function/),
    )
    await open(async (request, response) => {
      expect(await mistake(() => call(response, request))).toEqual(refused('invalid-setting', /openStreamResponse/))
      response.end()
    })
  })

  // Its failure was nobody's, and so ended the process.
  it('may be made from what fails as it is left', async () => {
    const durable = await openHub().openStream('answer')
    function* failing() {
      try {
        for (;;) yield 'Once'
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is what is tried
        throw new Error('left')
      }
    }
    const outcome = durable.from(failing())
    await durable.stop()
    expect(await outcome).toBe('stopped')
  })

  it('sends nothing that is no event', async () => {
    const hub = openHub()
    const durable = await hub.openStream('answer')
    const said = await open(async (request, response) => {
      const stream = openStream(request, response)
      for (const send of [stream.send.bind(stream), durable.send.bind(durable)] as ((event: unknown) => unknown)[]) {
        for (const event of [undefined, null, 5, {}, { text: 'hello' }]) {
          expect(await mistake(() => send(event))).toEqual(refused('invalid-event', /with data/))
        }
        expect(await mistake(() => send({ data: 'hello', event: 'note' }))).toEqual(
          refused('invalid-event', /type says, not event/),
        )
      }
      await stream.close()
    })
    expect(said).toMatch(/^: \n\n?id: \$end\n/)
    await durable.close()
  })

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /is an iterable/],
    ['a text', 'Once upon a time', /is an iterable/],
    ['a function', async function* () {}, /Call the function/],
    ['a promise', Promise.resolve(['Once']), /Await what brings it/],
  ])('fails that is made from %s, and the application is told why', async (_what, source, message) => {
    const report = vi.fn()
    const hub = openHub({ report })
    const durable = await hub.openStream('answer')
    expect(await durable.from(source as string[])).toBe('failed')
    const said = await open(async (request, response) => {
      expect(await openStream(request, response, { report }).from(source as string[])).toBe('failed')
    })
    expect(said).toContain('{"outcome":"failed"}')
    expect(report.mock.calls.map(([, error]) => error)).toEqual(Array(2).fill(refused('invalid-event', message)))
  })
})
