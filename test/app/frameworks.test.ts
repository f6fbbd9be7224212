import { once } from 'node:events'
import 'reflect-metadata'
import { createServer } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, connect as connectTo } from 'node:net'
import fastifyCompress from '@fastify/compress'
import fastifyCookie from '@fastify/cookie'
import fastifyCors from '@fastify/cors'
import fastifySession from '@fastify/session'
import { getRequestListener } from '@hono/node-server'
import { type ArgumentsHost, Controller, Get, Header, Module, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import compression from 'compression'
import cors from 'cors'
import express from 'express'
import session from 'express-session'
import express4 from 'express4'
import fastify, { type FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { cors as honoCors } from 'hono/cors'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Hub } from '../../src/entry/index.js'
import { listen, openHub, read, serve } from './client.js'
import { tryApplication } from './try-application.js'

/** An application with a session, CORS, compression, a header of its own, and a route that is told who asks. */
type Application = (hub: Hub, hooks: { readonly closed: () => void; readonly coding?: 'gzip' }) => Promise<string>

const onExpress =
  (make: typeof express): Application =>
  async (hub, { closed, coding }) => {
    const app = make()
    app.use(cors({ origin: 'https://app.example', credentials: true }))
    app.use(compression({ threshold: 0 }))
    app.use(session({ secret: 'a', resave: false, saveUninitialized: true }))
    app.use((request, response, next) => {
      response.setHeader('X-Own', 'yes')
      response.on('close', closed)
      Object.assign(request, { user: request.headers['x-user'] })
      next()
    })
    const route = hub.handler<express.Request & { user?: string }>({
      compression: coding,
      topics: request => {
        if (request.user === 'mallory') throw new Error('secret')
        return request.user ? ['news', `user/${request.user}`] : []
      },
    })
    app.get('/events', route as unknown as express.RequestHandler)
    app.use(((_error, _request, response, _next) => {
      response.status(418).send('teapot')
    }) satisfies express.ErrorRequestHandler)
    return serve(app)
  }

const onHono: Application = (hub, { closed, coding }) => {
  const app = new Hono<{ Variables: { user: string | undefined } }>()
  app.use(honoCors({ origin: 'https://app.example', credentials: true }), compress({ threshold: 0 }))
  app.use(async (c, next) => {
    c.set('user', c.req.header('x-user'))
    c.req.raw.signal.addEventListener('abort', closed)
    await next()
    c.res.headers.set('X-Own', 'yes')
    c.res.headers.append('Set-Cookie', 'a=b')
  })
  app.onError((_error, c) => c.text('teapot', 418))
  const events = hub.fetchHandler<[string | undefined]>({
    compression: coding,
    topics: (_request, user) => {
      if (user === 'mallory') throw new Error('secret')
      return user ? ['news', `user/${user}`] : []
    },
  })
  app.get('/events', c => events(c.req.raw, c.get('user')))
  return serve(getRequestListener(app.fetch))
}

const onFastify: Application = async (hub, { closed, coding }) => {
  const app = fastify({ forceCloseConnections: true })
  await app.register(fastifyCors, { origin: 'https://app.example', credentials: true })
  await app.register(fastifyCompress, { threshold: 0 })
  await app.register(fastifyCookie)
  await app.register(fastifySession, { secret: 'a'.repeat(32), cookie: { secure: false } })
  app.addHook('onRequest', async (request, reply) => {
    // Of its own session, as an application has it: the cookie is set by a hook that comes when the answer is sent.
    Object.assign(request.session, { seen: true })
    reply.header('X-Own', 'yes')
    // Its CORS, with one origin, does not say so.
    reply.header('Vary', 'Origin')
    reply.raw.on('close', closed)
  })
  app.setErrorHandler((_error, _request, reply) => void reply.code(418).send('teapot'))
  const events = hub.fastifyHandler<FastifyRequest>({
    compression: coding,
    topics: request => {
      const user = request.headers['x-user']
      if (user === 'mallory') throw new Error('secret')
      return user ? ['news', `user/${user}`] : []
    },
  })
  app.get('/events', events)
  onTestFinished(() => app.close())
  return app.listen({ port: 0, host: '127.0.0.1' })
}

const onNest: Application = async (hub, { closed, coding }) => {
  const events = hub.handler<express.Request>({
    compression: coding,
    topics: request => {
      const user = request.headers['x-user']
      if (user === 'mallory') throw new Error('secret')
      return user ? ['news', `user/${user}`] : []
    },
  })
  class Events {
    async listen(request: express.Request, response: express.Response): Promise<void> {
      response.on('close', closed)
      await events(request, response, error => {
        throw error
      })
    }
  }
  const method = Object.getOwnPropertyDescriptor(Events.prototype, 'listen') as PropertyDescriptor
  // What `@Controller()`, `@Get('events')`, `@Header`, `@Req()` and `@Res()` say.
  Controller()(Events)
  Get('events')(Events.prototype, 'listen', method)
  Header('X-Own', 'yes')(Events.prototype, 'listen', method)
  Req()(Events.prototype, 'listen', 0)
  Res()(Events.prototype, 'listen', 1)
  class Root {}
  Module({ controllers: [Events] })(Root)
  const app = await NestFactory.create<NestExpressApplication>(Root, { logger: false, forceCloseConnections: true })
  app.enableCors({ origin: 'https://app.example', credentials: true })
  app.use(compression({ threshold: 0 }), session({ secret: 'a', resave: false, saveUninitialized: true }))
  app.useGlobalFilters({
    catch: (_error: unknown, host: ArgumentsHost) =>
      void host.switchToHttp().getResponse<express.Response>().status(418).send('teapot'),
  })
  await app.listen(0, '127.0.0.1')
  onTestFinished(() => app.close())
  return app.getUrl()
}

const applications: Readonly<Record<string, Application>> = {
  'Express 4': onExpress(express4),
  'Express 5': onExpress(express),
  'Fastify 5': onFastify,
  'Hono on Node.js': onHono,
  'NestJS 12 on Express': onNest,
}

describe.each(Object.entries(applications))('%s', (_name, start) => {
  tryApplication(async () => {
    const hub = openHub()
    let left = 0
    const url = await start(hub, {
      closed: () => {
        left++
      },
    })
    return {
      url,
      publish: (topic, data, type) => hub.publish(topic, data, { type }),
      state: async () => ({
        subscribers: hub.subscribers('news'),
        left,
        heldBytes: (await hub.onLog()).status.heldBytes,
      }),
      close: () => hub.close(),
    }
  })

  it('hears in gzip if its route says so and it asks, each event at once, whatever else compresses', async () => {
    const ann = { 'x-user': 'ann', origin: 'https://app.example', 'accept-encoding': 'gzip, br' }
    const hub = openHub()
    const url = await start(hub, { closed: () => undefined, coding: 'gzip' })
    const reading = await read(`${url}/events`, ann)
    const plain = await read(`${url}/events`, { ...ann, 'accept-encoding': 'identity' })
    expect(Object.fromEntries(reading.response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'content-encoding': 'gzip',
      vary: expect.stringMatching(/\bAccept-Encoding\b/i),
      'access-control-allow-origin': 'https://app.example',
      'x-own': 'yes',
    })
    expect(reading.response.headers.get('vary')).toMatch(/\bOrigin\b/)
    expect(plain.response.headers.has('content-encoding')).toBe(false)
    expect(plain.response.headers.get('vary')).toMatch(/\bAccept-Encoding\b/i)
    for (const stream of [reading, plain]) expect(await stream.until('$cursor')).toMatch(/^retry: \d+\n/)
    for (const data of ['짧은 소식 🎉', '긴 소식, the order was shipped; '.repeat(30)]) {
      const id = await hub.publish('news', data)
      for (const stream of [reading, plain]) {
        expect(await stream.until(data)).toContain(`id: ${id}\ntopic: news\ndata: ${data}\n`)
      }
    }
    expect((await hub.onLog()).status.encodings).toEqual({
      'event-stream+topic+gzip': { live: 1, catchingUp: 0 },
      'event-stream+topic': { live: 1, catchingUp: 0 },
    })
  })
})

describe('Hono on Node.js, when the hub cuts off who stands still', () => {
  it('is told in one line, as of one who has left', async () => {
    const info = vi.spyOn(console, 'info').mockReturnValue()
    const error = vi.spyOn(console, 'error').mockReturnValue()
    onTestFinished(() => void vi.restoreAllMocks())
    const hub = openHub({ stallMs: 100 })
    const events = hub.fetchHandler({ topics: ['news'] })
    const url = await serve(getRequestListener(new Hono().get('/', c => events(c.req.raw)).fetch))
    const { hostname, port } = new URL(url)
    const socket = connectTo({ host: hostname, port: Number(port) })
    onTestFinished(() => void socket.destroy())
    socket.pause().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await vi.waitFor(() => expect(hub.subscribers('news')).toBe(1))
    const data = 'x'.repeat(200_000)
    await vi.waitFor(
      async () => {
        await hub.publish('news', data)
        expect(hub.subscribers('news')).toBe(0)
      },
      { timeout: 10_000, interval: 5 },
    )
    await vi.waitFor(() => expect(info).toHaveBeenCalledTimes(1))
    expect(error).not.toHaveBeenCalled()
    const cut = once(socket, 'close')
    socket.on('error', () => undefined).resume()
    await cut
  })
})

describe('Fastify', () => {
  it('gives a stream its socket, and the place back whose answer a hook refuses', async () => {
    const hub = openHub({ maxStreams: 1 })
    const app = fastify()
    onTestFinished(() => app.close())
    app.addHook('onSend', async request => {
      if (request.headers['x-refused']) throw new Error('no')
    })
    app.get('/events', hub.fastifyHandler({ topics: ['news'] }))
    app.addHook('preClose', () => hub.close())
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const refused = await fetch(`${url}/events`, { headers: { 'x-refused': '1' } })
    expect([refused.status, await refused.json()]).toMatchObject([500, { message: 'no' }])
    const reading = await read(`${url}/events`)
    expect(await reading.until('$cursor')).toMatch(/^retry: /)
    expect(reading.response.headers.get('transfer-encoding')).toBeNull()
    expect((await fetch(`${url}/events`, { method: 'HEAD' })).headers.get('content-type')).toBe('text/event-stream')
    // It forces no connection: it ends because the hub ends its streams.
    const closed = app.close()
    expect(await reading.ended()).toMatch(/retry: \d+\n$/)
    await closed
  })
})

describe('node:http', () => {
  it('takes the handler as its listener, and ends a topic with 204', async () => {
    const hub = openHub()
    const url = await serve(hub.handler({ topics: ['build'] }))
    const reading = await read(url)
    await reading.until('$cursor')
    expect(reading.response.headers.get('transfer-encoding')).toBeNull()
    const id = await hub.publish('build', 'done', { end: true })
    expect(await reading.ended()).toMatch(/data: done\n\nid: \S+\nevent: \$end\ndata: {}\n\n$/)
    expect((await fetch(url, { headers: { 'last-event-id': id } })).status).toBe(204)
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const posted = await fetch(url, { method: 'POST', body: 'x' })
    expect([posted.status, posted.headers.get('allow'), await posted.json()]).toMatchObject([
      405,
      'GET, HEAD',
      { code: 'method-not-allowed' },
    ])
  })

  it('answers what the application throws without its text, and reports it', async () => {
    const report = vi.fn()
    const hub = openHub({ report })
    const url = await serve(hub.handler({ topics: () => Promise.reject(new Error('secret')) }))
    const failed = await fetch(url)
    expect(failed.status).toBe(500)
    expect(await failed.text()).not.toContain('secret')
    expect(report).toHaveBeenCalledWith(expect.any(String), expect.objectContaining({ message: 'secret' }))
  })

  it('refuses a way to compress that it does not know', () => {
    const compression = 'br' as 'gzip'
    expect(() => openHub().handler({ topics: ['news'], compression })).toThrow('one of off, gzip')
  })

  it('opens no more streams than there may be, and takes one again when one is left', async () => {
    const hub = openHub({ maxStreams: 1 })
    const url = await serve(hub.handler({ topics: ['news'] }))
    const first = await read(url)
    await first.until('$cursor')
    expect(await (await read(url)).ended()).toContain(': overloaded')
    first.leave()
    await vi.waitFor(() => expect(hub.subscribers('news')).toBe(0))
    await (await read(url)).until('$cursor')
  })

  it('conflates and begins as the route says, unless the client says otherwise', async () => {
    const hub = openHub()
    const url = await serve(hub.handler({ topics: ['stocks'], since: 'latest', conflateMs: 10 }))
    for (const price of ['1', '2']) await hub.publish('stocks', price, { key: 'AAPL' })
    expect(await (await read(url)).until('data: 2')).not.toContain('data: 1')
    expect(await (await read(`${url}?since=earliest`)).until('data: 2')).toContain('data: 2')
  })

  it('lets the server close once the hub has', async () => {
    const hub = openHub()
    const server = createServer(hub.handler({ topics: ['news'] }))
    const reading = await read(await listen(server))
    await reading.until('$cursor')
    const closed = once(server, 'close')
    server.close()
    await hub.close()
    await closed
    await reading.ended()
  })
})

describe('node:http2', () => {
  it('takes the handler as its listener: one connection, several streams', async () => {
    const hub = openHub()
    const server = createHttp2Server(hub.handler({ topics: request => [String(request.url).slice(1)] }))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    onTestFinished(async () => {
      client.destroy()
      await new Promise(resolve => server.close(resolve))
    })
    const streams = ['a', 'b'].map(topic => {
      const stream = client.request({ ':path': `/${topic}` })
      const heard = { stream, text: '', status: 0 }
      stream.on('response', headers => {
        heard.status = headers[':status'] ?? 0
      })
      stream.setEncoding('utf8').on('data', text => {
        heard.text += text
      })
      return heard
    })
    await vi.waitFor(() => expect(streams.map(({ text }) => text.includes('$cursor'))).toEqual([true, true]))
    await hub.publish('a', 'Hello')
    await vi.waitFor(() => expect(streams[0]?.text).toContain('data: Hello'))
    expect(streams.map(({ status }) => status)).toEqual([200, 200])
    expect(streams[1]?.text).not.toContain('Hello')
    streams[1]?.stream.close()
    await vi.waitFor(() => expect(hub.subscribers('b')).toBe(0))
    const ended = streams[0] && once(streams[0].stream, 'end')
    await hub.close()
    await ended
  })
})
