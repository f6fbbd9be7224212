import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import fastifyCompress from '@fastify/compress'
import { getRequestListener } from '@hono/node-server'
import compression from 'compression'
import express from 'express'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import {
  type EventStream,
  openStream,
  openStreamResponse,
  type StreamEvent,
  type StreamOptions,
} from '../../src/entry/index.js'
import { read, serve } from './client.js'

/** Serves a route that opens a stream, with a header of the application, and hands it over; resolves to its address. */
type Way = (options: StreamOptions, opened: (stream: EventStream) => void) => Promise<string>

const ways: Readonly<Record<string, Way>> = {
  'node:http': (options, opened) =>
    serve((request, response) => {
      response.setHeader('X-Own', 'yes')
      opened(openStream(request, response, options))
    }),
  'Express 5': (options, opened) => {
    const app = express()
    app.use(compression({ threshold: 0 }))
    app.get('/', (request, response) => {
      response.set('X-Own', 'yes')
      opened(openStream(request, response, options))
    })
    return serve(app)
  },
  'Fastify 5': async (options, opened) => {
    const app = fastify({ forceCloseConnections: true })
    await app.register(fastifyCompress, { threshold: 0 })
    app.addHook('onSend', async (_request, reply) => {
      reply.header('X-Own', 'yes')
    })
    app.get('/', async (request, reply) => {
      opened(openStream(request, reply, options))
      return reply
    })
    onTestFinished(() => app.close())
    return app.listen({ port: 0, host: '127.0.0.1' })
  },
  'Hono on Node.js': (options, opened) => {
    const app = new Hono()
    app.use(compress({ threshold: 0 }))
    app.get('/', c => {
      const stream = openStreamResponse(c.req.raw, options)
      stream.response.headers.set('X-Own', 'yes')
      opened(stream)
      return stream.response
    })
    return serve(getRequestListener(app.fetch))
  },
}

/** A route that opens a stream and hands it over. */
async function route(options: StreamOptions = {}, way: Way = ways['node:http'] as Way) {
  const streams: EventStream[] = []
  const url = await way(options, stream => void streams.push(stream))
  const opened = async (): Promise<EventStream> => {
    await vi.waitFor(() => expect(streams).toHaveLength(1))
    return streams[0] as EventStream
  }
  return { url, opened }
}

/** A client that takes what it is told to take, and no more. */
async function dial(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => undefined).pause()
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return socket
}

/** Sends until a send waits; how many went out before, and the one that waits. */
async function sendUntilItWaits(stream: EventStream, data: string) {
  for (let sent = 0; ; sent++) {
    if (sent * data.length > 200_000_000) throw new Error('Nothing waits.')
    const waiting = stream.send(`${sent}:${data}`)
    const isSent = await Promise.race([
      waiting.then(() => true),
      new Promise(resolve => setTimeout(resolve, 50, false)),
    ])
    if (!isSent) return { sent, waiting }
  }
}

describe.each(Object.entries(ways))('a stream of %s', (_name, way) => {
  const start = (options?: StreamOptions) => route(options, way)

  it('sends events as they are said, and an end after which nobody comes back', async () => {
    const { url, opened } = await start({ retryMs: 2_000 })
    const reading = await read(url)
    expect(Object.fromEntries(reading.response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-own': 'yes',
    })
    const stream = await opened()
    await stream.send('two\r\nlines')
    await stream.send({ data: { done: 3 }, type: 'progress', id: '3' })
    await stream.comment('a word aside')
    await stream.close()
    expect(await reading.ended()).toBe(
      'retry: 2000\ndata: two\ndata: lines\n\nid: 3\nevent: progress\ndata: {"done":3}\n\n: a word aside\n' +
        'id: $end\nevent: $end\ndata: {"outcome":"completed"}\n\n',
    )
    expect(stream.signal.aborted).toBe(false)
    expect((await fetch(url, { headers: { 'last-event-id': '$end' } })).status).toBe(204)
  })

  it('ends as the services of language models do', async () => {
    const completions = await start({ end: '[DONE]' })
    const reading = await read(completions.url)
    const said = async function* () {
      yield { data: { choices: [{ delta: { content: 'Hi' } }] } }
    }
    expect(await (await completions.opened()).from(said())).toBe('completed')
    expect(await reading.ended()).toMatch(/^: \ndata: {"choices":.*}\n\ndata: \[DONE\]\n\n$/)

    const messages = await start({
      end: { type: 'message_stop', data: { type: 'message_stop' } },
      failure: { type: 'error', data: { type: 'error', error: { type: 'api_error' } } },
    })
    const failing = await read(messages.url)
    await (await messages.opened()).fail()
    expect(await failing.ended()).toBe(': \nevent: error\ndata: {"type":"error","error":{"type":"api_error"}}\n\n')
  })

  it('tells the client that its source failed, and the application why', async () => {
    const report = vi.fn()
    const { url, opened } = await start({ report })
    const reading = await read(url)
    const said = async function* () {
      yield 'one'
      throw new Error('secret')
    }
    expect(await (await opened()).from(said())).toBe('failed')
    expect(await reading.ended()).toBe(': \ndata: one\n\nid: $end\nevent: $end\ndata: {"outcome":"failed"}\n\n')
    expect(report).toHaveBeenCalledExactlyOnceWith(expect.any(String), expect.objectContaining({ message: 'secret' }))
  })

  it('holds no more than a little for a client that stands still, and gives it all later', async () => {
    const { url, opened } = await start()
    const socket = await dial(url)
    const stream = await opened()
    const { sent, waiting } = await sendUntilItWaits(stream, 'x'.repeat(64_000))
    expect(sent).toBeLessThan(400)
    let text = ''
    socket.setEncoding('utf8').on('data', piece => {
      text += piece
    })
    socket.resume()
    await waiting
    await stream.close()
    await vi.waitFor(() => expect(text).toContain('$end'))
    expect([...text.matchAll(/data: (\d+):/g)].map(([, i]) => Number(i))).toEqual(
      Array.from({ length: sent + 1 }, (_, i) => i),
    )
  })

  it('keeps the order of what was not awaited, and refuses more than it may hold', async () => {
    const { url, opened } = await start()
    const socket = await dial(url)
    const stream = await opened()
    const { sent } = await sendUntilItWaits(stream, 'x'.repeat(64_000))
    const later = Array.from({ length: 40 }, (_, i) => stream.send(`${sent + 1 + i}:${'y'.repeat(64_000)}`))
    const closing = stream.close()
    const outcomes = Promise.allSettled(later)
    let text = ''
    socket.setEncoding('utf8').on('data', piece => {
      text += piece
    })
    socket.resume()
    await closing
    const refused = (await outcomes).flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason.code] : []))
    const taken = later.length - refused.length
    expect(new Set(refused)).toEqual(new Set(['overloaded']))
    expect(taken * 64_000).toBeLessThan(1024 * 1024)
    await vi.waitFor(() => expect(/event: \$end\ndata: .*\n\n/.test(text)).toBe(true))
    expect([...text.matchAll(/data: (\d+):/g)].map(([, i]) => Number(i))).toEqual(
      Array.from({ length: sent + 1 + taken }, (_, i) => i),
    )
  })

  it('notices that its client leaves while a send waits', async () => {
    const { url, opened } = await start()
    const socket = await dial(url)
    const stream = await opened()
    const { waiting } = await sendUntilItWaits(stream, 'x'.repeat(64_000))
    const behind = stream.send('behind it')
    socket.destroy()
    await expect(waiting).rejects.toMatchObject({ code: 'stream-closed' })
    await expect(behind).rejects.toMatchObject({ code: 'stream-closed' })
    expect(stream.signal.aborted).toBe(true)
    await stream.closed
    await expect(stream.send('later')).rejects.toBe(stream.signal.reason)
  })

  it('leaves its source when the client leaves, also while the source takes its time', async () => {
    const { url, opened } = await start()
    const reading = await read(url)
    const stream = await opened()
    let wake: (value: string) => void = () => undefined
    const left = vi.fn()
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise<IteratorResult<string>>(resolve => {
            wake = value => resolve({ done: false, value })
          }),
        return: async () => {
          left()
          return { done: true as const, value: undefined }
        },
      }),
    }
    const outcome = stream.from(source)
    wake('one')
    await reading.until('data: one')
    reading.leave()
    expect(await outcome).toBe('left')
    expect(left).toHaveBeenCalledOnce()
  })

  it('takes a client that takes no byte for one that has left', async () => {
    const { url, opened } = await start({ stallMs: 50 })
    await dial(url)
    const stream = await opened()
    const endless = async function* () {
      for (;;) yield 'x'.repeat(64_000)
    }
    expect(await stream.from(endless())).toBe('left')
  })
})

describe('openStream', () => {
  it('says something in silence', async () => {
    const { url } = await route({ heartbeatMs: 100 })
    await (await read(url)).until(': \n: \n: \n')
  })

  it.each([
    [{ data: 'x', type: 'a\nid: 7' }],
    [{ data: 'x', type: 'a\rdata: forged' }],
    [{ data: 'x', id: '1\n\ndata: forged' }],
    [{ data: 'x', id: '1\0' }],
    [{ data: undefined }],
    [{ data: 1n }],
  ])('lets nothing that is sent break out of its field (%#)', async event => {
    const { url, opened } = await route()
    const reading = await read(url)
    const stream = await opened()
    await expect(stream.send(event)).rejects.toMatchObject({ code: 'invalid-event' })
    await expect(stream.comment('a\ndata: forged')).rejects.toMatchObject({ code: 'invalid-event' })
    await stream.send('sound')
    await stream.close()
    expect(await reading.ended()).toMatch(/^: \ndata: sound\n\nid: \$end\n/)
  })

  it('sends nothing after its end, and opens nothing where there is nobody', async () => {
    const { url, opened } = await route()
    const reading = await read(url)
    const stream = await opened()
    const closing = stream.close()
    await expect(stream.send('late')).rejects.toMatchObject({ code: 'stream-closed' })
    await stream.fail()
    await closing
    expect(await reading.ended()).not.toMatch(/late|failed/)
    const left: boolean[] = []
    const once = await serve((request, response) => {
      left.push(openStream(request, response).signal.aborted)
      expect(() => openStream(request, response)).not.toThrow()
    })
    const head = await fetch(once, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), left]).toEqual([200, 'text/event-stream', [true]])
    const thrown: unknown[] = []
    const begun = await serve((request, response) => {
      response.write('begun')
      try {
        openStream(request, response)
      } catch (error) {
        thrown.push(error)
      }
      response.end()
    })
    expect(await (await fetch(begun)).text()).toBe('begun')
    expect(thrown).toMatchObject([{ code: 'stream-closed' }])
  })

  it.each([
    [{ heartbeatMs: 1 }, 'invalid-setting'],
    [{ stallMs: -1 }, 'invalid-setting'],
    [{ retryMs: 1 }, 'invalid-setting'],
    [{ end: { data: 'x', type: '\n' } }, 'invalid-event'],
    [{ ends: '[DONE]' } as StreamOptions, 'invalid-setting'],
  ])('refuses settings that are none (%#)', async (options, code) => {
    expect(() => openStreamResponse(new Request('http://localhost'), options)).toThrow(
      expect.objectContaining({ code }),
    )
  })

  it('keeps the headers of an Express application, and is not held back by its compression', async () => {
    const app = express()
    app.use(compression({ threshold: 0 }))
    app.use((_request, response, next) => {
      response.setHeader('X-Own', 'yes')
      next()
    })
    const outcomes: string[] = []
    let go: () => void = () => undefined
    app.post('/answer', async (request, response) => {
      const said = async function* () {
        yield 'one'
        await new Promise<void>(resolve => {
          go = resolve
        })
        yield 'two'
      }
      outcomes.push(await openStream(request, response).from(said()))
    })
    const url = await serve(app)
    const response = await fetch(`${url}/answer`, { method: 'POST', headers: { 'accept-encoding': 'gzip' } })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('one')) text += (await reader?.read())?.value
    expect([response.headers.get('x-own'), response.headers.get('content-encoding')]).toEqual(['yes', null])
    go()
    while (!text.includes('$end')) text += (await reader?.read())?.value
    await vi.waitFor(() => expect(outcomes).toEqual(['completed']))
  })

  it('is a stream of HTTP/2 where that is spoken', async () => {
    const outcomes: string[] = []
    const server = createHttp2Server(async (request, response) => {
      const said = async function* () {
        for (let i = 0; i < 100; i++) yield `${i}:${'x'.repeat(64_000)}`
      }
      outcomes.push(await openStream(request, response).from(said()))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(async () => {
      client.destroy()
      await new Promise(resolve => server.close(resolve))
    })
    const whole = client.request({ ':path': '/' })
    let text = ''
    whole.setEncoding('utf8').on('data', piece => {
      text += piece
    })
    await once(whole, 'end')
    expect([...text.matchAll(/data: (\d+):/g)]).toHaveLength(100)
    await vi.waitFor(() => expect(outcomes).toEqual(['completed']))
    const cut = client.request({ ':path': '/' })
    await once(cut, 'response')
    cut.close()
    await vi.waitFor(() => expect(outcomes).toEqual(['completed', 'left']))
  })
})

describe('in Fastify', () => {
  it('leaves a stream whose answer a hook refuses', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    app.addHook('onSend', async () => {
      throw new Error('no')
    })
    const outcomes: Promise<string>[] = []
    app.get('/', async (request, reply) => {
      outcomes.push(openStream(request, reply).from(['one']))
      return reply
    })
    const refused = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }))
    expect([refused.status, await refused.json()]).toMatchObject([500, { message: 'no' }])
    expect(await Promise.all(outcomes)).toEqual(['left'])
  })

  it('answers HEAD, and who comes back to the end, and takes a route that is not async', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    const outcomes: Promise<string>[] = []
    app.get('/', (request, reply) => {
      outcomes.push(openStream(request, reply).from(['one']))
    })
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    expect((await fetch(url, { headers: { 'last-event-id': '$end' } })).status).toBe(204)
    expect(await (await read(url)).ended()).toMatch(/^: \ndata: one\n\nid: \$end\n/)
    expect(await Promise.all(outcomes)).toEqual(['left', 'left', 'completed'])
  })
})

describe('openStreamResponse', () => {
  it('is the same for who speaks Request and Response', async () => {
    const app = new Hono()
    const outcomes: Promise<string>[] = []
    const left = vi.fn()
    app.get('/all', c => {
      const stream = openStreamResponse(c.req.raw)
      outcomes.push(stream.from(['one', 'two']))
      return stream.response
    })
    app.get('/endless', c => {
      const stream = openStreamResponse(c.req.raw)
      const endless = async function* () {
        try {
          for (;;) yield 'x'.repeat(64_000)
        } finally {
          left()
        }
      }
      outcomes.push(stream.from(endless()))
      return stream.response
    })
    const url = await serve(getRequestListener(app.fetch))
    const all = await read(`${url}/all`)
    expect(await all.ended()).toBe(
      ': \ndata: one\n\ndata: two\n\nid: $end\nevent: $end\ndata: {"outcome":"completed"}\n\n',
    )
    expect(all.response.headers.get('content-type')).toBe('text/event-stream')
    expect((await fetch(`${url}/all`, { headers: { 'last-event-id': '$end' } })).status).toBe(204)
    const endless = await read(`${url}/endless`)
    await endless.until('xxx')
    endless.leave()
    expect(await Promise.all(outcomes)).toEqual(['completed', 'left', 'left'])
    await vi.waitFor(() => expect(left).toHaveBeenCalledOnce())
  })
})

describe('types', () => {
  it('take the requests and responses of each framework, and give what a stream is', () => {
    type Asked = Parameters<typeof openStream>[0]
    type Answered = Parameters<typeof openStream>[1]
    expectTypeOf<IncomingMessage>().toExtend<Asked>()
    expectTypeOf<ServerResponse>().toExtend<Answered>()
    expectTypeOf<Http2ServerRequest>().toExtend<Asked>()
    expectTypeOf<Http2ServerResponse>().toExtend<Answered>()
    expectTypeOf<express.Request>().toExtend<Asked>()
    expectTypeOf<express.Response>().toExtend<Answered>()
    expectTypeOf<FastifyRequest>().toExtend<Asked>()
    expectTypeOf<FastifyReply>().toExtend<Answered>()
    expectTypeOf<Request>().not.toExtend<Asked>()
    expectTypeOf(openStream).returns.toEqualTypeOf<EventStream>()
    expectTypeOf(openStreamResponse).parameter(0).toEqualTypeOf<Request>()
    expectTypeOf(openStreamResponse).returns.toEqualTypeOf<EventStream & { readonly response: Response }>()
    expectTypeOf<EventStream['send']>().parameter(0).toEqualTypeOf<StreamEvent | string>()
    expectTypeOf<EventStream['from']>().returns.toEqualTypeOf<Promise<'completed' | 'failed' | 'left'>>()
    expectTypeOf<EventStream['signal']>().toEqualTypeOf<AbortSignal>()
    expectTypeOf<AsyncGenerator<{ data: number }>>().toExtend<Parameters<EventStream['from']>[0]>()
    // @ts-expect-error: there is no such option
    expect(() => openStreamResponse(new Request('http://localhost'), { ends: '' })).toThrow()
  })
})
