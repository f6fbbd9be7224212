import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Certificate } from '../../src/http/certificate.js'
import { makeCertificate, openssl } from '../support/certificate.js'
import { type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

const patience = { timeout: 20_000, interval: 20 }

describe.skipIf(!openssl)('over TLS', () => {
  let certificate: Certificate
  let hub: HubOnHttp
  const opened: RawConnection[] = []
  beforeAll(async () => {
    certificate = await makeCertificate()
  })
  beforeEach(async () => {
    hub = await startHub({ certificate, settings: { limits: { headersTimeoutMs: 400 } }, hub: { stallMs: 0 } })
  })
  afterEach(async () => {
    for (const connection of opened.splice(0)) connection.destroy()
    await hub.close()
  })

  function open(bytes: string | Uint8Array = '', options: { readonly allowHalfOpen?: boolean } = {}): RawConnection {
    const connection = new RawConnection(hub.port, { isEncrypted: true, ...options }).write(bytes)
    opened.push(connection)
    return connection
  }

  async function listen(target: string, headers: Record<string, string> = {}): Promise<RawConnection> {
    const stream = open(request('GET', target, headers))
    await stream.until(text => text.includes('event: $cursor'))
    return stream
  }

  async function nobodyIsLeft(): Promise<void> {
    await vi.waitFor(async () => {
      const { connections, streams } = await hub.server.status()
      expect({ connections, streams, subscriptions: hub.hub.status.subscriptions }).toEqual({
        ...{ connections: 0, streams: 0, subscriptions: 0 },
      })
    }, patience)
  }

  test('what is published is heard, and a cursor resumes', async () => {
    expect(hub.url).toBe(`https://127.0.0.1:${hub.port}`)
    const stream = await listen('/events/a')
    const publish = async (data: string) => open(request('POST', '/events/a', {}, data)).answer()
    const { status, body } = await publish('one')
    expect(status).toBe(200)
    const { id }: { id: string } = JSON.parse(body)
    expect(await stream.until(text => text.includes('data: one'))).toContain(`id: ${id}\ndata: one\n\n`)
    stream.destroy()
    await publish('two')
    const resumed = await listen('/events/a', { 'Last-Event-ID': id })
    const text = await resumed.until(received => received.includes('data: two'))
    expect(text).not.toContain('data: one')
  })

  test('a page of the hub itself is its own, and one of plain HTTP is not', async () => {
    const publish = async (origin: string) =>
      (await open(request('POST', '/events/a', { Host: `localhost:${hub.port}`, Origin: origin }, 'x')).answer()).status
    expect(await publish(`https://localhost:${hub.port}`)).toBe(200)
    expect(await publish(`http://localhost:${hub.port}`)).toBe(403)
    hub.server.reconfigure({ ...hub.server.settings, allowedOrigins: ['https://app.example'] })
    expect(await publish(`https://localhost:${hub.port}`)).toBe(200)
  })

  test('who closes its side after its request is answered, and who leaves a stream has left', async () => {
    const asking = open('', { allowHalfOpen: true })
    asking.socket.end(request('GET', '/healthz'))
    expect((await asking.answer()).status).toBe(200)
    const stream = await listen('/events/a')
    stream.socket.end()
    await stream.closed()
    for (const connection of opened) connection.destroy()
    await nobodyIsLeft()
  })

  test('a reader that stands still is given no more, and has all when it reads on', async () => {
    const stream = await listen('/events/a')
    stream.socket.pause()
    const data = 'x'.repeat(100_000)
    let count = 0
    await vi.waitFor(async () => {
      for (let i = 0; i < 20; i++) await hub.hub.publish([{ topic: 'a', data: `${count++} ${data}` }])
      expect(hub.hub.status.heldBytes).toBeGreaterThan(0)
    }, patience)
    for (let i = 0; i < 20; i++) await hub.hub.publish([{ topic: 'a', data: `${count++} ${data}` }])
    expect(hub.hub.status).toMatchObject({ catchingUp: 1, subscriptions: 1 })
    stream.socket.resume()
    const last = `data: ${count - 1} `
    await vi.waitFor(
      () => expect(stream.received.includes(last, stream.received.length - 200_000)).toBe(true),
      patience,
    )
    const heard = [...stream.text.matchAll(/^data: (\d+) x+$/gm)].map(([, number]) => Number(number))
    expect(heard).toEqual(Array.from({ length: count }, (_, i) => i))
    await vi.waitFor(() => expect(hub.hub.status).toMatchObject({ catchingUp: 0, heldBytes: 0 }), patience)
  })

  test('a reader that takes nothing any more is cut off', async () => {
    await hub.close()
    hub = await startHub({ certificate, hub: { stallMs: 200 } })
    const stream = await listen('/events/a')
    stream.socket.pause()
    const data = 'x'.repeat(200_000)
    await vi.waitFor(async () => {
      for (let i = 0; i < 20; i++) await hub.hub.publish([{ topic: 'a', data }])
      expect(hub.hub.status.subscriptions).toBe(0)
    }, patience)
  })

  test('those who come and leave leave nothing behind', async () => {
    for (let round = 0; round < 2; round++) {
      const streams = await Promise.all(Array.from({ length: 50 }, () => listen('/events/a')))
      await hub.hub.publish([{ topic: 'a', data: `round ${round}` }])
      for (const [i, stream] of streams.entries()) {
        await stream.until(text => text.includes(`round ${round}`))
        if (i % 2 === 0) stream.socket.end()
        else stream.destroy()
      }
      await nobodyIsLeft()
    }
    expect(hub.reports).toEqual([])
  })

  test('a drain lets out what is due, asks readers to come back, and waits for nobody who has said nothing', async () => {
    const stream = await listen('/events/a')
    const silent = open()
    await once(silent.socket, 'secureConnect')
    const bare = connect(hub.port, '127.0.0.1')
    bare.on('error', () => undefined)
    await vi.waitFor(async () => expect((await hub.server.status()).connections).toBe(3), patience)
    await hub.hub.publish([{ topic: 'a', data: 'last' }])
    expect(await hub.server.drain(60_000)).toEqual({ letGo: 1, destroyed: 0 })
    const text = await stream.closed()
    expect(text).toContain('data: last\n\n')
    expect(text).toMatch(/retry: \d+\n+$/)
    bare.destroy()
  })

  test('whoever speaks plain HTTP is told so, and whatever else is no TLS is cut off', async () => {
    const plain = new RawConnection(hub.port).write(request('GET', '/events/a'))
    const { status, code, body } = await plain.answer()
    expect([status, code]).toEqual([400, 'bad-request'])
    expect(body).toContain('https://')
    await plain.closed()
    const garbage = new RawConnection(hub.port).write('\x16\x03\x01\x00\x05hello, this is no TLS\r\n\r\n')
    await garbage.closed()
    const reset = new RawConnection(hub.port).write(request('GET', '/events/a'))
    reset.socket.once('connect', () => setImmediate(() => reset.socket.resetAndDestroy()))
    await reset.closed()
    await nobodyIsLeft()
    expect(hub.reports).toEqual([])
  })

  test('a handshake takes no longer than a head', async () => {
    const silent = new RawConnection(hub.port)
    expect(await silent.closed()).toBe('')
    await nobodyIsLeft()
  })

  test('what is encrypted and no HTTP is refused as without TLS', async () => {
    const answer = await open('this is no request\r\n\r\n').answer()
    expect([answer.status, answer.code]).toEqual([400, 'bad-request'])
  })

  test('a certificate is renewed for who connects from then on, and a bad one is not', async () => {
    const shown = async (): Promise<string> => {
      const socket: TLSSocket = connectTls({ port: hub.port, host: '127.0.0.1', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const { CN } = socket.getPeerCertificate().subject
      socket.destroy()
      return String(CN)
    }
    const stream = await listen('/events/a')
    const next = await makeCertificate('hub.example')
    expect(await shown()).toBe('localhost')
    hub.server.renew(next)
    expect(await shown()).toBe('hub.example')
    expect(() => hub.server.renew({ cert: next.cert, key: certificate.key })).toThrow('does not belong')
    expect(await shown()).toBe('hub.example')
    await hub.hub.publish([{ topic: 'a', data: 'still here' }])
    await stream.until(text => text.includes('still here'))
  })
})

test('a hub without TLS takes no certificate', async () => {
  const hub = await startHub()
  expect(() => hub.server.renew({ cert: '', key: '' })).toThrow('plain HTTP')
  await hub.close()
})
