import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EventToPublish, type Fetch, PublishError, type PublishOptions, publish } from '../../src/entry/client.js'
import { startFaultyProxy } from '../support/faulty-proxy.js'
import { FakeClock } from './fake-clock.js'
import { eventually, openHub } from './listen.js'
import { openWay, serve } from './way.js'

const numbered = (count: number, topic = 'n'): EventToPublish[] =>
  Array.from({ length: count }, (_, i) => ({ topic, data: `${i}` }))

async function* slowly<T>(items: readonly T[], every = 1): AsyncGenerator<T> {
  for (const [i, item] of items.entries()) {
    if (i % every === 0) await new Promise(resolve => setTimeout(resolve, 1))
    yield item
  }
}

/** What a hub has, in its order. */
async function kept(url: string): Promise<readonly { readonly id: string; readonly data: string }[]> {
  const all = []
  for (let cursor = ''; ; ) {
    const page = await fetch(`${url}/events?topic=**&limit=1000&lastEventId=${cursor}`, {
      headers: { accept: 'application/json' },
    })
    const { events, more, cursor: next } = (await page.json()) as never
    all.push(...(events as { id: string; data: string }[]))
    if (!more) return all
    cursor = next
  }
}

const dataOf = async (url: string) => (await kept(url)).map(({ data }) => data)
const upTo = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)

/** A hub that answers as it is told, on a clock that the test moves. */
function scripted(
  answer: (request: {
    readonly key: string
    readonly lines: readonly string[]
    readonly number: number
  }) => Response | Promise<Response>,
) {
  const clock = new FakeClock()
  const requests: {
    readonly key: string
    readonly lines: readonly string[]
    readonly at: number
    readonly token: unknown
  }[] = []
  const fetch: Fetch = async (_, { headers, body, signal }) => {
    const key = headers['idempotency-key'] ?? ''
    const lines = String(body).trim().split('\n')
    requests.push({ key, lines, at: clock.now(), token: headers['authorization'] })
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return Promise.race([answer({ key, lines, number: requests.length }), aborted])
  }
  return { clock, requests, options: { fetch, clock, random: () => 0.5 } satisfies PublishOptions }
}

const done = ({ lines }: { readonly lines: readonly string[] }) =>
  Response.json({ accepted: lines.length, lastId: `a1-${lines.length}` })
const problem = (status: number, members: object, headers = {}) =>
  new Response(JSON.stringify({ detail: 'Because.', ...members }), {
    status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  })
const failed = () => Promise.reject(new TypeError('fetch failed'))

/** Moves the clock until it is over. */
async function settled<T>(clock: FakeClock, promise: Promise<T>): Promise<T | PublishError> {
  let result: { readonly value: T | PublishError } | undefined
  promise.then(
    value => {
      result = { value }
    },
    error => {
      result = { value: error }
    },
  )
  for (let i = 0; i < 10_000 && !result; i++) await clock.pass(1_000)
  if (!result) throw new Error('It did not end.')
  return result.value
}

describe('publish', () => {
  it('brings a list to a hub, and says how far it came', async () => {
    const { url } = await openHub()
    const events = [
      { topic: 'a', data: 'text\n안녕', type: 'greeting', key: 'k', eventId: 'mine' },
      { topic: 'b/c', data: { price: 1 } },
      { topic: 'b/c', data: null },
      { topic: 'a', data: 'last', end: true },
    ]
    const { accepted, lastId } = await publish(`${url}/events`, events)
    const found = await kept(url)
    expect(found).toMatchObject([
      { topic: 'a', data: 'text\n안녕', type: 'greeting', key: 'k', eventId: 'mine' },
      { topic: 'b/c', data: '{"price":1}' },
      { topic: 'b/c', data: 'null' },
      { topic: 'a', data: 'last', end: true },
    ])
    expect([accepted, lastId]).toEqual([4, found.at(-1)?.id])
    expect(await publish(`${url}/events`, [])).toEqual({ accepted: 0, lastId: '' })
  })

  it('takes what comes one by one as it comes, and what comes together in one request', async () => {
    const { url } = await openHub()
    const sizes: number[] = []
    const counting: Fetch = async (to, init) => {
      sizes.push(String(init.body).split('\n').length - 1)
      return fetch(to, init as RequestInit)
    }
    let goOn: () => void = () => undefined
    const progress: number[] = []
    async function* events() {
      for (const event of numbered(3)) {
        yield event
        await new Promise<void>(resolve => {
          goOn = resolve
        })
      }
      yield* numbered(1_700)
    }
    const onAccepted = ({ accepted }: { readonly accepted: number }) => {
      progress.push(accepted)
      goOn()
    }
    expect(await publish(`${url}/events`, events(), { fetch: counting, onAccepted })).toMatchObject({ accepted: 1_703 })
    expect(progress.slice(0, 3)).toEqual([1, 2, 3])
    expect([sizes.slice(0, 3), Math.max(...sizes)]).toEqual([[1, 1, 1], 500])
    expect(await dataOf(url)).toEqual([...upTo(3), ...upTo(1_700)])
  })

  it('asks for no more than one request has room for, while another is under way', async () => {
    let pulled = 0
    function* endless() {
      for (;;) yield { topic: 'n', data: 'x'.repeat(1_000 + 0 * pulled++) }
    }
    const { options, requests } = scripted(() => new Promise(() => undefined))
    const controller = new AbortController()
    const publishing = publish('http://hub.example/events', endless(), { ...options, signal: controller.signal })
    await eventually(() => expect(pulled).toBeGreaterThan(500))
    await new Promise(resolve => setTimeout(resolve, 20))
    // Two requests of 256 lines of 1 Ki characters, and the one that found no room.
    expect([pulled, requests.length]).toEqual([513, 1])
    controller.abort(new Error('enough'))
    await expect(publishing).rejects.toThrow('enough')
  })

  it('sends an event that is longer than a request by itself', async () => {
    const { url } = await openHub({ settings: { limits: { maxEventBytes: 1024 * 1024 } } })
    const data = 'x'.repeat(600_000)
    await publish(`${url}/events`, [...numbered(2), { topic: 'n', data }, ...numbered(2)])
    expect(await dataOf(url)).toEqual(['0', '1', data, '0', '1'])
  })
})

describe('what goes wrong on the way', () => {
  it('is repeated under the same key: nothing is lost, and nothing there twice', async () => {
    const { url } = await openHub()
    const proxy = await startFaultyProxy(url)
    const answer = await publish(`http://127.0.0.1:${proxy.port}/events`, slowly(numbered(900), 450))
    expect(answer.accepted).toBe(900)
    expect(await dataOf(url)).toEqual(upTo(900))
    const keys = [...new Set(proxy.attempts.map(({ key }) => key))]
    expect(keys.length).toBeGreaterThan(1)
    expect(proxy.attempts.map(({ key }) => keys.indexOf(key))).toEqual(keys.flatMap((_, i) => [i, i, i]))
  })

  it('may be any cut at any time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(30), { maxLength: 12 }),
        fc.integer({ min: 1, max: 400 }),
        async (pauses, every) => {
          const { url, port } = await openHub()
          const road = await openWay(port)
          const publishing = publish(`${road.url}/events`, slowly(numbered(1_200), every), {
            random: () => Math.random() / 50,
          })
          for (const [i, pause] of pauses.entries()) {
            await new Promise(resolve => setTimeout(resolve, pause))
            road.cutAfter(i % 3 === 0 ? pause : undefined)
            road.cut()
          }
          road.cutAfter(undefined)
          road.cut()
          expect(await publishing).toMatchObject({ accepted: 1_200 })
          expect(await dataOf(url)).toEqual(upTo(1_200))
        },
      ),
      { numRuns: 10 },
    )
  }, 60_000)

  it('is waited for as long as was asked, and not repeated when the hub may have forgotten it', async () => {
    const { clock, requests, options } = scripted(({ number }) =>
      number === 1 ? problem(503, { code: 'log-unavailable' }, { 'Retry-After': '7' }) : failed(),
    )
    const error = await settled(
      clock,
      publish('http://hub.example/events', numbered(3), { ...options, giveUpAfterMs: 3_600_000 }),
    )
    expect(error).toBeInstanceOf(PublishError)
    expect(error).toMatchObject({
      code: 'connection-lost',
      accepted: 0,
      unknown: 3,
      index: undefined,
      cause: { message: 'fetch failed' },
    })
    const [first, second] = requests
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBe(7_125)
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1)
    const lastMs = (requests.at(-1)?.at ?? 0) - (first?.at ?? 0)
    expect([lastMs > 90_000, lastMs <= 100_000]).toEqual([true, true])
  })

  it('is repeated for longer where it is known that nothing is there', async () => {
    const { clock, requests, options } = scripted(request =>
      request.number < 300 ? problem(request.number % 2 ? 429 : 503, { code: 'overloaded' }) : done(request),
    )
    const events = publish('http://hub.example/events', numbered(3), { ...options, giveUpAfterMs: 3_600_000 })
    expect(await settled(clock, events)).toEqual({ accepted: 3, lastId: 'a1-3' })
    expect((requests.at(-1)?.at ?? 0) - (requests[0]?.at ?? 0)).toBeGreaterThan(200_000)
    const short = scripted(() => problem(429, {}))
    const error = await settled(
      short.clock,
      publish('http://hub.example/events', numbered(3), { ...short.options, giveUpAfterMs: 0 }),
    )
    expect(error).toMatchObject({ code: 'refused', unknown: 0 })
  })

  it('goes on behind what a full log has kept, under another key, unless more may be there', async () => {
    const full = { code: 'log-full', accepted: 2, lastId: 'a1-2', line: 3 }
    const { clock, requests, options } = scripted(request =>
      request.number === 1 ? problem(503, full) : done(request),
    )
    const progress: unknown[] = []
    const publishing = publish('http://hub.example/events', numbered(5), {
      ...options,
      onAccepted: ({ accepted }) => progress.push(accepted),
    })
    expect(await settled(clock, publishing)).toEqual({ accepted: 5, lastId: 'a1-3' })
    expect([progress, requests.map(({ lines }) => lines.length)]).toEqual([
      [2, 5],
      [5, 3],
    ])
    expect(requests[0]?.key).not.toBe(requests[1]?.key)
    const unsure = scripted(request =>
      request.number === 1 ? failed() : request.number === 2 ? problem(503, full) : done(request),
    )
    await settled(unsure.clock, publish('http://hub.example/events', numbered(5), unsure.options))
    expect(unsure.requests.map(({ lines }) => lines.length)).toEqual([5, 5, 5])
    expect(new Set(unsure.requests.map(({ key }) => key)).size).toBe(1)
  })

  it('may be an answer that does not come, or is cut off', async () => {
    const { clock, requests, options } = scripted(request => {
      if (request.number === 1) return new Promise(() => undefined)
      if (request.number === 2) return new Response(new ReadableStream({ start: c => c.error(new Error('cut')) }))
      return done(request)
    })
    expect(
      await settled(clock, publish('http://hub.example/events', numbered(1), { ...options, answerMs: 5_000 })),
    ).toMatchObject({ accepted: 1 })
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1)
  })
})

describe('what is refused', () => {
  it('is said with its place and how many are there, and what comes behind is not published', async () => {
    const { url } = await openHub()
    const events = numbered(1_000).map((event, i) => (i === 700 ? { ...event, type: 'a\nb' } : event))
    const error: PublishError = await publish(`${url}/events`, slowly(events, 500)).catch(error => error)
    expect(error).toBeInstanceOf(PublishError)
    expect(error).toMatchObject({ code: 'invalid-event', index: 700, accepted: 700, unknown: 0 })
    expect(error.message).toMatch(/control characters/)
    const found = await kept(url)
    expect([found.length, found.at(-1)?.id]).toEqual([700, error.lastId])
  })

  it.each([
    [
      'topic-ended',
      [
        { topic: 'n', data: 'x', end: true },
        { topic: 'n', data: 'y' },
      ],
      { index: 1, accepted: 1 },
    ],
    ['too-large', [{ topic: 'n', data: 'x'.repeat(300_000) }], { index: 0, accepted: 0 }],
    ['reserved-topic', [{ topic: '$n', data: 'x' }], { index: 0, accepted: 0 }],
    ['unknown-member', [{ topic: 'n', data: 'x', typ: 'y' }], { index: 0, accepted: 0 }],
    ['invalid-event', [{ topic: 'n' } as never], { index: 0, accepted: 0 }],
  ])('by a hub: %s', async (code, events, members) => {
    const { url } = await openHub()
    await expect(publish(`${url}/events`, events)).rejects.toMatchObject({ code, ...members })
  })

  it('as a whole, is not repeated', async () => {
    const url = await serve((request, answer) => {
      request.resume()
      if (request.url === '/hub') answer.writeHead(200, { 'Content-Type': 'application/json' }).end('{"events":[]}')
      else answer.writeHead(404, { 'Content-Type': 'text/html' }).end('<p>')
    })
    await expect(publish(`${url}/events`, numbered(1))).rejects.toMatchObject({
      code: 'refused',
      message: 'The server answered 404.',
    })
    await expect(publish(`${url}/hub`, numbered(1))).rejects.toMatchObject({
      code: 'refused',
      message: 'What answers is no hub.',
    })
  })

  it('for its token is sent once more at once with another one', async () => {
    let tokens = 0
    const token = async () => `${++tokens}`
    const { clock, requests, options } = scripted(request =>
      request.number === 1 ? problem(401, { code: 'unauthorized' }) : done(request),
    )
    const begun = clock.now()
    expect(
      await settled(clock, publish('http://hub.example/events', numbered(1), { ...options, token })),
    ).toMatchObject({ accepted: 1 })
    expect(requests.map(({ at, token }) => [at - begun < 1_000, token])).toEqual([
      [true, 'Bearer 1'],
      [true, 'Bearer 2'],
    ])
    const always = scripted(() => problem(401, { code: 'unauthorized' }))
    for (const [given, count] of [
      [token, 2],
      ['fixed', 3],
    ] as const) {
      const error = await settled(
        always.clock,
        publish('http://hub.example/events', numbered(1), { ...always.options, token: given }),
      )
      expect([error, always.requests.length]).toMatchObject([{ code: 'unauthorized' }, count])
    }
  })
})

describe('events that fail', () => {
  it('do so after those before them are published, and are left', async () => {
    const { url } = await openHub()
    let isLeft = false
    async function* broken() {
      try {
        yield* numbered(3)
        throw new Error('the source broke')
      } finally {
        isLeft = true
      }
    }
    await expect(publish(`${url}/events`, broken())).rejects.toThrow('the source broke')
    expect([isLeft, await dataOf(url)]).toEqual([true, upTo(3)])
    const unwritable = [...numbered(2), { topic: 'n', data: 1n }]
    await expect(publish(`${url}/events`, unwritable)).rejects.toThrow(/BigInt/)
    expect(await dataOf(url)).toHaveLength(5)
  })

  it('are left when publishing fails or is ended, whatever it waits for', async () => {
    const left: string[] = []
    async function* waiting(name: string) {
      try {
        yield* numbered(1)
        await new Promise(() => undefined)
      } finally {
        left.push(name)
      }
    }
    const { url } = await openHub()
    const controller = new AbortController()
    const { signal } = controller
    const never = scripted(() => new Promise(() => undefined))
    const away = scripted(failed)
    // Real generators only leave where they yield.
    const source = (name: string) => ({
      [Symbol.asyncIterator]: () => ({
        ...{ next: waiting(name).next.bind(waiting(name)) },
        return: async () => ({ value: left.push(name), done: true as const }),
      }),
    })
    const all = [
      publish(`${url}/events`, source('events') as never, { signal }),
      publish('http://hub.example/events', source('answer') as never, { ...never.options, signal }),
      publish('http://hub.example/events', source('again') as never, { ...away.options, signal }),
    ].map(publishing => publishing.catch(error => error))
    await eventually(async () => expect(await dataOf(url)).toHaveLength(1))
    await never.clock.pass(100)
    await away.clock.pass(100)
    expect([never.requests.length, away.requests.length]).toEqual([1, 1])
    controller.abort('enough')
    expect(await Promise.all(all)).toEqual(['enough', 'enough', 'enough'])
    expect(left.sort()).toEqual(['again', 'answer', 'events'])
    expect(away.clock.timers + never.clock.timers).toBe(0)
    await expect(publish(`${url}/events`, [], { signal })).rejects.toBe('enough')
  })
})

it.each([
  ['http://hub.example/events', { giveUpAfterMs: -1 }],
  ['http://hub.example/events', { answerMs: 0 }],
  ['http://hub.example/events', { topic: 'news' }],
])('%s %j are no options of publish', async (url, options) => {
  await expect(publish(url, [], options as PublishOptions)).rejects.toMatchObject({ code: 'invalid-setting' })
})

it('is ended by its signal, though the token does not come', async () => {
  const controller = new AbortController()
  const token = () => {
    queueMicrotask(() => controller.abort(new Error('enough')))
    return new Promise<string>(() => undefined)
  }
  const { signal } = controller
  await expect(publish('http://127.0.0.1:9/events', numbered(1), { token, signal })).rejects.toThrow('enough')
})

it('takes a token that does not come for a failure', async () => {
  const token = () => new Promise<string>(() => undefined)
  const options = { token, answerMs: 5, giveUpAfterMs: 0 }
  await expect(publish('http://127.0.0.1:9/events', numbered(1), options)).rejects.toMatchObject({
    ...{ code: 'connection-lost', message: 'The headers were not to be had.', unknown: 0 },
  })
})

it.each([
  [
    'http://hub.example/events',
    { topic: 'news', data: 1 },
    'publish: events is an array, or what a loop can go through.',
  ],
  ['http://hub.example/events', 'news', 'publish: events is an array, or what a loop can go through.'],
  ['http://hub.example/events', undefined, 'publish: events is an array, or what a loop can go through.'],
  ['localhost:8080/events', [], 'publish: the URL begins with http: or https:, and not with localhost:.'],
])('%s with %j is refused', async (url, events, message) => {
  const published = publish(url, events as EventToPublish[])
  await expect(published).rejects.toMatchObject({ code: 'invalid-setting', message })
})

it('keys are its own, and go into a header', async () => {
  const keys: string[] = []
  const fetch: Fetch = async (_, { headers }) => {
    keys.push(headers['idempotency-key'] ?? '')
    return Response.json({ accepted: 1, lastId: 'a1-1' })
  }
  for (let i = 0; i < 2; i++) await publish('http://hub.example/events', numbered(1), { fetch })
  expect(new Set(keys).size).toBe(2)
  for (const key of keys) expect(key).toMatch(/^[0-9a-z]{15,40}-1$/)
})
