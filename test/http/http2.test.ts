import { once } from 'node:events'
import { constants } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Certificate } from '../../src/http/certificate.js'
import { makeCertificate, openssl } from '../support/certificate.js'
import { Http2Client, type Http2Listening } from './http2-client.js'
import { type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'
import { endHeaders, getBlock, RawHttp2, toBlock, toFrame } from './raw-http2.js'

const patience = { timeout: 20_000, interval: 20 }
/** What a stream is sent before its reader takes any of it, unless it says otherwise (RFC 9113, 6.9.2). */
const windowBytes = 65_535
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe.skipIf(!openssl)('over HTTP/2', () => {
  let certificate: Certificate
  let hub: HubOnHttp
  let client: Http2Client
  beforeAll(async () => {
    certificate = await makeCertificate()
  })
  afterEach(async () => {
    client.close()
    await hub.close()
    expect(hub.reports).toEqual([])
  })

  async function start(options: Parameters<typeof startHub>[0] = {}): Promise<void> {
    hub = await startHub({ certificate, ...options })
    client = new Http2Client(hub.url)
  }

  async function nobodyIsLeft(): Promise<void> {
    await vi.waitFor(async () => {
      const { streams, longPolls, answerBytes, publishBytes } = await hub.server.status()
      const { subscriptions, heldBytes } = hub.hub.status
      expect({ streams, longPolls, answerBytes, publishBytes, subscriptions, heldBytes }).toEqual({
        ...{ streams: 0, longPolls: 0, answerBytes: 0, publishBytes: 0, subscriptions: 0, heldBytes: 0 },
      })
    }, patience)
  }

  async function connections(): Promise<number> {
    return (await hub.server.status()).connections
  }

  const codeOf = (body: string): string => JSON.parse(body).code

  describe('what is asked for', () => {
    beforeEach(() => start({ assets: new Map([['/page', { type: 'text/plain', body: 'x'.repeat(300_000) }]]) }))

    test('what is published is heard, and a cursor resumes', async () => {
      const stream = await client.listen('/events/a')
      expect(stream.headers).toMatchObject({
        ':status': 200,
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        vary: 'Accept, Origin',
      })
      for (const name of ['connection', 'content-length', 'transfer-encoding', 'keep-alive']) {
        expect(stream.headers).not.toHaveProperty(name)
      }
      expect(await stream.until(text => text.includes('$cursor'))).toMatch(
        /^retry: \d+\nid: \S+\nevent: \$cursor\ndata:\s+$/,
      )
      const { status, body } = await client.publish('a', 'one 하나 🦉')
      expect(status).toBe(200)
      const { id }: { id: string } = JSON.parse(body)
      const one = `id: ${id}\ndata: one 하나 🦉\n\n`
      expect(await stream.until(text => text.includes(one))).toContain(one)
      stream.stream.close(constants.NGHTTP2_CANCEL)
      await client.publish('a', 'two')
      const resumed = await client.listen('/events/a', { 'last-event-id': id })
      const text = await resumed.until(received => received.includes('data: two'))
      expect(text).not.toContain('data: one')
      expect(await hub.server.status()).toMatchObject({ connections: 1, streams: 1 })
    })

    test('streams in gzip hear together what all of them have, and each by itself', async () => {
      hub.server.reconfigure({ ...hub.server.settings, compression: 'gzip' })
      const inGzip = { 'accept-encoding': 'gzip, br' }
      const streams = await Promise.all([1, 2, 3].map(() => client.listen('/events/a', inGzip)))
      const plain = await client.listen('/events/a')
      for (const { headers } of streams) {
        expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept, Accept-Encoding, Origin' })
      }
      expect(plain.headers).not.toHaveProperty('content-encoding')
      let said = ''
      for (let number = 1; number <= 20; number++) {
        const data = `소식 ${number}, which is much like the one before`
        const { id }: { id: string } = JSON.parse((await client.publish('a', data)).body)
        said += `id: ${id}\ndata: ${data}\n\n`
        for (const stream of [...streams, plain]) await stream.until(text => text.endsWith(said))
      }
      const { bytes } = hub.hub.counters.live
      expect(bytes).toBeLessThan(2.5 * Buffer.byteLength(said))
      streams[1]?.stream.close(constants.NGHTTP2_CANCEL)
      await hub.hub.publish([{ topic: 'a', data: 'bye', end: true }])
      for (const stream of [streams[0], streams[2], plain]) {
        expect(await stream?.closed()).toMatch(/data: bye\n\nid: \S+\nevent: \$end\ndata: {}\n\n$/)
        expect(stream?.code).toBe(0)
      }
    })

    test('150 streams and ordinary requests share a connection', async () => {
      await client.opened()
      expect(client.session.remoteSettings).toMatchObject({ maxConcurrentStreams: 256, enablePush: false })
      const streams = await Promise.all(
        Array.from({ length: 150 }, (_, i) => client.listen(`/events?topic=a&topic=${i}`)),
      )
      expect(await hub.server.status()).toMatchObject({ connections: 1, streams: 150 })
      expect((await client.publish('a', 'to all')).status).toBe(200)
      for (const stream of streams) await stream.until(text => text.includes('data: to all'))
      client.session.close()
      client.session.destroy()
      await nobodyIsLeft()
    })

    test('pages, long polls and NDJSON are given', async () => {
      await client.publish('a', 'one')
      const json = { ':path': '/events/a', accept: 'application/json' }
      const page = await client.ask(json)
      const { events, cursor } = JSON.parse(page.body)
      expect([page.status, events.length, page.headers['content-length']]).toEqual([200, 1, String(page.body.length)])
      const same = await client.ask({ ...json, 'if-none-match': String(page.headers.etag) })
      expect([same.status, same.body, same.headers['content-length']]).toEqual([304, '', undefined])
      const waiting = client.ask({ ...json, ':path': `/events/a?lastEventId=${cursor}&wait=60` })
      const lines = await client.listen('/events/a', { accept: 'application/x-ndjson' })
      await vi.waitFor(async () => expect((await hub.server.status()).longPolls).toBe(1), patience)
      await client.publish('a', 'two')
      expect(JSON.parse((await waiting).body).events).toMatchObject([{ data: 'two' }])
      await lines.until(text => text.includes('"data":"two"'))
    })

    test('who leaves a long poll is not waited for', async () => {
      const left = client.request({ ':path': '/events/a?wait=60&since=now', accept: 'application/json' })
      await vi.waitFor(async () => expect((await hub.server.status()).longPolls).toBe(1), patience)
      left.close(constants.NGHTTP2_CANCEL)
      await nobodyIsLeft()
    })

    test('files are served, to HEAD without a body, and only a stream has no length', async () => {
      const page = await client.ask({ ':path': '/page' })
      expect([page.status, page.body.length, page.headers['content-length']]).toEqual([200, 300_000, '300000'])
      const head = await client.ask({ ':method': 'HEAD', ':path': '/page' })
      expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '300000'])
      const stream = await client.ask({ ':method': 'HEAD', ':path': '/events/a' })
      expect(stream.headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream' })
      expect(stream.headers).not.toHaveProperty('content-length')
      expect(stream.headers).not.toHaveProperty('connection')
      await nobodyIsLeft()
    })

    test('bodies of lines are read as they come, and others whole', async () => {
      const post = { ':method': 'POST', ':path': '/events' }
      const upload = client.request({ ...post, 'content-type': 'application/x-ndjson' })
      const stream = await client.listen('/events/a')
      upload.write('{"topic":"a","data":"first"}\n')
      await stream.until(text => text.includes('data: first'))
      const line = `${JSON.stringify({ topic: 'a', data: 'x'.repeat(1000) })}\n`
      for (let i = 0; i < 2000; i++) if (!upload.write(line)) await once(upload, 'drain')
      upload.end()
      const [headers] = await once(upload, 'response')
      expect(headers[':status']).toBe(200)
      let body = ''
      for await (const chunk of upload) body += chunk
      expect(JSON.parse(body)).toMatchObject({ accepted: 2001 })
      const json = await client.ask({ ...post, 'content-type': 'application/json' }, '[{"topic":"b","data":{"a":1}}]')
      expect([json.status, JSON.parse(json.body).ids.length]).toEqual([200, 1])
    })

    test('what is wrong is answered with a problem document', async () => {
      const asked = async (headers: Record<string, string>, body?: string) => {
        const answer = await client.ask(headers, body)
        return [answer.status, answer.headers['content-type'], codeOf(answer.body)]
      }
      const problem = 'application/problem+json'
      expect(await asked({ ':path': '/nowhere' })).toEqual([404, problem, 'not-found'])
      expect(await asked({ ':path': '/events/a?wrong=1' })).toEqual([400, problem, 'unknown-parameter'])
      expect(await asked({ ':path': '/events/a', accept: 'image/png' })).toEqual([406, problem, 'not-acceptable'])
      expect(await asked({ ':path': '/events/a', ':method': 'PUT' }, 'x')).toEqual([405, problem, 'method-not-allowed'])
      const large = 'x'.repeat(300_000)
      const text = { ':method': 'POST', ':path': '/events/a', 'content-type': 'text/plain' }
      expect(await asked(text, large)).toEqual([413, problem, 'too-large'])
      expect(await asked({ ...text, 'content-length': '300000' }, large)).toEqual([413, problem, 'too-large'])
      expect(await asked({ ':path': `/${'x'.repeat(17_000)}` })).toEqual([414, problem, 'uri-too-long'])
      expect(await asked({ ':path': '/healthz', 'x-long': 'x'.repeat(17_000) })).toEqual([
        431,
        problem,
        'headers-too-large',
      ])
      const many = Object.fromEntries(Array.from({ length: 110 }, (_, i) => [`x-${i}`, '1']))
      expect(await asked({ ':path': '/healthz', ...many })).toEqual([431, problem, 'headers-too-large'])
      await nobodyIsLeft()
    })

    test('a body is asked for where its client waits for that', async () => {
      const upload = client.request({ ':method': 'POST', ':path': '/events/a', expect: '100-continue' })
      await once(upload, 'continue')
      upload.end('x')
      const [headers] = await once(upload, 'response')
      expect(headers[':status']).toBe(200)
      const refused = client.request({ ':method': 'POST', ':path': '/nowhere', expect: '100-continue' })
      refused.once('continue', () => expect.unreachable())
      expect((await once(refused, 'response'))[0][':status']).toBe(404)
    })

    test('who resets an upload has published nothing of it', async () => {
      const raw = await RawHttp2.open(hub.port)
      const post = toBlock({ ':method': 'POST', ':scheme': 'https', ':authority': 'localhost', ':path': '/events/a' })
      for (const [i, code] of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR].entries()) {
        const id = 2 * i + 1
        raw.write(toFrame('headers', endHeaders, id, post), toFrame('data', 0, id, Buffer.from('half of it')))
        await vi.waitFor(async () => expect((await hub.server.status()).publishBytes).toBeGreaterThan(0), patience)
        raw.write(toFrame('reset', 0, id, Buffer.from([0, 0, 0, code])))
        await nobodyIsLeft()
      }
      raw.socket.destroy()
      const page = await client.ask({ ':path': '/events/a', accept: 'application/json' })
      expect(JSON.parse(page.body).events).toEqual([])
    })

    test('a client that speaks HTTP/1.1 is answered in it beside', async () => {
      const stream = await client.listen('/events/a')
      for (const protocols of [['http/1.1'], undefined]) {
        const socket: TLSSocket = connectTls({
          ...{ port: hub.port, host: '127.0.0.1', rejectUnauthorized: false },
          ...(protocols && { ALPNProtocols: protocols }),
        })
        await once(socket, 'secureConnect')
        expect(socket.alpnProtocol).toBe(protocols ? 'http/1.1' : false)
        socket.end(request('POST', '/events/a', {}, `by ${protocols}`))
        const [answer] = await once(socket, 'data')
        expect(String(answer)).toContain('HTTP/1.1 200 OK')
        await stream.until(text => text.includes(`data: by ${protocols}`))
        socket.destroy()
      }
    })
  })

  describe('who may do what', () => {
    const text = { ':method': 'POST', ':path': '/events/a', 'content-type': 'text/plain' }

    test('a Host by which the hub is not called is refused', async () => {
      await start()
      for (const authority of ['evil.example', 'evil.example:443', '127.0.0.1.evil.example']) {
        const answer = await client.ask({ ':path': '/events/a', ':authority': authority })
        expect([answer.status, codeOf(answer.body)]).toEqual([403, 'host-not-allowed'])
      }
      const hidden = await client.ask({ ':path': '/healthz', ':authority': 'localhost', host: 'evil.example' })
      expect([hidden.status, codeOf(hidden.body)]).toEqual([400, 'bad-request'])
      expect((await client.ask({ ':path': '/healthz', ':authority': 'localhost', host: 'localhost' })).status).toBe(200)
    })

    test('a page of the hub itself is its own, a listed one is trusted, and another hears what is public', async () => {
      await start({ settings: { allowedOrigins: ['https://app.example'], publicTopics: ['open/**'] } })
      const publish = async (origin: string) => {
        const { status, headers } = await client.ask({ ...text, ':authority': `localhost:${hub.port}`, origin }, 'x')
        return [status, headers['access-control-allow-origin']]
      }
      expect(await publish(`https://localhost:${hub.port}`)).toEqual([200, undefined])
      expect(await publish(`http://localhost:${hub.port}`)).toEqual([403, undefined])
      expect(await publish('https://app.example')).toEqual([200, 'https://app.example'])
      expect(await publish('https://evil.example')).toEqual([403, undefined])
      const foreign = { origin: 'https://evil.example' }
      const open = await client.listen('/events/open/a', foreign)
      expect(open.headers).toMatchObject({ ':status': 200, 'access-control-allow-origin': '*' })
      expect((await client.listen('/events/a', foreign)).headers[':status']).toBe(403)
      const preflight = await client.ask({
        ...{ ':method': 'OPTIONS', ':path': '/events/a', origin: 'https://app.example' },
        'access-control-request-method': 'POST',
      })
      expect(preflight.headers).toMatchObject({ ':status': 204, 'access-control-allow-origin': 'https://app.example' })
    })

    test('who may not hear any more is ended, and the others of the connection go on', async () => {
      await start({ settings: { publicTopics: ['a'], allowedOrigins: ['https://app.example'] } })
      const foreign = await client.listen('/events/a', { origin: 'https://evil.example' })
      const listed = await client.listen('/events/a', { origin: 'https://app.example' })
      const direct = await client.listen('/events/a')
      hub.server.reconfigure({ ...hub.server.settings, publicTopics: [], allowedOrigins: [] })
      await foreign.closed()
      await listed.closed()
      expect([foreign.code, listed.code]).toEqual([0, 0])
      await client.publish('a', 'still here')
      await direct.until(received => received.includes('still here'))
    })
  })

  describe('readers that are slow', () => {
    async function publishUntil(isIt: () => boolean, from = 0): Promise<number> {
      const data = 'x'.repeat(20_000)
      let count = from
      await vi.waitFor(async () => {
        for (let i = 0; i < 10; i++) await hub.hub.publish([{ topic: 'a', data: `${count++} ${data}` }])
        expect(isIt()).toBe(true)
      }, patience)
      return count
    }

    const heard = ({ text }: Http2Listening) =>
      [...text.matchAll(/^data: (\d+) x+$/gm)].map(([, number]) => Number(number))

    test('one whose window is closed is given no more, holds up nobody, and has all when it reads on', async () => {
      await start({ hub: { stallMs: 0 } })
      const stalled = await client.listen('/events/a')
      stalled.stream.pause()
      const lively = await client.listen('/events/a')
      let count = await publishUntil(() => hub.hub.status.catchingUp > 0)
      count = await publishUntil(() => true, count)
      await vi.waitFor(() => expect(hub.hub.status).toMatchObject({ catchingUp: 1, subscriptions: 2 }), patience)
      // Far more than a stream is given at once: nothing of it may wait for the reader anywhere but in the log.
      for (let i = 0; i < 40; i++) count = await publishUntil(() => true, count)
      const all = Array.from({ length: count }, (_, i) => i)
      await vi.waitFor(() => expect(heard(lively)).toEqual(all), patience)
      await vi.waitFor(() => expect(hub.hub.status.catchingUp).toBe(1), patience)
      expect(hub.hub.status.heldBytes).toBeLessThan(300_000)
      expect((await client.ask({ ':path': '/healthz' })).status).toBe(200)
      stalled.stream.resume()
      await vi.waitFor(() => expect(heard(stalled)).toEqual(all), patience)
      await vi.waitFor(() => expect(hub.hub.status).toMatchObject({ catchingUp: 0, heldBytes: 0 }), patience)
    })

    test('one that takes nothing any more is reset, and the others of its connection go on', async () => {
      await start({ hub: { stallMs: 300 } })
      const stalled = await client.listen('/events/a')
      stalled.stream.pause()
      const lively = await client.listen('/events/a')
      const count = await publishUntil(() => hub.hub.status.subscriptions === 1)
      await lively.until(text => text.includes(`data: ${count - 1} `))
      stalled.stream.resume()
      await stalled.closed()
      expect(stalled.code).toBe(constants.NGHTTP2_CANCEL)
      expect(await hub.server.status()).toMatchObject({ connections: 1, streams: 1 })
    })

    test('one that takes a large event slowly is not cut off', async () => {
      const stallMs = 2000
      const size = 250_000
      await start({ hub: { stallMs } })
      const slow = await client.listen('/events/a')
      await slow.until(text => text.includes('$cursor'))
      slow.stream.pause()
      // The time in which the hub looks whether it took something is given here: a busy machine may be slower than any reader.
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      try {
        await hub.hub.publish([{ topic: 'a', data: 'y'.repeat(size) }])
        let taken = 0
        let looks = 0
        while (taken < size) {
          // Half of a window: a reader says so seldom that it has room again.
          const due = Math.min(windowBytes / 2, size - taken)
          while (slow.code === undefined && slow.stream.readableLength < due) await turn()
          await turn()
          vi.advanceTimersByTime(stallMs)
          looks++
          expect(slow.code).toBeUndefined()
          const chunk: Buffer | null = slow.stream.read()
          taken += chunk?.length ?? 0
        }
        expect(looks).toBeGreaterThan(3)
      } finally {
        vi.useRealTimers()
      }
      slow.stream.resume()
      await client.publish('a', 'still here')
      expect(await slow.until(text => text.includes('still here'))).toContain('data: still here')
    })

    test('the reader of an answer that takes none of it is cut off', async () => {
      await start({ settings: { limits: { writeTimeoutMs: 200 } } })
      await hub.hub.publish(Array.from({ length: 10 }, () => ({ topic: 'a', data: 'x'.repeat(100_000) })))
      const page = client.request({ ':path': '/events/a', accept: 'application/json' })
      await once(page, 'response')
      expect((await hub.server.status()).answerBytes).toBeGreaterThan(1_000_000)
      await nobodyIsLeft()
      expect((await client.ask({ ':path': '/healthz' })).status).toBe(200)
    })
  })

  describe('who leaves', () => {
    beforeEach(() => start())

    test.each([
      ['resets the stream', (stream: Http2Listening) => stream.stream.close(constants.NGHTTP2_CANCEL)],
      ['resets it without an error', (stream: Http2Listening) => stream.stream.close(constants.NGHTTP2_NO_ERROR)],
      ['resets it as broken', (stream: Http2Listening) => stream.stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
      ['destroys the connection', () => client.session.destroy()],
      ['closes its side', () => client.session.socket.destroySoon()],
    ])('has left: %s', async (_, leave) => {
      for (const isSlow of [false, true]) {
        if (client.session.destroyed) client = new Http2Client(hub.url)
        const stream = await client.listen('/events/a')
        if (isSlow) {
          stream.stream.pause()
          await vi.waitFor(async () => {
            await hub.hub.publish([{ topic: 'a', data: 'x'.repeat(200_000) }])
            expect(hub.hub.status.heldBytes).toBeGreaterThan(0)
          }, patience)
        }
        leave(stream)
        await nobodyIsLeft()
      }
    })

    test('and comes back many times, leaves nothing behind', async () => {
      for (let round = 0; round < 3; round++) {
        const streams = await Promise.all(Array.from({ length: 100 }, () => client.listen('/events/a')))
        await hub.hub.publish([{ topic: 'a', data: `round ${round}` }])
        for (const [i, stream] of streams.entries()) {
          await stream.until(text => text.includes(`round ${round}`))
          stream.stream.close(i % 2 ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR)
        }
        await nobodyIsLeft()
      }
      expect(await connections()).toBe(1)
    })
  })

  describe('the end', () => {
    test('a drain says GOAWAY, lets out what is due, and ends the connection behind it', async () => {
      await start()
      const streams = await Promise.all([client.listen('/events/a'), client.listen('/events/a')])
      const waiting = client.ask({ ':path': '/events/b?wait=60&since=now', accept: 'application/json' })
      await vi.waitFor(async () => expect((await hub.server.status()).longPolls).toBe(1), patience)
      const idle = new Http2Client(hub.url)
      await idle.opened()
      let goAway: number | undefined
      client.session.on('goaway', code => {
        goAway = code
      })
      const closed = once(client.session, 'close')
      await hub.hub.publish([{ topic: 'a', data: 'last' }])
      expect(await hub.server.drain(60_000)).toEqual({ letGo: 3, destroyed: 0 })
      for (const stream of streams) {
        expect(await stream.closed()).toMatch(/data: last\n\nretry: \d+\n+$/)
        expect(stream.code).toBe(0)
      }
      expect((await waiting).status).toBe(200)
      expect(goAway).toBe(constants.NGHTTP2_NO_ERROR)
      await closed
      idle.close()
    })

    test('a drain waits for no peer that does not close its side', async () => {
      await start()
      const stalled = await client.listen('/events/a')
      stalled.stream.pause()
      await vi.waitFor(async () => {
        await hub.hub.publish([{ topic: 'a', data: 'x'.repeat(200_000) }])
        expect(hub.hub.status.heldBytes).toBeGreaterThan(0)
      }, patience)
      expect(await hub.server.drain(300)).toEqual({ letGo: 0, destroyed: 1 })
      expect(await connections()).toBe(0)
    })

    test('close ends all at once', async () => {
      await start()
      const stream = await client.listen('/events/a')
      const waiting = client.ask({ ':path': '/events/b?wait=60&since=now', accept: 'application/json' })
      waiting.catch(() => undefined)
      await vi.waitFor(async () => expect((await hub.server.status()).longPolls).toBe(1), patience)
      await hub.server.close()
      await stream.closed()
      await expect(waiting).rejects.toThrow()
    })

    test('a connection without requests is closed, one with a silent stream is not', async () => {
      await start({ settings: { limits: { keepAliveTimeoutMs: 1000 } } })
      const stream = await client.listen('/events/a')
      const idle = new Http2Client(hub.url)
      await idle.opened()
      await once(idle.session, 'close')
      await hub.hub.publish([{ topic: 'a', data: 'still here' }])
      await stream.until(text => text.includes('still here'))
      stream.stream.close(constants.NGHTTP2_CANCEL)
      await once(client.session, 'close')
      await vi.waitFor(async () => expect(await connections()).toBe(0), patience)
    })

    test('a renewed certificate is shown to who comes, and who is there stays', async () => {
      await start()
      const stream = await client.listen('/events/a')
      hub.server.renew(await makeCertificate('hub.example'))
      const next = new Http2Client(hub.url)
      await next.opened()
      expect((next.session.socket as TLSSocket).getPeerCertificate().subject.CN).toBe('hub.example')
      next.close()
      await client.publish('a', 'still here')
      await stream.until(text => text.includes('still here'))
    })
  })

  test('streams above the limit are told to come back, by whichever protocol they come', async () => {
    await start({ settings: { limits: { maxStreams: 2 } } })
    const first = await client.listen('/events/a')
    const other = new RawConnection(hub.port, { isEncrypted: true }).write(request('GET', '/events/a'))
    await other.until(text => text.includes('$cursor'))
    const refused = await client.listen('/events/a')
    expect(refused.headers[':status']).toBe(200)
    expect(await refused.closed()).toMatch(/^: overloaded: .*\nretry: \d+\n\n|^retry: \d+\n: overloaded/)
    const lines = await client.listen('/events/a', { accept: 'application/x-ndjson' })
    expect(lines.headers[':status']).toBe(503)
    expect((await client.ask({ ':path': '/healthz' })).status).toBe(200)
    first.stream.close(constants.NGHTTP2_CANCEL)
    await vi.waitFor(async () => expect((await hub.server.status()).streams).toBe(1), patience)
    const next = await client.listen('/events/a')
    await next.until(text => text.includes('$cursor'))
    other.destroy()
  })

  test('a topic that has ended is answered 204', async () => {
    await start()
    const [id = ''] = await hub.hub.publish([{ topic: 'a', data: 'bye', end: true }])
    const stream = await client.listen('/events/a?since=earliest')
    expect(await stream.closed()).toMatch(/event: \$cursor[\s\S]*data: bye[\s\S]*event: \$end/)
    expect(stream.code).toBe(0)
    const again = await client.listen('/events/a', { 'last-event-id': id })
    expect(again.headers[':status']).toBe(204)
    expect(again.headers).not.toHaveProperty('content-length')
  })

  test('who asks for a stream, and never ends its request, keeps none when it was answered', async () => {
    await start()
    const [id = ''] = await hub.hub.publish([{ topic: 'a', data: 'bye', end: true }])
    const raw = await RawHttp2.open(hub.port)
    const asked = [getBlock('/events/a', { 'last-event-id': id }), getBlock('/events/a?wrong=1')]
    asked.forEach((block, i) => void raw.write(toFrame('headers', endHeaders, 2 * i + 1, block)))
    for (const i of asked.keys()) expect(await raw.frame('headers', ({ stream }) => stream === 2 * i + 1)).toBeDefined()
    await nobodyIsLeft()
    expect(raw.isClosed).toBe(false)
    raw.socket.destroy()
  })
})
