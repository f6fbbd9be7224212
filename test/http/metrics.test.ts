import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { HttpObserver } from '../../src/http/observer.js'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

const type = 'text/plain; version=0.0.4; charset=utf-8'
const metrics = { type, read: async () => 'tidings_things 1\n' }

describe('GET /metrics', () => {
  let hub: HubOnHttp
  beforeAll(async () => {
    hub = await startHub({ metrics, settings: { allowedOrigins: ['https://app.example'], publicTopics: ['clock'] } })
  })
  afterAll(() => hub.close())

  const ask = (headers: Record<string, string> = {}, method = 'GET') =>
    exchange(hub.port, request(method, '/metrics', headers))

  it('answers what the provider says, as its type, and is not to be kept', async () => {
    const { status, headers, body } = await ask()
    expect([status, body]).toEqual([200, 'tidings_things 1\n'])
    expect(headers).toMatchObject({ 'content-type': type, 'cache-control': 'no-store' })
  })

  it('keeps to the rules of host and origin as other operations', async () => {
    expect((await ask({ Host: 'elsewhere.example' })).code).toBe('host-not-allowed')
    expect((await ask({ Origin: 'https://elsewhere.example' })).code).toBe('origin-not-allowed')
    expect((await ask({ Origin: 'https://app.example' })).status).toBe(200)
  })

  it('is read only, and takes no body', async () => {
    expect((await ask({}, 'POST')).code).toBe('method-not-allowed')
    expect((await ask({ 'Content-Length': '0' })).status).toBe(200)
  })

  it('is not there where nothing is counted', async () => {
    const bare = await startHub()
    expect((await exchange(bare.port, request('GET', '/metrics'))).code).toBe('not-found')
    await bare.close()
  })

  it('that fails is answered 500, and reported', async () => {
    const failing = await startHub({ metrics: { type, read: () => Promise.reject(new Error('the inside')) } })
    const answer = await exchange(failing.port, request('GET', '/metrics'))
    expect([answer.status, answer.code]).toEqual([500, 'internal'])
    expect(failing.reports.join()).toContain('the inside')
    await failing.close()
  })
})

describe('GET /metrics with a token', () => {
  let hub: HubOnHttp
  beforeAll(async () => {
    hub = await startHub({ metrics: { ...metrics, token: 'opens-sesame' } })
  })
  afterAll(() => hub.close())

  const ask = (authorization?: string) =>
    exchange(hub.port, request('GET', '/metrics', authorization === undefined ? {} : { Authorization: authorization }))

  it('answers whoever shows it', async () => {
    expect((await ask('Bearer opens-sesame')).status).toBe(200)
    expect((await ask('bearer opens-sesame')).status).toBe(200)
  })

  it.each(['opens-sesamf', 'opens', 'opens-sesame2', '"opens-sesame"'])('refuses another: %j', async token => {
    const { status, code, headers } = await ask(`Bearer ${token}`)
    expect([status, code]).toEqual([401, 'unauthorized'])
    expect(headers['www-authenticate']).toBe('Bearer realm="metrics", error="invalid_token"')
  })

  it.each([undefined, '', 'opens-sesame', 'Basic b3BlbnM6c2VzYW1l', 'Bearer'])(
    'asks for it: %j',
    async authorization => {
      const { status, headers, body } = await ask(authorization)
      expect(status).toBe(401)
      expect(headers['www-authenticate']).toBe('Bearer realm="metrics"')
      expect(body).not.toContain('sesame')
    },
  )
})

describe('who observes the surface', () => {
  const told: unknown[][] = []
  const observer: HttpObserver = {
    publishing: () => void told.push(['publishing']),
    refused: (...what) => void told.push(['refused', ...what]),
    dropped: () => void told.push(['dropped']),
  }

  it('hears of publishing and of refusals, by what was asked and the code', async () => {
    told.length = 0
    const hub = await startHub({ observer, settings: { limits: { maxStreams: 0, maxLongPolls: 0 } } })
    const ask = (...args: Parameters<typeof request>) => exchange(hub.port, request(...args))
    await ask('POST', '/events/a', {}, 'x')
    await ask('POST', '/events/$a', {}, 'x')
    await ask('POST', '/events', { 'Content-Type': 'application/x-ndjson' }, '{"topic":"a","data":1}\n{')
    await ask('GET', '/events/a?limit=0', { Accept: 'application/json' })
    await ask('GET', '/events/a?wait=1', { Accept: 'application/json' })
    // Refused with 200, so that EventSource comes again.
    await ask('GET', '/events/a', { Accept: 'text/event-stream' })
    await ask('GET', '/nothing')
    await ask('GET', '/topics', { Host: 'elsewhere.example' })
    const garbage = new RawConnection(hub.port).write('no HTTP\r\n\r\n')
    await garbage.closed()
    expect(told).toEqual([
      ['publishing'],
      ['publishing'],
      ['refused', 'publish', 'reserved-topic'],
      ['publishing'],
      ['refused', 'publish', 'invalid-json'],
      ['refused', 'read', 'invalid-parameter'],
      ['refused', 'read', 'overloaded'],
      ['refused', 'read', 'overloaded'],
      ['refused', 'other', 'not-found'],
      ['refused', 'other', 'host-not-allowed'],
      ['refused', 'other', 'bad-request'],
    ])
    await hub.close()
  })

  it('hears of connections that were closed unheard', async () => {
    told.length = 0
    const hub = await startHub({ observer, settings: { limits: { maxConnections: 1 } } })
    const first = new RawConnection(hub.port).write(request('GET', '/healthz'))
    await first.answer()
    expect(await hub.server.status()).toMatchObject({ connections: 1, streams: 0, longPolls: 0 })
    await new RawConnection(hub.port).closed()
    await vi.waitFor(() => expect(told).toEqual([['dropped']]))
    first.destroy()
    await hub.close()
  })

  it('is told what is held: streams, and long polls that wait', async () => {
    const hub = await startHub({ observer })
    const stream = new RawConnection(hub.port).write(request('GET', '/events/a', { Accept: 'text/event-stream' }))
    const poll = new RawConnection(hub.port).write(request('GET', '/events/a?wait=60', { Accept: 'application/json' }))
    await stream.until(text => text.includes('$cursor'))
    await vi.waitFor(async () =>
      expect(await hub.server.status()).toEqual({
        connections: 2,
        streams: 1,
        longPolls: 1,
        publishBytes: 0,
        answerBytes: 0,
      }),
    )
    for (const each of [stream, poll]) each.destroy()
    await hub.close()
  })
})
