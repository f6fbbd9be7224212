import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exchange, type HubOnHttp, RawConnection, request, startHub } from './hub-on-http.js'

let hub: HubOnHttp
const timers: NodeJS.Timeout[] = []
beforeEach(async () => {
  hub = await startHub({
    settings: { limits: { headersTimeoutMs: 300, bodyTimeoutMs: 400, keepAliveTimeoutMs: 1000, maxConnections: 12 } },
  })
})
afterEach(async () => {
  for (const timer of timers.splice(0)) clearInterval(timer)
  await hub.close()
})

/** Sends `bytes` one at a time, for as long as the connection takes them. */
function drip(connection: RawConnection, bytes: string, ms: number): void {
  let at = 0
  timers.push(
    setInterval(() => {
      if (at < bytes.length && connection.socket.writable) connection.write(bytes[at++] ?? '')
    }, ms),
  )
}

describe('a client that is slow', () => {
  test('with its head is cut off with 408', async () => {
    const connection = new RawConnection(hub.port).write('GET /events HTTP/1.1\r\n')
    drip(connection, `X-A: ${'a'.repeat(10_000)}`, 20)
    expect((await connection.answer()).code).toBe('request-timeout')
    await connection.closed()
  })

  test('and says nothing at all is cut off in silence', async () => {
    const connection = new RawConnection(hub.port)
    expect(await connection.closed()).toBe('')
  })

  test('between two requests is cut off in silence', async () => {
    const connection = new RawConnection(hub.port).write(request('GET', '/healthz'))
    const answer = await connection.answer()
    await connection.closed()
    expect((await connection.answer()).rest).toBe('')
    expect(answer.status).toBe(200)
  })

  test('with its body is cut off with 408, however steadily it drips', async () => {
    for (const [target, type] of [
      ['/events/a', 'text/plain'],
      ['/events', 'application/json'],
    ] as const) {
      const connection = new RawConnection(hub.port)
      connection.write(request('POST', target, { 'Content-Type': type, 'Content-Length': '1000' }))
      drip(connection, ' '.repeat(1000), 20)
      expect((await connection.answer()).code).toBe('request-timeout')
      connection.destroy()
    }
    expect((await hub.log.head()).offset).toBe(0)
  })

  test('with a body of lines is cut off when nothing comes, not while something does', async () => {
    const ndjson = { 'Content-Type': 'application/x-ndjson', 'Content-Length': '100' }
    const line = '{"topic":"a","data":"1"}\n'
    const steady = new RawConnection(hub.port).write(request('POST', '/events', ndjson))
    // A second in all, which is more than twice the time that it may be silent.
    drip(steady, line.repeat(4), 10)
    const silent = new RawConnection(hub.port).write(request('POST', '/events', ndjson)).write(line)
    const cut = await silent.answer()
    expect(cut.code).toBe('request-timeout')
    expect(JSON.parse(cut.body)).toMatchObject({ line: 2, accepted: 1 })
    expect(JSON.parse((await steady.answer()).body)).toMatchObject({ accepted: 4 })
    steady.destroy()
    silent.destroy()
  })
})

test('connections above their number are closed, and there is room again when others leave', async () => {
  const streams = Array.from({ length: 12 }, () => new RawConnection(hub.port).write(request('GET', '/events/a')))
  await Promise.all(streams.map(stream => stream.until(text => text.includes('retry'))))
  expect(hub.hub.status.subscriptions).toBe(10)
  // Two of the twelve were told to come again: the streams have their own, lower bound.
  await Promise.all(streams.filter(stream => stream.text.includes('overloaded')).map(stream => stream.closed()))
  expect((await exchange(hub.port, request('GET', '/healthz'))).status).toBe(200)
  for (const stream of streams) stream.destroy()
})
