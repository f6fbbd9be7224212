import { afterEach, describe, expect, test, vi } from 'vitest'
import { fixedLimits, type PartialHttpSettings, resolveHttpSettings } from '../../src/http/settings.js'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

const opened: HubOnHttp[] = []
afterEach(async () => {
  for (const hub of opened.splice(0)) await hub.close()
})

async function open(settings: PartialHttpSettings, options: Parameters<typeof startHub>[0] = {}): Promise<HubOnHttp> {
  const hub = await startHub({ ...options, settings })
  opened.push(hub)
  return hub
}

const change = ({ server }: HubOnHttp, settings: PartialHttpSettings) =>
  server.reconfigure(resolveHttpSettings({ port: 0, ...settings }))

const app = { Origin: 'https://app.example' }
const json = { 'Content-Type': 'application/json' }

function listen(hub: HubOnHttp, target: string, headers: Readonly<Record<string, string>> = {}): RawConnection {
  return new RawConnection(hub.port).write(request('GET', target, headers))
}

async function begun(connection: RawConnection): Promise<RawConnection> {
  await connection.until(text => text.includes('event: $cursor'))
  expect(connection.isClosed).toBe(false)
  return connection
}

async function status(hub: HubOnHttp, target: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const connection = new RawConnection(hub.port).write(request('HEAD', target, headers))
  const head = await connection.until(text => text.includes('\r\n\r\n'))
  connection.destroy()
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
}

describe('reconfigure', () => {
  test('lets in whom the new settings let in, and nobody whom they do not', async () => {
    const hub = await open({ publicTopics: ['clock'] })
    expect(await status(hub, '/events/news', app)).toBe(403)
    expect(await status(hub, '/events/news', { Host: 'hub.example' })).toBe(403)
    change(hub, { allowedOrigins: ['https://app.example'], allowedHosts: ['hub.example'], defaultTopics: ['clock'] })
    expect(await status(hub, '/events/news', app)).toBe(200)
    expect(await status(hub, '/events/news', { Host: 'hub.example' })).toBe(200)
    expect(await status(hub, '/events/clock', { Origin: 'https://other.example' })).toBe(403)
    change(hub, {})
    expect(await status(hub, '/events/news', app)).toBe(403)
  })

  test('compresses what is asked for from then on, and what is open not', async () => {
    const hub = await open({})
    const before = await begun(listen(hub, '/events/news', { 'Accept-Encoding': 'gzip' }))
    change(hub, { compression: 'gzip' })
    const after = listen(hub, '/events/news', { 'Accept-Encoding': 'gzip' })
    await after.until(text => text.includes('\r\n\r\n'))
    expect(after.received).toContain('Content-Encoding: gzip\r\n')
    expect(Object.keys(hub.hub.status.encodings)).toEqual(['event-stream', 'event-stream+gzip'])
    await hub.hub.publish([{ topic: 'news', data: 'x'.repeat(1_000) }])
    await before.until(text => text.includes(`data: ${'x'.repeat(1_000)}\n`))
    change(hub, {})
    const last = await begun(listen(hub, '/events/news', { 'Accept-Encoding': 'gzip' }))
    expect(last.received).not.toContain('Content-Encoding')
  })

  test('ends the streams of pages that may not have them any more, and no others', async () => {
    const hub = await open({ allowedOrigins: ['https://app.example'], publicTopics: ['clock', 'news'] })
    const other = { Origin: 'https://other.example' }
    const listed = await begun(listen(hub, '/events/secret', app))
    const foreign = await begun(listen(hub, '/events/news', other))
    const stillPublic = await begun(listen(hub, '/events/clock', other))
    const listedPublic = await begun(listen(hub, '/events/clock', app))
    const direct = await begun(listen(hub, '/events/secret'))
    const own = await begun(listen(hub, '/events/secret', { Origin: 'http://localhost' }))
    change(hub, { publicTopics: ['clock'] })
    await Promise.all([listed.closed(), foreign.closed()])
    await hub.hub.publish(['secret', 'news', 'clock'].map(topic => ({ topic, data: `of ${topic}` })))
    for (const [connection, topic] of [
      [stillPublic, 'clock'],
      [listedPublic, 'clock'],
      [direct, 'secret'],
      [own, 'secret'],
    ] as const) {
      await connection.until(text => text.includes(`data: of ${topic}`))
      expect(connection.isClosed).toBe(false)
    }
    expect(listed.text + foreign.text).not.toContain('data: of')
    for (const connection of [stillPublic, listedPublic, direct, own]) connection.destroy()
  })

  test('holds for a stream too that was let in before, and began after', async () => {
    let beginNow = (): void => undefined
    const asked = new Promise<void>(resolve => {
      beginNow = resolve
    })
    let isAsked = false
    const hub = await open({ publicTopics: ['news'] })
    const begin = hub.hub.begin.bind(hub.hub)
    hub.hub.begin = async given => {
      isAsked = true
      await asked
      return begin(given)
    }
    const foreign = listen(hub, '/events/news', app)
    await vi.waitFor(() => expect(isAsked).toBe(true))
    change(hub, {})
    beginNow()
    expect((await foreign.answer()).code).toBe('origin-not-allowed')
  })

  test('goes by the new limits', async () => {
    const hub = await open({ limits: { maxEventBytes: 10, maxStreams: 1 } })
    const publish = async (bytes: number) =>
      (await exchange(hub.port, request('POST', '/events/a', {}, 'x'.repeat(bytes)))).status
    const first = await begun(listen(hub, '/events/a'))
    expect([await publish(10), await publish(11)]).toEqual([200, 413])
    change(hub, { limits: { maxEventBytes: 20, maxStreams: 2 } })
    expect([await publish(20), await publish(21)]).toEqual([200, 413])
    const second = await begun(listen(hub, '/events/a'))
    change(hub, { limits: { maxStreams: 1 } })
    const third = listen(hub, '/events/a')
    expect(await third.closed()).toContain(': overloaded:')
    // Those that are there stay.
    expect([first.isClosed, second.isClosed]).toEqual([false, false])
    for (const connection of [first, second]) connection.destroy()
  })

  test('keeps counting what is under way, up and down', async () => {
    const limits = { maxPublishBytesInFlight: 65_536 }
    const hub = await open({ limits })
    const send = async () => (await exchange(hub.port, request('POST', '/events', json, ' '.repeat(60_000)))).code
    const waiting = new RawConnection(hub.port)
      .write(request('POST', '/events', { ...json, 'Content-Length': '1000000' }))
      .write(new Uint8Array(40_000).fill(32))
    await vi.waitFor(async () => expect(await send()).toBe('overloaded'))
    change(hub, { limits: { maxPublishBytesInFlight: 200_000 } })
    expect(await send()).toBe('invalid-json')
    expect((await hub.server.status()).publishBytes).toBeGreaterThan(40_000)
    change(hub, { limits })
    expect(await send()).toBe('overloaded')
    waiting.destroy()
    await vi.waitFor(async () => expect((await hub.server.status()).publishBytes).toBe(0))
    expect(await send()).toBe('invalid-json')
  })

  test('keeps counting long polls', async () => {
    const hub = await open({ limits: { maxLongPolls: 1 } })
    const poll = () => listen(hub, '/events/a?wait=60', { Accept: 'application/json' })
    const waiting = poll()
    await vi.waitFor(async () => expect((await hub.server.status()).longPolls).toBe(1))
    const refused = async () =>
      (await exchange(hub.port, request('GET', '/events/a?wait=60', { Accept: 'application/json' }))).status
    expect(await refused()).toBe(503)
    change(hub, { limits: { maxLongPolls: 0 } })
    expect(await refused()).toBe(503)
    change(hub, { limits: { maxLongPolls: 2 } })
    const second = poll()
    await vi.waitFor(async () => expect((await hub.server.status()).longPolls).toBe(2))
    await hub.hub.publish([{ topic: 'a', data: '1' }])
    for (const connection of [waiting, second]) expect((await connection.answer()).status).toBe(200)
    for (const connection of [waiting, second]) connection.destroy()
  })

  test('leaves what was fixed when the server was made, and says what holds', async () => {
    const hub = await open({ limits: { maxUrlBytes: 1000, maxHeaderBytes: 2000 } })
    change(hub, { port: 1, open: true, limits: { maxUrlBytes: 5000, maxHeaderBytes: 5000, maxHeaders: 50 } })
    const { port, open: isOpen, limits } = hub.server.settings
    expect({ port, isOpen, ...limits }).toMatchObject({
      ...{ port: 0, isOpen: false },
      ...{ maxUrlBytes: 1000, maxHeaderBytes: 2000, maxHeaders: 50 },
    })
    expect(fixedLimits).toEqual(['maxUrlBytes', 'maxHeaderBytes'])
    expect(await status(hub, `/events/${'a'.repeat(1500)}`)).toBe(414)
  })
})
