import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

let hub: HubOnHttp
beforeAll(async () => {
  hub = await startHub({
    settings: {
      publicTopics: ['clock'],
      defaultTopics: ['clock', 'host/**'],
      allowedOrigins: ['https://app.example'],
      allowedHosts: ['hub.example'],
    },
    assets: new Map([
      ['/', { type: 'text/html; charset=utf-8', body: '<p>한국' }],
      ['/tidings.js', { type: 'text/javascript', body: 'export {}', isPublic: true }],
    ]),
  })
  await hub.hub.publish([
    { topic: 'clock', data: 'noon' },
    { topic: 'host/cpu', data: 'secret' },
    { topic: 'news', data: 'secret' },
  ])
})
afterAll(() => hub.close())

const foreign = { Origin: 'https://evil.example' }
const listed = { Origin: 'https://app.example' }
const page = { Accept: 'application/json' }

async function ask(method: string, target: string, headers: Record<string, string>, body?: string) {
  return exchange(hub.port, request(method, target, headers, body))
}

const dataOf = (body: string): string[] => JSON.parse(body).events.map((event: { data: string }) => event.data)

describe('Host', () => {
  test('that is not the hub is refused, in every form, also of what anybody may ask', async () => {
    const evil = { Host: 'evil.example' }
    for (const target of ['/events', '/events/clock', '/topics', '/healthz', '/', '/nothing']) {
      for (const accept of ['text/event-stream', 'application/json']) {
        const answer = await ask('GET', target, { ...evil, Accept: accept })
        expect([target, answer.status, answer.code]).toEqual([target, 403, 'host-not-allowed'])
      }
    }
    expect((await ask('POST', '/events/a', evil, 'x')).code).toBe('host-not-allowed')
    expect((await ask('OPTIONS', '/events/a', evil)).code).toBe('host-not-allowed')
    expect((await ask('GET', '/healthz', { Host: 'hub.example:9' })).status).toBe(200)
  })

  test('is there once', async () => {
    expect((await exchange(hub.port, 'GET /healthz HTTP/1.1\r\n\r\n')).code).toBe('bad-request')
    const twice = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n'
    expect((await exchange(hub.port, twice)).code).toBe('bad-request')
    expect((await exchange(hub.port, twice.replace('/healthz', '/events'))).code).toBe('bad-request')
  })
})

describe('a page of another origin', () => {
  test('hears public topics, without credentials', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://localhost:1']) {
      const answer = await ask('GET', '/events/clock', { ...page, Origin: origin })
      expect(dataOf(answer.body)).toEqual(['noon'])
      expect(answer.headers['access-control-allow-origin']).toBe('*')
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
      expect(answer.headers['vary']).toContain('Origin')
    }
  })

  test('hears what is public of the default topics', async () => {
    expect(dataOf((await ask('GET', '/events', { ...page, ...foreign })).body)).toEqual(['noon'])
    expect(dataOf((await ask('GET', '/events', page)).body)).toEqual(['noon', 'secret'])
    const stream = new RawConnection(hub.port).write(request('GET', '/events?since=earliest', foreign))
    const received = await stream.until(text => text.includes('noon'))
    expect(received).toContain('Access-Control-Allow-Origin: *\r\n')
    stream.destroy()
  })

  test.each(['/events/news', '/events?topic=clock&topic=news', '/events?topic=**', '/topics', '/topics/clock', '/'])(
    'is refused %s',
    async target => {
      for (const accept of ['text/event-stream', 'application/json', 'application/x-ndjson']) {
        for (const method of ['GET', 'HEAD']) {
          const connection = new RawConnection(hub.port)
          connection.write(request(method, target, { ...foreign, Accept: accept, Connection: 'close' }))
          const received = await connection.closed()
          expect(received).toMatch(/^HTTP\/1\.1 403 /)
          expect(received).not.toMatch(/access-control|secret/i)
        }
      }
    },
  )

  test('publishes nothing', async () => {
    for (const type of ['text/plain', 'application/json', 'application/x-ndjson']) {
      for (const target of ['/events', '/events/clock']) {
        const answer = await ask('POST', target, { ...foreign, 'Content-Type': type }, '{"topic":"clock","data":""}')
        expect([answer.status, answer.code]).toEqual([403, 'origin-not-allowed'])
      }
    }
    const own = { Origin: 'http://localhost' }
    expect((await ask('POST', '/events/own', own, 'x')).status).toBe(200)
    expect((await ask('POST', '/events/own', listed, 'x')).status).toBe(200)
    expect((await ask('POST', '/events/own', {}, 'x')).status).toBe(200)
    expect((await hub.hub.topic('clock'))?.events).toBe(1)
  })

  test('may load what is public of the files', async () => {
    const answer = await ask('GET', '/tidings.js', foreign)
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, '*'])
    expect(answer.headers['cross-origin-resource-policy']).toBe('cross-origin')
  })
})

describe('a page of a listed origin', () => {
  test('does everything, with credentials, by its own name', async () => {
    const answer = await ask('GET', '/events?topic=**', { ...page, ...listed })
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-credentials': 'true',
    })
    const refused = await ask('GET', '/events?topc=a', { ...page, ...listed })
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([400, 'https://app.example'])
  })
})

describe('a preflight', () => {
  const preflight = (origin: Record<string, string>, method: string, target = '/events/clock') =>
    ask('OPTIONS', target, { ...origin, 'Access-Control-Request-Method': method })

  test('of another origin allows to read', async () => {
    const answer = await preflight(foreign, 'GET')
    expect([answer.status, answer.body]).toEqual([204, ''])
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': expect.stringContaining('Last-Event-ID'),
    })
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
  })

  test.each(['POST', 'PUT', 'DELETE'])('of another origin does not allow %s', async method => {
    const answer = await preflight(foreign, method)
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined])
  })

  test('of a listed origin allows to write', async () => {
    expect((await preflight(listed, 'POST')).headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-allow-headers': expect.stringMatching(/Content-Type.*Idempotency-Key/),
    })
    expect((await preflight(listed, 'PUT')).code).toBe('method-not-allowed')
  })
})

describe('operations', () => {
  test('tell how the hub is', async () => {
    expect((await ask('GET', '/healthz', {})).body).toBe('{"status":"ok"}\n')
    expect((await ask('GET', '/readyz', {})).body).toBe('{"status":"ready"}\n')
  })

  test('tell of topics, a page at a time', async () => {
    const first = JSON.parse((await ask('GET', '/topics?limit=2', {})).body)
    expect(first).toMatchObject({
      topics: [{ topic: 'clock', events: 1 }, { topic: 'host/cpu' }],
      after: 'host/cpu',
      more: true,
    })
    const rest = JSON.parse((await ask('GET', '/topics?limit=1000&after=host%2Fcpu', {})).body)
    expect(rest).toMatchObject({
      topics: expect.arrayContaining([expect.objectContaining({ topic: 'news' })]),
      more: false,
    })
    expect(JSON.parse((await ask('GET', '/topics/host/cpu', {})).body)).toMatchObject({
      topic: 'host/cpu',
      ended: false,
    })
    expect((await ask('GET', '/topics/none', {})).code).toBe('not-found')
    expect((await ask('GET', '/topics/a*', {})).code).toBe('invalid-topic')
    expect((await ask('GET', '/topics?limit=0', {})).code).toBe('invalid-parameter')
  })

  test('serve files with what keeps them in their place', async () => {
    const answer = await ask('GET', '/?x=1', {})
    expect([answer.status, answer.body]).toEqual([200, '<p>한국'])
    expect(answer.headers).toMatchObject({
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    })
    expect((await ask('GET', '/', { 'If-None-Match': answer.headers['etag'] ?? '' })).status).toBe(304)
  })

  test('list the problems that there are', async () => {
    const answer = await ask('GET', '/problems', {})
    expect(answer.body).toContain('id="unknown-member"')
    expect(answer.body).not.toContain('log-corrupt')
  })

  test.each([
    ['PUT', '/events/a', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/events', 'GET, HEAD, POST, OPTIONS'],
    ['TRACE', '/events', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/topics', 'GET, HEAD, OPTIONS'],
    ['POST', '/', 'GET, HEAD, OPTIONS'],
  ])('%s %s is none: what there is, is listed', async (method, target, allow) => {
    const answer = await ask(method, target, {})
    expect([answer.status, answer.code, answer.headers['allow']]).toEqual([405, 'method-not-allowed', allow])
    expect((await ask('OPTIONS', target, {})).headers['allow']).toBe(allow)
  })

  test('there is nothing elsewhere', async () => {
    for (const target of ['/Events', '/events2', '//', '/healthz/', '/.env', '/../etc/passwd', '/%2e%2e/x']) {
      expect([target, (await ask('GET', target, {})).code]).toEqual([target, 'not-found'])
    }
  })
})
