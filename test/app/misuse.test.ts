// What programs without a compiler hand over by mistake: each is refused with a code and a message that says what to do.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { createHub, type HubOptions, openStream, openStreamResponse } from '../../src/entry/index.js'
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
  it.each<[object, RegExp]>([
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

  it('says to whoever uses it that nothing was opened', async () => {
    const hub = createHub({ log: () => undefined as never })
    expect(await mistake(() => hub.publish('news', 'hello'))).toEqual(refused('invalid-setting', /openLmdbLog/))
  })
})

describe('publish', () => {
  it.each<[string, readonly unknown[], RegExp]>([
    ['invalid-topic', [], /a topic is a text/],
    ['invalid-topic', [['news'], 'hello'], /a topic is a text/],
    ['invalid-event', ['news', 'hello', { type: 5 }], /a type is a text/],
    ['invalid-event', ['news', 'hello', { key: 5 }], /a key is a text/],
    ['invalid-event', ['news', 'hello', { eventId: 5 }], /it is a text/],
    ['unknown-member', ['news', 'hello', { event: 'note' }], /no option event of an event; .* it has type,/],
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
    ['no list', undefined],
    ['a text', 'user/*'],
    ['no texts', ['news', undefined]],
  ])('gives nobody anything when its function gives %s, and says why', async (_what, topics) => {
    const report = vi.fn()
    const hub = openHub({ report })
    const url = await serve(hub.handler({ topics: () => topics as string[] }))
    expect((await fetch(url)).status).toBe(500)
    expect(report).toHaveBeenCalledWith(expect.any(String), refused('invalid-setting', /gave no list of texts/))
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
    await open(async (request, response) => {
      expect(await mistake(() => call(response, request))).toEqual(refused('invalid-setting', /openStreamResponse/))
      response.end()
    })
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
