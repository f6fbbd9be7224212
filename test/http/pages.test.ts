import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryLog } from '../../src/log/memory.js'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

let hub: HubOnHttp
beforeEach(async () => {
  hub = await startHub({ settings: { limits: { maxLongPolls: 2 } } })
})
afterEach(() => hub.close())

const json = { Accept: 'application/json' }

const get = (target: string, headers: Record<string, string> = {}) =>
  exchange(hub.port, request('GET', target, { ...json, ...headers }))

describe('a page', () => {
  test('begins at the oldest event, holds so many, and says where to go on', async () => {
    const ids = await hub.hub.publish(['1', '2', '3'].map(data => ({ topic: 'a', data })))
    const first = await get('/events/a?limit=2')
    expect([first.status, first.headers['content-type']]).toEqual([200, 'application/json'])
    expect(JSON.parse(first.body)).toEqual({
      events: [
        { id: ids[0], topic: 'a', time: expect.any(Number), data: '1' },
        { id: ids[1], topic: 'a', time: expect.any(Number), data: '2' },
      ],
      cursor: ids[1],
      more: true,
      gap: null,
      ended: false,
    })
    const rest = await get(`/events/a?limit=2&lastEventId=${ids[1]}&conflate=0&envelope=1`)
    expect(JSON.parse(rest.body)).toMatchObject({ events: [{ data: '3' }], cursor: ids[2], more: false })
    expect(JSON.parse((await get('/events/a?since=now')).body)).toMatchObject({ events: [], cursor: ids[2] })
    expect(JSON.parse((await get('/events/a?lastEventId=none')).body)).toMatchObject({
      gap: { reason: 'unknown', requested: 'none' },
    })
  })

  test('keeps its tag while it shows the same, though the cursor moves on', async () => {
    const [id] = await hub.hub.publish([{ topic: 'a', data: '1' }])
    const target = `/events/a?lastEventId=${id}`
    const empty = await get(target)
    const tag = empty.headers['etag'] ?? ''
    expect(tag).toMatch(/^W\/"[\w-]{22}"$/)
    const [other] = await hub.hub.publish([{ topic: 'b', data: 'x' }])
    const moved = await get(target)
    expect(moved.headers['etag']).toBe(tag)
    expect(JSON.parse(moved.body).cursor).toBe(other)
    for (const header of [tag, tag.slice(2), `"x", ${tag}`, '*', `"a,b" , ${tag.slice(2)},`]) {
      const unchanged = await get(target, { 'If-None-Match': header })
      expect([header, unchanged.status, unchanged.body, unchanged.headers['etag']]).toEqual([header, 304, '', tag])
      expect(unchanged.headers['content-length']).toBeUndefined()
    }
    for (const header of ['"x"', tag.slice(3, -1), 'W/"x"', '']) {
      expect((await get(target, { 'If-None-Match': header })).status).toBe(200)
    }
    await hub.hub.publish([{ topic: 'a', data: '2' }])
    const changed = await get(target, { 'If-None-Match': tag })
    expect([changed.status, changed.headers['etag'] === tag]).toEqual([200, false])
  })

  test.each(['limit=0', 'limit=1001', 'limit=x', 'wait=61', 'wait=-1', 'wait=1.5', 'conflate=x', 'envelope=x'])(
    'is refused with %s',
    async query => {
      expect((await get(`/events/a?${query}`)).code).toBe('invalid-parameter')
    },
  )

  test('is had by HEAD as by GET', async () => {
    await hub.hub.publish([{ topic: 'a', data: '1' }])
    const page = await get('/events/a')
    const head = await new RawConnection(hub.port)
      .write(request('HEAD', '/events/a', { ...json, Connection: 'close' }))
      .closed()
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(page.body)}\r\n`)
    expect(head).toContain(`ETag: ${page.headers['etag']}\r\n`)
    expect(head.endsWith('\r\n\r\n')).toBe(true)
  })
})

describe('a long poll', () => {
  const poll = () => new RawConnection(hub.port).write(request('GET', '/events/a?since=now&wait=60', json))
  const waiting = (count: number) => vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(count))

  test('answers at the first event', async () => {
    const connection = poll()
    await waiting(1)
    await hub.hub.publish([{ topic: 'a', data: '1' }])
    expect(JSON.parse((await connection.answer()).body)).toMatchObject({ events: [{ data: '1' }] })
    connection.destroy()
    await waiting(0)
  })

  test('answers empty when the time is over', async () => {
    const answer = await get('/events/a?since=now&wait=1')
    expect(JSON.parse(answer.body)).toMatchObject({ events: [], more: false })
  })

  test('is given up when its caller leaves', async () => {
    const leavers = [poll(), poll()]
    await waiting(2)
    leavers[0]?.socket.end()
    leavers[1]?.socket.resetAndDestroy()
    await waiting(0)
  })

  test('is answered, though its caller will send no more', async () => {
    const connection = new RawConnection(hub.port, { allowHalfOpen: true })
    connection.socket.end(request('GET', '/events/a?since=now&wait=60', json))
    expect((await connection.answer()).status).toBe(200)
    await connection.closed()
  })

  test('is woken together with all others, by one read of the log and one page put into bytes', async () => {
    const log = createMemoryLog()
    const read = vi.spyOn(log, 'read')
    const crowd = await startHub({ log })
    const connections: RawConnection[] = []
    for (let i = 0; i < 40; i++) {
      // They begin to wait at different places.
      await crowd.hub.publish([{ topic: 'other', data: `${i}` }])
      const target = `/events/a?since=now&wait=60${i % 2 ? `&_=${i}` : ''}`
      connections.push(new RawConnection(crowd.port).write(request('GET', target, json)))
      await vi.waitFor(() => expect(crowd.hub.status.subscriptions).toBe(i + 1), { interval: 2 })
    }
    await vi.waitFor(() => expect(crowd.hub.status.catchingUp).toBe(0))
    read.mockClear()
    const stringify = vi.spyOn(JSON, 'stringify')
    const [id] = await crowd.hub.publish([{ topic: 'a', data: 'for all' }])
    const answers = await Promise.all(connections.map(connection => connection.answer()))
    const pages = stringify.mock.calls.filter(([value]) => typeof value === 'object' && value && 'events' in value)
    stringify.mockRestore()
    expect({ reads: read.mock.calls.length, pages: pages.length }).toEqual({ reads: 1, pages: 1 })
    for (const { status, body } of answers) {
      expect([status, JSON.parse(body)]).toMatchObject([200, { events: [{ id, data: 'for all' }], cursor: id }])
    }
    for (const connection of connections) connection.destroy()
    await crowd.close()
  })

  test('that brings nothing is a 304 to who has its tag, and the page is not put into bytes', async () => {
    const [id] = await hub.hub.publish([{ topic: 'a', data: '1' }])
    const target = `/events/a?lastEventId=${id}&wait=1`
    const tag = (await get(`/events/a?lastEventId=${id}`)).headers['etag'] ?? ''
    const stringify = vi.spyOn(JSON, 'stringify')
    const answer = await get(target, { 'If-None-Match': tag })
    const pages = stringify.mock.calls.filter(([value]) => typeof value === 'object' && value && 'events' in value)
    stringify.mockRestore()
    expect([answer.status, answer.body, pages.length]).toEqual([304, '', 0])
  })

  test('is one of a bounded number on one connection', async () => {
    const connection = new RawConnection(hub.port)
    const ask = request('GET', '/events/a?since=now&wait=60', json)
    connection.write(Buffer.concat(Array.from({ length: 17 }, () => ask)))
    expect(await connection.closed()).toBe('')
    await waiting(0)
  })

  test('is one of a bounded number', async () => {
    const connections = [poll(), poll()]
    await waiting(2)
    const answer = await get('/events/a?since=now&wait=1')
    expect([answer.code, answer.headers['retry-after']]).toEqual(['overloaded', expect.stringMatching(/^[1-9]/)])
    for (const connection of connections) connection.destroy()
    await waiting(0)
    expect((await get('/events/a?since=now&wait=1')).status).toBe(200)
  })
})

describe('answers that are with readers that do not read', () => {
  const page = request('GET', '/events/a', json)

  /** One such reader, and the status that another is given. */
  async function withDeafReader(limits: { writeTimeoutMs: number }, expected: readonly string[]): Promise<void> {
    const small = await startHub({ settings: { limits: { maxPageBytesInFlight: 20_000_000, ...limits } } })
    // More than the kernel takes for a reader that does not read.
    await small.hub.publish([{ topic: 'a', data: 'x'.repeat(15_000_000) }])
    const deaf = new RawConnection(small.port)
    deaf.socket.pause()
    deaf.write(page)
    for (const statusLine of expected) {
      await vi.waitFor(
        async () => {
          const connection = new RawConnection(small.port).write(page)
          const received = await connection.until(text => text !== '')
          connection.destroy()
          expect(received.split('\r\n', 1)).toEqual([statusLine])
        },
        { timeout: 15_000 },
      )
    }
    deaf.destroy()
    await small.close()
  }

  test('are bounded, all together', () =>
    withDeafReader({ writeTimeoutMs: 60_000 }, [
      'HTTP/1.1 503 Service Unavailable',
      'HTTP/1.1 503 Service Unavailable',
    ]))

  test('are cut off when nothing of them is read', () =>
    withDeafReader({ writeTimeoutMs: 2000 }, ['HTTP/1.1 503 Service Unavailable', 'HTTP/1.1 200 OK']))
})
