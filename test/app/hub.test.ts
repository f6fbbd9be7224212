import { createRequire } from 'node:module'
import express, { type Request, type RequestHandler } from 'express'
import fastify from 'fastify'
import type { Context } from 'hono'
import { describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import {
  createHub,
  createMemoryLog,
  type FastifyHandler,
  type FastifyRequestLike,
  type FetchHandler,
  type Hub,
  type HubEvent,
  type NodeHandler,
  type NodeRequest,
  TidingsError,
} from '../../src/entry/index.js'
import { openHub } from './client.js'

interface Order {
  readonly total: number
}
interface Topics {
  readonly news: string
  readonly 'orders/*': Order
}

async function take<Event>(events: AsyncIterable<Event>, count: number): Promise<readonly Event[]> {
  const taken: Event[] = []
  for await (const event of events) if (taken.push(event) === count) break
  return taken
}

describe('a hub in an application', () => {
  it('publishes and hears, in order, from the moment of asking on', async () => {
    const hub = openHub<Topics>()
    await hub.publish('news', 'before')
    await vi.waitFor(async () => expect((await hub.onLog()).status.tail).toMatch(/-1$/))
    const heard = hub.subscribe(['news', 'orders/*'])
    const id = await hub.publish('news', 'Hello')
    await hub.publish('orders/17', { total: 3 }, { type: 'paid', key: '17', eventId: 'order/17' })
    const [first, second] = await take(heard, 2)
    expect(first).toMatchObject({ id, topic: 'news', data: 'Hello', type: undefined, end: false })
    expect(second).toMatchObject({
      topic: 'orders/17',
      type: 'paid',
      key: '17',
      eventId: 'order/17',
      data: '{"total":3}',
    })
    expect(second?.json()).toEqual({ total: 3 })
  })

  it('has methods that may be taken off it, and so have its streams', async () => {
    const { publish, subscribe, openStream, close } = openHub()
    const heard = subscribe('**')
    await publish('news', 'Hello')
    const { send, close: finish } = await openStream('answer')
    await send('Once')
    expect(await finish()).toBe('completed')
    expect(await take(heard, 2)).toMatchObject([{ data: 'Hello' }, { data: 'Once' }])
    expect(Object.keys(openHub())).toEqual([])
    await close()
  })

  it('goes on from a cursor, and says what is missing', async () => {
    const hub = openHub()
    const ids = [await hub.publish('news', 'one'), await hub.publish('news', 'two')]
    expect(await take(hub.subscribe('news', { cursor: ids[0] }), 1)).toMatchObject([{ data: 'two', id: ids[1] }])
    const onGap = vi.fn()
    await take(hub.subscribe('news', { cursor: 'other1-7', onGap }), 1)
    expect(onGap).toHaveBeenCalledWith(expect.objectContaining({ reason: 'unknown', requested: 'other1-7' }))
  })

  it('costs no memory for who hears slowly, and gives him everything', async () => {
    const hub = openHub({ maxRecentEvents: 10 })
    const heard = hub.subscribe('news')
    const first = heard.next()
    const data = 'x'.repeat(10_000)
    for (let i = 0; i < 500; i++) await hub.publish('news', `${i} ${data}`)
    expect((await first).value?.data).toMatch(/^0 /)
    const { heldBytes } = (await hub.onLog()).status
    expect(heldBytes).toBeLessThan(600_000)
    const rest = await take(heard, 499)
    expect(rest.map(event => Number.parseInt(event.data, 10))).toEqual(Array.from({ length: 499 }, (_, i) => i + 1))
  })

  it('goes on by cursor when it was cut off for being slow', async () => {
    const hub = openHub({ stallMs: 20 })
    const heard = hub.subscribe('news')
    const first = heard.next()
    const data = 'x'.repeat(50_000)
    for (let i = 0; i < 20; i++) await hub.publish('news', `${i} ${data}`)
    await first
    await vi.waitFor(async () => expect((await hub.onLog()).status.subscriptions).toBe(0))
    const rest = await take(heard, 19)
    expect(rest.map(event => Number.parseInt(event.data, 10))).toEqual(Array.from({ length: 19 }, (_, i) => i + 1))
  })

  it('ends an iteration with its topic, its signal, its loop and the hub', async () => {
    const hub = openHub()
    const all = async (events: AsyncIterable<HubEvent>) => {
      const data: string[] = []
      for await (const event of events) data.push(event.data)
      return data
    }
    const ended = all(hub.subscribe('build'))
    await hub.publish('build', 'done', { end: true })
    expect(await ended).toEqual(['done'])
    await expect(hub.publish('build', 'more')).rejects.toMatchObject({ code: 'topic-ended' })
    const controller = new AbortController()
    const aborted = all(hub.subscribe('news', { signal: controller.signal }))
    await vi.waitFor(() => expect(hub.subscribers('news')).toBe(1))
    controller.abort()
    expect(await aborted).toEqual([])
    await hub.publish('news', 'kept')
    await take(hub.subscribe('news', { since: 'earliest' }), 1)
    await vi.waitFor(() => expect(hub.subscribers('news')).toBe(0))
    const open = all(hub.subscribe('news'))
    await vi.waitFor(() => expect(hub.subscribers('news')).toBe(1))
    await hub.close()
    expect(await open).toEqual([])
    await expect(hub.publish('news', 'late')).rejects.toMatchObject({ code: 'draining' })
  })

  it('closes the log that it opened, and no other', async () => {
    const opened = createMemoryLog()
    await createHub({ log: () => opened }).close()
    await expect(opened.head()).rejects.toMatchObject({ code: 'log-unavailable' })
    const handed = createMemoryLog()
    onTestFinished(() => handed.close())
    await createHub({ log: handed }).close()
    expect((await handed.head()).offset).toBe(0)
  })

  it('says why its log could not be opened, to whoever asks something of it', async () => {
    const log = () => Promise.reject(new TidingsError('log-in-use', 'Another has it.'))
    const hub = createHub({ log, report: () => undefined })
    await expect(hub.publish('news', 'Hello')).rejects.toMatchObject({ code: 'log-in-use' })
    await expect(hub.subscribe('news').next()).rejects.toMatchObject({ code: 'log-in-use' })
    await expect(hub.close()).rejects.toMatchObject({ code: 'log-in-use' })
  })

  it('keeps what its rules keep', async () => {
    const hub = openHub({ retention: [{ selector: 'ticker', count: 2 }, { selector: '**' }] })
    await hub.publish('notes/ann', 'unread')
    for (let i = 0; i < 100; i++) await hub.publish('ticker', `${i}`)
    expect(await take(hub.subscribe('notes/ann', { since: 'earliest' }), 1)).toMatchObject([{ data: 'unread' }])
    expect(await take(hub.subscribe('ticker', { since: 'earliest' }), 2)).toMatchObject([
      { data: '98' },
      { data: '99' },
    ])
  })

  it('publishes once what is repeated', async () => {
    const hub = openHub()
    const id = await hub.publish('news', 'Hello', { idempotencyKey: 'a1' })
    expect(await hub.publish('news', 'Hello', { idempotencyKey: 'a1' })).toBe(id)
    await expect(hub.publish('news', 'Other', { idempotencyKey: 'a1' })).rejects.toMatchObject({
      code: 'idempotency-conflict',
    })
  })

  it.each([
    [() => openHub().publish('$news', 'x'), 'reserved-topic'],
    [() => openHub().publish('a/../b', 'x'), 'invalid-topic'],
    [() => openHub().publish('news', 'x', { type: 'a\nb' }), 'invalid-event'],
    [() => openHub().publish('news', undefined), 'invalid-event'],
    [() => openHub().publish('news', 1n), 'invalid-event'],
    [() => openHub().publish('news', '\ud800'), 'invalid-event'],
    [() => openHub({ maxEventBytes: 4 }).publish('news', 'four!'), 'too-large'],
    [async () => openHub().subscribe([]), 'too-many-topics'],
    [async () => openHub().subscribe('a*'), 'invalid-selector'],
    [async () => openHub().subscribe('a', { since: 'soon' }), 'invalid-parameter'],
    [async () => createHub({ log: createMemoryLog(), retention: [] }), 'invalid-setting'],
    [async () => createHub({ maxStreams: -1 }), 'invalid-setting'],
  ])('refuses what is wrong (%#)', async (attempt, code) => {
    await expect(attempt()).rejects.toMatchObject({ code })
  })
})

describe('schemas', () => {
  it('are asked when something is published, and type the topics', async () => {
    const hub = createHub({
      schemas: {
        news: z.string().min(1),
        'orders/*': z.object({ total: z.number(), note: z.string().default('none') }),
      },
    })
    onTestFinished(() => hub.close())
    await hub.publish('orders/17', { total: 3 })
    const [order] = await take(hub.subscribe('orders/17', { since: 'earliest' }), 1)
    expect(order?.json()).toEqual({ total: 3, note: 'none' })
    // @ts-expect-error: a total is a number
    const wrong = hub.publish('orders/17', { total: 'three' })
    await expect(wrong).rejects.toMatchObject({ code: 'invalid-event', message: expect.stringContaining('total: ') })
    await expect(hub.publish('news', '')).rejects.toMatchObject({ code: 'invalid-event' })
  })
})

describe('types', () => {
  it('follow the topics', () => {
    const hub = openHub<Topics>()
    expectTypeOf(hub).toEqualTypeOf<Hub<Topics>>()
    expectTypeOf(hub.subscribe('news')).toEqualTypeOf<AsyncIterableIterator<HubEvent<string>>>()
    expectTypeOf(hub.subscribe('orders/17')).toEqualTypeOf<AsyncIterableIterator<HubEvent<Order>>>()
    expectTypeOf(hub.subscribe('**')).toEqualTypeOf<AsyncIterableIterator<HubEvent<string | Order>>>()
    expectTypeOf<Parameters<typeof hub.publish<'orders/17'>>[1]>().toEqualTypeOf<Order>()
    // @ts-expect-error: there is no such topic
    hub.publish('weather', 'fine').catch(() => undefined)
    // @ts-expect-error: news are texts
    hub.publish('news', 17).catch(() => undefined)
  })

  it('let a route know its request as its framework does', () => {
    const hub = openHub<Topics>()
    const route: RequestHandler<{ name: string }> = hub.handler({ topics: request => [`user/${request.params.name}`] })
    expectTypeOf(route).toEqualTypeOf<RequestHandler<{ name: string }>>()
    express().get(
      '/users/:name',
      hub.handler({
        topics: request => {
          expectTypeOf(request.params).toEqualTypeOf<{ name: string }>()
          return [`user/${request.params.name}`]
        },
      }),
      hub.handler({ topics: async ({ params, path }) => [params.name, path], since: '24h' }),
      hub.handler({ topics: ['news'] }),
    )
    express.Router().use(hub.handler({ topics: request => [request.baseUrl] }))
    fastify().get<{ Querystring: { user: string } }>(
      '/users',
      hub.fastifyHandler({
        topics: request => {
          expectTypeOf(request.query).toEqualTypeOf<{ user: string }>()
          return [`user/${request.query.user}`]
        },
      }),
    )
    expectTypeOf(hub.handler({ topics: request => [request.url ?? ''] })).toEqualTypeOf<NodeHandler<NodeRequest>>()
    expectTypeOf(hub.handler({ topics: ['news'] })).toEqualTypeOf<NodeHandler<NodeRequest>>()
    expectTypeOf(hub.handler({ topics: (request: Request) => [request.path] })).toEqualTypeOf<NodeHandler<Request>>()
    expectTypeOf(hub.handler<Request>({ topics: request => [request.path] })).toEqualTypeOf<NodeHandler<Request>>()
    expectTypeOf(hub.fastifyHandler({ topics: ['news'] })).toEqualTypeOf<FastifyHandler<FastifyRequestLike>>()
    // @ts-expect-error: topics are a list
    hub.handler({ topics: request => request.url ?? '' })
    // @ts-expect-error: there is no such option
    expect(() => hub.handler({ topics: request => [request.url ?? ''], sinse: '24h' })).toThrow('setting sinse')
    const fetching = hub.fetchHandler<[{ user: string }]>({ topics: (_request, { user }) => [`user/${user}`] })
    expectTypeOf(fetching).toEqualTypeOf<FetchHandler<[{ user: string }]>>()
    expectTypeOf(fetching).parameters.toEqualTypeOf<[request: globalThis.Request, { user: string }]>()
    expectTypeOf(hub.fetchHandler({ topics: ['news'] })).toEqualTypeOf<FetchHandler<[]>>()
    expectTypeOf(hub.fetchHandler({ topics: request => [request.url] })).toEqualTypeOf<FetchHandler<[]>>()
    const ofContext = hub.fetchHandler({ topics: (_request, c: Context) => [`user/${c.req.param('user')}`] })
    expectTypeOf(ofContext).toEqualTypeOf<FetchHandler<[c: Context]>>()
    interface OwnRequest extends globalThis.Request {
      readonly user: string
    }
    const ofOwn = hub.fetchHandler({ topics: async (request: OwnRequest) => [`user/${request.user}`] })
    expectTypeOf(ofOwn).toEqualTypeOf<FetchHandler<[], OwnRequest>>()
    // @ts-expect-error: no list of topics
    hub.fetchHandler({ topics: () => 5 })
    // @ts-expect-error: there is no such option
    expect(() => hub.fetchHandler({ topics: ['news'], sinse: '24h' })).toThrow('setting sinse')
  })
})

it('can be required by a CommonJS application', () => {
  const required = createRequire(import.meta.url)(
    '../../dist/entry/index.js',
  ) as typeof import('../../src/entry/index.js')
  expectTypeOf(required.createHub).toEqualTypeOf(createHub)
  expect(required.createHub).toBeTypeOf('function')
})
