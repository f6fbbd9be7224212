import { constants } from 'node:http2'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Certificate } from '../../src/http/certificate.js'
import { makeCertificate, openssl } from '../support/certificate.js'
import { Http2Client, type Http2Listening } from './http2-client.js'
import { type HubOnHttp, RawConnection, startHub } from './hub-on-http.js'
import {
  acknowledges,
  endHeaders,
  endStream,
  type Frame,
  frameTypes,
  getBlock,
  preface,
  RawHttp2,
  toBlock,
  toFrame,
} from './raw-http2.js'

const patience = { timeout: 20_000, interval: 20 }
const events = getBlock('/events/a', { accept: 'text/event-stream' })

const codeOf = (frame: Frame | undefined): number | undefined =>
  frame?.payload.readUInt32BE(frame.payload.length === 4 ? 0 : 4)

describe.skipIf(!openssl)('whoever speaks HTTP/2 badly', () => {
  let certificate: Certificate
  let hub: HubOnHttp
  let good: Http2Client
  let hearing: Http2Listening
  let raw: RawHttp2
  beforeAll(async () => {
    certificate = await makeCertificate()
  })
  /** How often a connection is pinged, if it comes from now on. What is not read any more is let go at the second ping. */
  const pingEvery = (keepAliveTimeoutMs: number): void => {
    const { settings } = hub.server
    hub.server.reconfigure({ ...settings, limits: { ...settings.limits, keepAliveTimeoutMs } })
  }
  beforeEach(async () => {
    hub = await startHub({ certificate, settings: { limits: { headersTimeoutMs: 1000 } } })
    good = new Http2Client(hub.url)
    hearing = await good.listen('/events/good')
    pingEvery(1000)
  })
  afterEach(async () => {
    await hub.hub.publish([{ topic: 'good', data: 'still here' }])
    expect(await hearing.until(text => text.includes('still here'))).toContain('data: still here')
    const { status, body } = await good.ask({ ':path': '/events/good', accept: 'application/json' })
    expect([status, JSON.parse(body).events.length]).toEqual([200, 1])
    raw.socket.destroy()
    good.close()
    await vi.waitFor(async () => {
      const { connections, streams } = await hub.server.status()
      expect([connections, streams, hub.hub.status.subscriptions]).toEqual([0, 0, 0])
    }, patience)
    await hub.close()
    expect(hub.reports).toEqual([])
  })

  test('who opens streams and resets them at once, again and again, is closed', async () => {
    raw = await RawHttp2.open(hub.port)
    const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL])
    let id = 1
    const isOver = () => raw.frames.some(({ type }) => type === frameTypes.goAway)
    while (!isOver() && id < 100_000) {
      const pieces: Buffer[] = []
      for (let i = 0; i < 100; i++, id += 2) {
        pieces.push(toFrame('headers', endHeaders | endStream, id, events), toFrame('reset', 0, id, cancel))
      }
      raw.write(...pieces)
      await new Promise(setImmediate)
    }
    const last = (await raw.frame('goAway'))?.payload.readUInt32BE(0)
    expect(last).toBeLessThan(5000)
    await raw.closed()
  })

  test('who asks for what it does not take is closed', async () => {
    for (const frame of [toFrame('ping', 0, 0, Buffer.alloc(8)), toFrame('settings', 0, 0)]) {
      raw = await RawHttp2.open(hub.port)
      raw.socket.pause()
      const many = Buffer.concat(Array.from({ length: 2000 }, () => frame))
      const before = process.memoryUsage().rss
      let sent = 0
      while (!raw.socket.destroyed && raw.socket.writableLength < 8e6 && sent < 1000) {
        raw.write(many)
        sent++
        await new Promise(setImmediate)
      }
      expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
      raw.socket.resume()
      await raw.closed()
    }
  })

  test('headers without end are not read', async () => {
    raw = await RawHttp2.open(hub.port)
    raw.write(toFrame('headers', endStream, 1, events))
    for (let i = 0; i < 10_000 && !raw.isClosed; i++) {
      raw.write(toFrame('continuation', 0, 1, toBlock({ [`x-${i}`]: 'x' })))
      if (i % 100 === 0) await new Promise(setImmediate)
    }
    await raw.closed()
    expect(raw.frames.filter(frame => frame.stream === 1)).toEqual([])
  })

  test('headers beyond all bounds reset their stream alone', async () => {
    raw = await RawHttp2.open(hub.port)
    const long = getBlock('/healthz', { 'x-long': 'x'.repeat(15_000) })
    const more = toBlock({ 'x-more': 'x'.repeat(15_000) })
    raw.write(toFrame('headers', endStream, 1, long))
    raw.write(toFrame('continuation', 0, 1, more), toFrame('continuation', endHeaders, 1, more))
    expect(codeOf(await raw.frame('reset', frame => frame.stream === 1))).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    const many = toBlock(Array.from({ length: 300 }, (_, i) => [`x-${i}`, ''] as const))
    raw.write(toFrame('headers', endHeaders | endStream, 3, Buffer.concat([getBlock('/healthz'), many])))
    expect(codeOf(await raw.frame('reset', frame => frame.stream === 3))).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    raw.write(toFrame('headers', endHeaders | endStream, 5, getBlock('/healthz')))
    expect(await raw.frame('headers', frame => frame.stream === 5)).toBeDefined()
  })

  test('more requests at once than were announced are reset', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => 2 * i + 1)
    const requests = ids.map(id => toFrame('headers', endHeaders | endStream, id, events))
    const ofOthers = (await hub.server.status()).streams
    const streams = async () => (await hub.server.status()).streams - ofOthers
    // This one answers no ping, and must not be taken for gone however long it takes.
    pingEvery(60_000)
    // From a client that has not heard of the limit yet: those alone.
    raw = await RawHttp2.open(hub.port, { isSilent: true })
    raw.write(preface, toFrame('settings', 0, 0), ...requests)
    await vi.waitFor(async () => expect(await streams()).toBe(256), patience)
    const answered = () => ids.filter(id => raw.frames.some(({ stream }) => stream === id))
    await vi.waitFor(() => expect(answered().length).toBe(300), patience)
    expect(await streams()).toBe(256)
    raw.socket.destroy()
    pingEvery(1000)
    // From one that has: it breaks the rules, and its connection is closed.
    raw = await RawHttp2.open(hub.port)
    raw.write(...requests)
    await raw.closed()
  })

  test('what is no HTTP/2 is closed', async () => {
    const pieces = [
      Buffer.from('GET /events/a HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nwhatever this is, it is no frame'),
      Buffer.alloc(100_000, 7),
    ]
    for (const piece of pieces) {
      raw = await RawHttp2.open(hub.port, { isSilent: true })
      raw.write(piece)
      await raw.closed()
    }
    raw = await RawHttp2.open(hub.port)
    // Frames that break a rule: of a stream that was never opened, out of order, of a wrong size, a window beyond all bounds.
    const wrong = [
      toFrame('data', 0, 5, Buffer.from('x')),
      toFrame('continuation', endHeaders, 1, events),
      toFrame('ping', 0, 0, Buffer.alloc(3)),
      toFrame('windowUpdate', 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      toFrame('headers', endHeaders | endStream, 2, events),
      toFrame('headers', endHeaders | endStream, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    ]
    for (const frame of wrong) {
      raw = await RawHttp2.open(hub.port)
      raw.write(frame)
      expect(codeOf(await raw.frame('goAway'))).toBeGreaterThan(0)
      await raw.closed()
    }
  })

  test('a head that HTTP/2 does not allow resets its stream', async () => {
    raw = await RawHttp2.open(hub.port)
    const base = { ':method': 'GET', ':scheme': 'https', ':authority': 'localhost', ':path': '/healthz' }
    const { ':path': _, ...noPath } = base
    const heads = [
      { ...base, connection: 'keep-alive' },
      { ...base, 'transfer-encoding': 'chunked' },
      { ...base, upgrade: 'websocket' },
      { ...base, 'X-Upper': '1' },
      { 'x-first': '1', ...base },
      { ...base, ':path': '' },
      { ...base, ':unknown': '1' },
      noPath,
    ]
    for (const [i, head] of heads.entries()) {
      const id = 2 * i + 1
      raw.write(toFrame('headers', endHeaders | endStream, id, toBlock(head)))
      expect(codeOf(await raw.frame('reset', frame => frame.stream === id))).toBe(constants.NGHTTP2_PROTOCOL_ERROR)
    }
    const connect = toBlock({ ':method': 'CONNECT', ':authority': 'localhost:1' })
    raw.write(toFrame('headers', endHeaders, 101, connect))
    expect(await raw.frame('headers', frame => frame.stream === 101)).toBeDefined()
  })

  test('who says nothing, or never ends what it began, is closed in time', async () => {
    raw = await RawHttp2.open(hub.port, { isSilent: true })
    await raw.closed()
    raw = await RawHttp2.open(hub.port, { isSilent: true })
    raw.write(Buffer.from('PRI * HTTP/2.0\r\n'))
    await raw.closed()
    const silent = new RawConnection(hub.port, { isEncrypted: true })
    await silent.closed()
  })

  test('settings and pings are acknowledged', async () => {
    raw = await RawHttp2.open(hub.port)
    await raw.frame('settings', frame => (frame.flags & acknowledges) > 0)
    raw.write(toFrame('ping', 0, 0, Buffer.from('12345678')))
    expect((await raw.frame('ping'))?.payload.toString()).toBe('12345678')
  })
})
