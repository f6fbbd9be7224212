import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { resolveHttpSettings } from '../../src/http/settings.js'
import { type HubOnHttp, RawConnection, startHub } from './hub-on-http.js'
import { WebSocketClient } from './web-socket-client.js'

const allowedOrigin = 'https://app.example'
let hub: HubOnHttp
const opened: WebSocketClient[] = []

beforeEach(async () => {
  hub = await startHub({ settings: { publicTopics: ['clock'], allowedOrigins: [allowedOrigin] } })
})
afterEach(async () => {
  for (const client of opened.splice(0)) client.socket.terminate()
  await hub.close()
})

function connect(target: string, headers?: Readonly<Record<string, string>>): WebSocketClient {
  const client = new WebSocketClient(`${hub.url}${target}`, headers)
  opened.push(client)
  return client
}

const say = (topic: string, ...data: string[]) => hub.hub.publish(data.map(text => ({ topic, data: text })))

describe('hearing by WebSocket', () => {
  test('begins with the cursor, then gives event objects', async () => {
    const client = connect('/events/a')
    expect(await client.opened()).toEqual({ type: '$cursor', id: expect.stringMatching(/-0$/), data: '' })
    const [id] = await hub.hub.publish([{ topic: 'a', data: '안녕 👋', type: 'greeting', key: 'k', eventId: 'mine' }])
    expect(await client.first(message => message['topic'] === 'a')).toEqual({
      ...{ id, topic: 'a', type: 'greeting', key: 'k', eventId: 'mine', data: '안녕 👋' },
      time: expect.any(Number),
    })
  })

  test('gives events of every length of frame', async () => {
    const client = connect('/events/a')
    await client.opened()
    const sizes = [0, 1, 30, 60, 124, 125, 126, 127, 65_000, 65_535, 65_536, 200_000, 262_144]
    const texts = sizes.map(size => 'x'.repeat(size))
    for (const text of texts) await say('a', text)
    await client.until(() => client.said.length === texts.length)
    expect(client.said).toEqual(texts)
  })

  test('resumes by cursor, by header and by parameter, and tells of a gap', async () => {
    const [first] = await say('a', '1', '2', '3')
    for (const client of [
      connect(`/events/a?lastEventId=${first}`),
      connect('/events/a', { 'Last-Event-ID': `${first}` }),
    ]) {
      await client.until(() => client.said.length === 2)
      expect(client.said).toEqual(['2', '3'])
    }
    const lost = connect('/events/a?lastEventId=zzzzzzz9-5')
    const gap = await lost.first(message => message['type'] === '$gap')
    expect(JSON.parse(String(gap['data']))).toMatchObject({ reason: 'unknown', requested: 'zzzzzzz9-5' })
    await lost.until(() => lost.said.length === 3)
    expect(lost.said).toEqual(['1', '2', '3'])
  })

  test('gives the newest of each key, and only those, where that was asked for', async () => {
    await hub.hub.publish(['1', '2', '3'].map((data, i) => ({ topic: 'a', key: `k${i % 2}`, data })))
    const client = connect('/events/a?since=latest')
    expect(await client.first(({ type }) => type === '$cursor')).toBeDefined()
    expect(client.said).toEqual(['2', '3'])
  })

  test('costs the hub nothing for who stops reading, and gives all when he reads on', async () => {
    const client = connect('/events/a')
    await client.opened()
    client.socket.pause()
    const texts = Array.from({ length: 400 }, (_, i) => `${i} ${'x'.repeat(100_000)}`)
    for (const text of texts) await say('a', text)
    await vi.waitFor(() => expect(hub.hub.status).toMatchObject({ catchingUp: 1 }))
    expect(hub.hub.status.heldBytes).toBeLessThan(1024 * 1024)
    client.socket.resume()
    await client.until(() => client.said.length === texts.length)
    expect(client.said).toEqual(texts)
  })

  test('is closed with 4409 when its one topic ends, and at once where that has been', async () => {
    const client = connect('/events/a')
    await client.opened()
    const [end] = await hub.hub.publish([{ topic: 'a', data: 'last', end: true }])
    expect(await client.closed()).toBe(4409)
    expect(client.heard.slice(-2)).toMatchObject([{ data: 'last', end: true }, { type: '$end' }])
    expect(await connect(`/events/a?lastEventId=${end}`).closed()).toBe(4409)
  })
})

describe('subscribing as it goes', () => {
  test('hears what is added from now on, and no more what is taken away', async () => {
    const client = connect('/events/a')
    await client.opened()
    await say('b', 'before')
    expect(await client.say({ subscribe: ['b', 'c/*'], ref: 1 }).answer(1)).toEqual({ ref: 1, ok: true })
    await say('b', '1')
    await say('c/d', '2')
    await say('a', '3')
    await client.until(() => client.said.length === 3)
    await client.say({ unsubscribe: ['a', 'c/*'], ref: 'off' }).answer('off')
    await say('a', 'unheard')
    await say('b', '4')
    await client.until(() => client.said.length === 4)
    expect(client.said).toEqual(['1', '2', '3', '4'])
  })

  test('tells the past of what is added, once, before it goes on', async () => {
    const ids = await say('b', '1', '2', '3')
    await say('a', 'x')
    const client = connect('/events/a')
    await client.opened()
    await say('a', 'y')
    await client.say({ subscribe: ['b'], since: ids[0], ref: 1 }).answer(1)
    await client.say({ subscribe: ['*'], since: 'earliest', ref: 2 }).answer(2)
    await say('a', 'z')
    await client.until(() => client.said.includes('z'))
    // Of `*`, what was given before is not given again.
    expect(client.said).toEqual(['y', '2', '3', '1', 'x', 'z'])
  })

  test('loses and repeats nothing, whatever is published while subscriptions come and go', async () => {
    const client = connect('/events/a')
    await client.opened()
    let published = 0
    let refs = 0
    for (let round = 0; round < 40; round++) {
      const saying = Array.from({ length: 5 }, () => say('a', `${published++}`))
      client.say({ subscribe: [`other/${round}`, 'b'], since: round % 2 ? 'earliest' : 'now', ref: refs++ })
      await say('b', `b${round}`)
      client.say({ unsubscribe: ['b'], ref: refs++ })
      await Promise.all(saying)
    }
    await client.answer(refs - 1)
    await client.until(() => client.said.includes(`${published - 1}`))
    const ofA = client.heard.filter(({ topic }) => topic === 'a').map(({ data }) => data)
    expect(ofA).toEqual(Array.from({ length: published }, (_, i) => `${i}`))
  })

  test('has at most as many topics as one subscription may', async () => {
    const client = connect('/events/a')
    await client.opened()
    const many = Array.from({ length: 100 }, (_, i) => `t${i}`)
    expect(await client.say({ subscribe: many, ref: 1 }).answer(1)).toMatchObject({
      error: { code: 'too-many-topics' },
    })
    expect(await client.say({ subscribe: many.slice(1), ref: 2 }).answer(2)).toEqual({ ref: 2, ok: true })
    await say('a', 'still')
    await client.until(() => client.said.length === 1)
  })
})

describe('publishing by WebSocket', () => {
  test('answers with the id, and keeps the order', async () => {
    const client = connect('/events/a')
    await client.opened()
    for (let i = 0; i < 200; i++) client.say({ publish: { topic: 'a', data: { i } }, ref: i })
    const last = await client.answer(199)
    await client.until(() => client.said.length === 200)
    expect(client.said).toEqual(Array.from({ length: 200 }, (_, i) => JSON.stringify({ i })))
    expect(client.heard.filter(({ topic }) => topic === 'a').at(-1)?.['id']).toBe(last['id'])
  })

  test('keeps numbers as they were written', async () => {
    const client = connect('/events/a')
    await client.opened()
    client.say('{"ref":1,"publish":{"topic":"a","data":[12345678901234567890, 1.10]}}')
    await client.until(() => client.said.length === 1)
    expect(client.said).toEqual(['[12345678901234567890,1.10]'])
  })

  test.each([
    ['garbage', 'invalid-json', undefined],
    ['[]', 'bad-request', undefined],
    ['{}', 'bad-request', undefined],
    ['{"ref":7}', 'bad-request', 7],
    ['{"ref":{},"publish":{"topic":"a","data":""}}', 'bad-request', undefined],
    ['{"ref":8,"publish":{"topic":"a"}}', 'invalid-event', 8],
    ['{"ref":8,"publish":[{"topic":"a","data":""}]}', 'invalid-event', 8],
    ['{"ref":8,"publish":{"topic":"$a","data":""}}', 'reserved-topic', 8],
    ['{"ref":8,"publish":{"topic":"a","data":"","typ":"x"}}', 'unknown-member', 8],
    ['{"ref":8,"publish":{"topic":"a","data":"","type":"a\\nid: 9"}}', 'invalid-event', 8],
    ['{"ref":8,"publish":{"topic":"a","data":"","topic":"b"}}', 'invalid-event', 8],
    ['{"ref":8,"publish":{"topic":"a","data":""},"subscribe":["a"]}', 'bad-request', 8],
    ['{"ref":8,"publish":{"topic":"a","data":""},"since":"now"}', 'bad-request', 8],
    ['{"ref":8,"subscribe":[]}', 'invalid-selector', 8],
    ['{"ref":8,"subscribe":["a/**/b"]}', 'invalid-selector', 8],
    ['{"ref":8,"subscribe":["b"],"since":"yesterday"}', 'invalid-parameter', 8],
    ['{"ref":8,"subscrib":["b"]}', 'unknown-member', 8],
    [`{"ref":8,"publish":{"topic":"a","data":${'['.repeat(200)}${']'.repeat(200)}}}`, 'invalid-json', undefined],
  ])('answers %s with %s', async (message, code, ref) => {
    const client = connect('/events/a')
    await client.opened()
    const answer = await client.say(message).first(({ error }) => error !== undefined)
    expect(answer).toEqual({
      ...(ref === undefined ? {} : { ref }),
      error: { code, detail: expect.stringMatching(/\S/) },
    })
    await client.say({ publish: { topic: 'a', data: 'good' }, ref: 'after' }).answer('after')
    await client.until(() => client.said.length === 1)
    expect(client.said).toEqual(['good'])
  })
})

describe('who may have a WebSocket', () => {
  test('a page of another origin may not, whatever it asks for; one that is listed may', async () => {
    const foreign = connect('/events/clock', { Origin: 'https://evil.example' })
    await foreign.closed()
    expect(foreign.refusal).toBe(403)
    await connect('/events/clock', { Origin: allowedOrigin }).opened()
  })

  test('is closed with 4403 when its page may not hear any more', async () => {
    const client = connect('/events/a', { Origin: allowedOrigin })
    await client.opened()
    hub.server.reconfigure(resolveHttpSettings({ port: 0 }))
    expect(await client.closed()).toBe(4403)
  })

  test.each([
    ['/events/a?sinc=now', {}, 400],
    ['/events/a', { Host: 'evil.example' }, 403],
    ['/events?topic=', {}, 400],
  ])('refuses %s %j with %i', async (target, headers, status) => {
    const client = connect(target, headers)
    await client.closed()
    expect(client.refusal).toBe(status)
  })

  test.each([
    ['Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n'],
    ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 99\r\n'],
    [''],
  ])('answers a handshake with "%s" with a problem', async headers => {
    const connection = new RawConnection(hub.port)
    const head = `GET /events/a HTTP/1.1\r\nHost: localhost:${hub.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
    const answer = await connection.write(`${head}${headers}\r\n`).answer()
    expect(answer).toMatchObject({ status: 400, code: 'bad-request' })
    connection.destroy()
  })

  test('refuses with 503 beyond the streams that there may be', async () => {
    await hub.close()
    hub = await startHub({ settings: { limits: { maxStreams: 1 } } })
    await connect('/events/a').opened()
    const other = connect('/events/a')
    await other.closed()
    expect(other.refusal).toBe(503)
  })
})

describe('ending', () => {
  test('drains with 1001, whether something is heard or nothing, and waits for nobody', async () => {
    const hearing = connect('/events/a')
    const idle = connect('/events/a')
    await hearing.opened()
    await idle.opened()
    await idle.say({ unsubscribe: ['a'], ref: 1 }).answer(1)
    const began = performance.now()
    await hub.server.drain(10_000)
    expect(await hearing.closed()).toBe(1001)
    expect(await idle.closed()).toBe(1001)
    expect(performance.now() - began).toBeLessThan(5_000)
  })

  test('forgets who leaves, with a word or without', async () => {
    const polite = connect('/events/a')
    const rude = connect('/events/a')
    await polite.opened()
    await rude.opened()
    polite.socket.close()
    rude.socket.terminate()
    await vi.waitFor(async () => {
      expect(hub.hub.status.subscriptions).toBe(0)
      expect(await hub.server.status()).toMatchObject({ connections: 0, streams: 0, publishBytes: 0 })
    })
  })
})
