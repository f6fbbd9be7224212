import { once } from 'node:events'
import { constants } from 'node:http2'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Http2Client } from './http2-client.js'
import { type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'
import { endHeaders, endStream, frameTypes, preface, RawHttp2, toBlock, toFrame } from './raw-http2.js'

const patience = { timeout: 20_000, interval: 20 }
const settings = toFrame('settings', 0, 0)
const get = toFrame(
  'headers',
  endHeaders | endStream,
  1,
  toBlock({ ':method': 'GET', ':scheme': 'http', ':authority': 'localhost', ':path': '/healthz' }),
)

describe('HTTP/2 on the plain port, by prior knowledge', () => {
  let hub: HubOnHttp
  beforeEach(async () => {
    hub = await startHub({ settings: { limits: { headersTimeoutMs: 1000 } } })
  })
  afterEach(async () => {
    await hub.close()
    expect(hub.reports).toEqual([])
  })

  async function connections(count: number): Promise<void> {
    await vi.waitFor(async () => expect((await hub.server.status()).connections).toBe(count), patience)
  }

  test('what is published is heard, on a connection that outlives the time for a head', async () => {
    const client = new Http2Client(hub.url)
    const stream = await client.listen('/events/a')
    const origin = `http://127.0.0.1:${hub.port}`
    const post = { ':method': 'POST', ':path': '/events/a', ':authority': `127.0.0.1:${hub.port}`, origin }
    expect((await client.ask(post, 'one')).status).toBe(200)
    expect((await client.ask({ ...post, origin: origin.replace('http', 'https') }, 'no')).status).toBe(403)
    await stream.until(text => text.includes('data: one'))
    // One that says nothing is closed when the time is over.
    const silent = new RawConnection(hub.port)
    await silent.closed()
    await hub.hub.publish([{ topic: 'a', data: 'two' }])
    await stream.until(text => text.includes('data: two'))
    expect(await hub.server.status()).toMatchObject({ connections: 1, streams: 1 })
    const closed = once(client.session, 'close')
    expect(await hub.server.drain(60_000)).toEqual({ letGo: 1, destroyed: 0 })
    expect(await stream.closed()).toMatch(/retry: \d+\n+$/)
    await closed
  })

  test('HTTP/1.1 is spoken beside it', async () => {
    const client = new Http2Client(hub.url)
    const stream = await client.listen('/events/a')
    const other = new RawConnection(hub.port).write(request('GET', '/events/a'))
    await other.until(text => text.includes('$cursor'))
    const posted = await new RawConnection(hub.port).write(request('POST', '/events/a', {}, 'to both')).answer()
    expect(posted.status).toBe(200)
    await stream.until(text => text.includes('data: to both'))
    await other.until(text => text.includes('data: to both'))
    client.close()
    other.destroy()
  })

  test('the first bytes may come in any pieces', async () => {
    const all = Buffer.concat([preface, settings, get])
    for (let cut = 1; cut < all.length; cut++) {
      const raw = await RawHttp2.open(hub.port, { isPlain: true, isSilent: true })
      raw.write(all.subarray(0, cut))
      await new Promise(setImmediate)
      raw.write(all.subarray(cut))
      expect(await raw.frame('headers')).toBeDefined()
      raw.socket.destroy()
    }
    const raw = await RawHttp2.open(hub.port, { isPlain: true, isSilent: true })
    for (const byte of all) {
      raw.write(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    expect(await raw.frame('headers')).toBeDefined()
    raw.socket.destroy()
    await connections(0)
  })

  test('what only begins like it is refused in HTTP/1.1', async () => {
    for (const text of [
      'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
      'PRI * HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'PRI /x HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n',
    ]) {
      const answer = await new RawConnection(hub.port).write(text).answer()
      expect([answer.status, answer.code]).toEqual([400, 'bad-request'])
    }
    await connections(0)
  })

  test('it begins a connection, and is refused behind a request', async () => {
    const connection = new RawConnection(hub.port).write(request('GET', '/healthz'))
    await connection.answer()
    connection.write(Buffer.concat([preface, settings, get]))
    expect(await connection.closed()).toMatch(/^HTTP\/1\.1 200[\s\S]*HTTP\/1\.1 400/)
  })

  test('who leaves has left, however', async () => {
    const leaving = [
      (raw: RawHttp2) => raw.socket.destroy(),
      (raw: RawHttp2) => raw.socket.resetAndDestroy(),
      (raw: RawHttp2) => raw.socket.end(),
      (raw: RawHttp2) => raw.write(toFrame('goAway', 0, 0, Buffer.alloc(8))).socket.end(),
    ]
    const events = toBlock({ ':method': 'GET', ':scheme': 'http', ':authority': 'localhost', ':path': '/events/a' })
    for (const leave of leaving) {
      const raw = await RawHttp2.open(hub.port, { isPlain: true })
      raw.write(toFrame('headers', endHeaders | endStream, 1, events))
      await raw.frame('data')
      expect(hub.hub.status.subscriptions).toBe(1)
      leave(raw)
      await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(0), patience)
      await connections(0)
    }
  })

  test('a stream does not keep the head of its request', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const count = 100
    const client = new Http2Client(hub.url)
    const outsideHeap = async (length: number): Promise<number> => {
      for (let i = 0; i < count; i++) {
        const stream = await client.listen('/events/a', { 'x-long': `${i}`.padEnd(length, 'x') })
        await stream.until(text => text.includes('$cursor'))
      }
      await new Promise(setImmediate)
      collect()
      return process.memoryUsage().external
    }
    // Node.js keeps values of headers outside of the heap.
    const short = await outsideHeap(10)
    expect((await outsideHeap(12_000)) - short).toBeLessThan((count * 12_000) / 2)
    client.close()
  })

  // What Node.js counts down for a session it forgets to stop when that ends, and all of the connection with it.
  test('connections that are gone leave nothing behind', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const heapAfter = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) {
        const client = new Http2Client(hub.url)
        await (await client.listen('/events/a')).until(text => text.includes('$cursor'))
        const closed = once(client.session, 'close')
        client.close()
        await closed
      }
      await connections(0)
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = await heapAfter(100)
    expect((await heapAfter(300)) - before).toBeLessThan(300 * 3_000)
  })

  test('it is held to the same rules as over TLS', async () => {
    const raw = await RawHttp2.open(hub.port, { isPlain: true })
    const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL])
    const block = toBlock({ ':method': 'GET', ':scheme': 'http', ':authority': 'localhost', ':path': '/events/a' })
    for (let id = 1; !raw.frames.some(({ type }) => type === frameTypes.goAway) && id < 100_000; id += 2) {
      raw.write(toFrame('headers', endHeaders | endStream, id, block), toFrame('reset', 0, id, cancel))
      if (id % 100 === 1) await new Promise(setImmediate)
    }
    expect(await raw.frame('goAway')).toBeDefined()
    raw.socket.destroy()
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(0), patience)
  })
})
