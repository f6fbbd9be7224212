import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Run, run } from '../support/command-line.js'

const program = fileURLToPath(new URL('service.mjs', import.meta.url))

async function start(): Promise<{ readonly service: Run; readonly base: string }> {
  const service = run(process.execPath, [program, '--port', '0'], '/')
  return { service, base: `http://127.0.0.1:${(await service.until(/port (\d+)/))[1]}` }
}

let service: Run
let base = ''
beforeAll(async () => {
  const started = await start()
  service = started.service
  base = started.base
})

interface Asked {
  readonly request: IncomingMessage
  readonly body: string
}

/** A server of streams and callbacks for one test; the stream that it asked for is closed with it. */
async function open(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  options: object = {},
  at: string = base,
) {
  const callbacks: unknown[] = []
  const requests: Asked[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const place = /^\/callback\/(\d+)$/.exec(request.url ?? '')?.[1]
    if (place !== undefined) {
      callbacks.push([Number(place), JSON.parse(body)])
      response.end()
      return
    }
    requests.push({ request, body })
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const wanted = { streamUrl: `${url}/stream`, callbackUrl: `${url}/callback`, initialDelayMs: 1, ...options }
  const made = await fetch(at, { method: 'POST', body: JSON.stringify(wanted) })
  expect(made.status).toBe(201)
  const location = made.headers.get('location') ?? ''
  onTestFinished(async () => {
    await fetch(location, { method: 'DELETE' }).catch(() => undefined)
    server.closeAllConnections()
    server.close()
  })
  const command = async (said: object) => (await fetch(location, { method: 'POST', body: JSON.stringify(said) })).status
  return { callbacks, requests, command, location, url }
}

const begin = (response: ServerResponse, text: string | Uint8Array = ':\n\n') => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.write(text)
}

/** Bounded by what a machine with other things to do may take. */
const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000 })

/** What a callback says of an event. */
const event = (data: string, id = '', type = 'message') => ({ kind: 'event', event: { type, data, id } })
const comment = (text: string) => ({ kind: 'comment', comment: text })
const error = expect.objectContaining({ kind: 'error', comment: expect.any(String) })
/** As they are numbered. */
const numbered = (...said: unknown[]) => said.map((what, i) => [i + 1, what])
const idOf = (asked: Asked | undefined) => asked?.request.headers['last-event-id']

test('says what it can do', async () => {
  const answer = await fetch(base)
  expect(answer.headers.get('content-type')).toBe('application/json')
  const said = (await answer.json()) as { readonly name: string; readonly capabilities: readonly string[] }
  expect(said.name).toBe('tidings')
  expect(said.capabilities).toHaveLength(11)
})

test('tells comments and events, of the types that are listened to', async () => {
  const held: ServerResponse[] = []
  const { callbacks, command } = await open((_, response) => {
    begin(response, ':hello\n\nid: 1\ndata: a\n\n')
    held.push(response)
  })
  const said = [comment('hello'), event('a', '1')]
  await until(() => expect(callbacks).toEqual(numbered(...said)))
  // Told twice, it is heard once.
  for (const _ of 'ab') expect(await command({ command: 'listen', listen: { type: 'put' } })).toBe(202)
  held[0]?.write('event: patch\ndata: b\n\nevent: put\ndata: c\n\ndata: d\ntopic: put\n\n')
  await until(() => expect(callbacks).toEqual(numbered(...said, event('c', '1', 'put'), event('d', '1'))))
})

const bom = '\u{FEFF}'
const greek = 'data: Ω≈ç\n\n'
test.each<[what: string, text: string, ...said: object[]]>([
  ['lines that end with LF', 'data: a\ndata: b\n\ndata: c\n\n', event('a\nb'), event('c')],
  ['lines that end with CR LF', 'data: a\r\ndata:\r\n\r\n\r\n\r\ndata: c\r\n\r\n', event('a\n'), event('c')],
  ['lines that end with CR', 'data:\rdata: b\r\r\rdata: c\r\r:\n', event('\nb'), event('c'), comment('')],
  ['a field without a colon', 'data\n\ndata\ndata\n\n', event(''), event('\n')],
  ['one space after the colon, and no more', 'data:a\n\ndata:  b\n\n', event('a'), event(' b')],
  ['fields in another order, and others', 'data: a\ncolour: red\nid: 1\n\n', event('a', '1')],
  ['an id that stays', 'id: 1\ndata: a\n\ndata: b\n\n', event('a', '1'), event('b', '1')],
  ['an id that is taken away', 'id: 1\ndata: a\n\nid: \ndata: b\n\n', event('a', '1'), event('b')],
  ['an id with a NUL', 'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n', event('a', '1'), event('b', '1')],
  ['characters of several bytes', greek, event('Ω≈ç')],
  ['a byte order mark', `${bom}data: a\n\n`, event('a')],
  ['a byte order mark before a comment', `${bom}:a\n${greek}`, comment('a'), event('Ω≈ç')],
  ['a byte order mark that is not the first', `${bom}data: ${bom}a\n\ndata: ${bom}\n\n`, event(`${bom}a`), event(bom)],
])('tells %s, whole and byte by byte', async (_, text, ...said) => {
  const bytes = Buffer.from(text)
  const whole = await open((_, response) => begin(response, bytes))
  await until(() => expect(whole.callbacks).toEqual(numbered(...said)))
  const pieces = await open(async (_, response) => {
    response.socket?.setNoDelay()
    begin(response, bytes.subarray(0, 1))
    for (const byte of bytes.subarray(1)) {
      await new Promise(resolve => setTimeout(resolve, 1))
      response.write(Buffer.of(byte))
    }
  })
  await until(() => expect(pieces.callbacks).toEqual(numbered(...said)))
})

test('tells a hundred events at once in their order', async () => {
  const all = Array.from({ length: 100 }, (_, i) => `no. ${i}`)
  const { callbacks } = await open((_, response) => begin(response, all.map(data => `data: ${data}\n\n`).join('')))
  await until(() => expect(callbacks).toEqual(numbered(...all.map(data => event(data)))))
})

test('tells an event that is longer than the client would take by itself', async () => {
  const half = 'x'.repeat(9 << 20)
  const { callbacks } = await open((_, response) => {
    begin(response, `data: ${half}`)
    response.write(`${half}\n\n`)
  })
  await until(() => expect(callbacks).toHaveLength(1))
  // It would be printed whole.
  expect(JSON.stringify(callbacks) === JSON.stringify(numbered(event(half + half)))).toBe(true)
})

test('asks as a client of event streams does', async () => {
  const { requests } = await open((_, response) => begin(response))
  await until(() => expect(requests).toHaveLength(1))
  expect(requests[0]).toMatchObject({ body: '', request: { method: 'GET', url: '/stream' } })
  expect(requests[0]?.request.headers).toMatchObject({ accept: 'text/event-stream', 'cache-control': 'no-cache' })
  expect(idOf(requests[0])).toBeUndefined()
})

test.each(['POST', 'REPORT'])('asks by %s with a body, headers and the last id, and again so', async method => {
  const headers = { 'x-mine': 'yes', 'content-type': 'application/json; charset=utf-8' }
  const { requests } = await open(
    (_, response) => {
      begin(response)
      if (requests.length === 1) response.destroy()
    },
    { method, body: '{"a":1}', headers, lastEventId: '42' },
  )
  await until(() => expect(requests).toHaveLength(2))
  for (const { request, body } of requests) {
    expect({ method: request.method, body }).toEqual({ method, body: '{"a":1}' })
    expect(request.headers).toMatchObject({ ...headers, 'last-event-id': '42' })
  }
})

test('comes back when it is told to, with the last id, and calls it no error', async () => {
  const { requests, callbacks, command } = await open((_, response) => begin(response, 'id: 7\ndata: a\n\n'))
  await until(() => expect(callbacks).toHaveLength(1))
  expect(await command({ command: 'restart' })).toBe(202)
  await until(() => expect(callbacks).toEqual(numbered(event('a', '7'), event('a', '7'))))
  expect(requests.map(idOf)).toEqual([undefined, '7'])
})

test.each([
  ['ends', (response: ServerResponse) => response.end()],
  ['breaks', (response: ServerResponse) => response.destroy()],
])('comes back when the stream %s, with one error and without what was half said', async (_, over) => {
  const held: ServerResponse[] = []
  const { requests, callbacks } = await open(
    (_, response) => {
      const isFirst = held.push(response) === 1
      begin(response, isFirst ? 'id: 1\ndata: a\n\nid: 2\ndata: b' : 'data: c\n\nid:\ndata: d\n\n')
    },
    { initialDelayMs: 0 },
  )
  await until(() => expect(callbacks).toHaveLength(1))
  over(held[0] as ServerResponse)
  const said = [event('a', '1'), error, event('c', '1'), event('d')]
  await until(() => expect(callbacks).toEqual(numbered(...said)))
  over(held[1] as ServerResponse)
  await until(() => expect(requests.map(idOf)).toEqual([undefined, '1', undefined]))
})

test('comes back after silence, and says that it was an error', async () => {
  const { requests, callbacks } = await open((_, response) => begin(response, ':\n\n'), { readTimeoutMs: 50 })
  await until(() => expect(requests.length).toBeGreaterThan(1))
  await until(() => expect(callbacks).toContainEqual([2, error]))
})

test('takes every byte for a sign of life', async () => {
  const readTimeoutMs = 1_000
  let isOver = false
  const { callbacks } = await open(
    async (_, response) => {
      begin(response, 'data: ')
      for (let beganAt = Date.now(); Date.now() - beganAt < readTimeoutMs * 2; ) {
        response.write('x')
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      isOver = true
      response.write('\n\n')
    },
    { readTimeoutMs },
  )
  await until(() => expect(callbacks).toHaveLength(1))
  expect(callbacks).toEqual(numbered(event(expect.stringMatching(/^x+$/) as never)))
  expect(isOver).toBe(true)
})

test.each([
  ['the first answer', 1],
  ['a later one', 2],
])('does not come back after 204, as %s', async (_, last) => {
  const { requests } = await open((_, response) => {
    if (requests.length === last) response.writeHead(204)
    else begin(response)
    response.end()
  })
  await until(() => expect(requests).toHaveLength(last))
  // Meanwhile another with the same delay, which knows no rest.
  const other = await open((_, response) => response.writeHead(503).end())
  await until(() => expect(other.requests.length).toBeGreaterThan(20))
  expect(requests).toHaveLength(last)
})

test.each([301, 307])('goes where %i sends it', async status => {
  const { requests, callbacks } = await open((request, response) => {
    if (request.url === '/stream') response.writeHead(status, { Location: '/other' }).end()
    else begin(response, 'data: a\n\n')
  })
  await until(() => expect(callbacks).toEqual(numbered(event('a'))))
  expect(requests.map(({ request }) => request.url)).toEqual(['/stream', '/other'])
})

test.each([
  [301, {}],
  [301, { Location: '' }],
  [307, {}],
  [307, { Location: '' }],
])('tells an error for %i without a place, %o', async (status, headers) => {
  const { callbacks } = await open((_, response) => response.writeHead(status, headers).end())
  await until(() => expect(callbacks[0]).toEqual([1, error]))
})

test('refuses what it does not know', async () => {
  const { command, location, url } = await open((_, response) => begin(response))
  expect(location).toBe(`${base}/streams/${location.split('/').at(-1)}`)
  for (const said of [{}, { command: 'dance' }, { command: 'listen' }, { command: 'listen', listen: { type: 'a*' } }]) {
    expect(await command(said)).toBe(400)
  }
  const wrong: object[] = [
    { streamUrl: undefined },
    { streamUrl: 'ftp://a' },
    { callbackUrl: '/a' },
    { initialDelayMs: '1' },
    { readTimeoutMs: -1 },
    { lastEventId: 1 },
    { headers: { 'a b': 'c' } },
    { method: 'A B' },
    { method: 'GET', body: '' },
  ]
  const wanted = wrong.map(each => JSON.stringify({ streamUrl: url, callbackUrl: url, ...each }))
  for (const body of ['', '{', 'null', '1', ...wanted]) {
    expect([body, (await fetch(base, { method: 'POST', body })).status]).toEqual([body, 400])
  }
  for (const path of ['/other', '/streams/', '/streams/0']) expect((await fetch(base + path)).status).toBe(404)
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(204)
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(404)
  expect(await command({ command: 'restart' })).toBe(404)
})

test('goes on when somebody hangs up half-way', async () => {
  const socket = createConnection(Number(new URL(base).port), '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{')
  await once(socket, 'connect')
  socket.end()
  await once(socket.resume(), 'close')
  expect((await fetch(base)).status).toBe(200)
})

test('ends when it is told to, whatever is open', async () => {
  const { service, base } = await start()
  await open((_, response) => begin(response), {}, base)
  await open((_, response) => response.destroy(), {}, base)
  let isHeard = false
  const silent = createServer(() => {
    isHeard = true
  })
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const idle = createConnection(Number(new URL(base).port), '127.0.0.1').on('error', () => {})
  onTestFinished(() => {
    idle.destroy()
    silent.closeAllConnections()
    silent.close()
  })
  const callbackUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  await open((_, response) => begin(response), { callbackUrl }, base)
  await until(() => expect(isHeard).toBe(true))
  idle.write('POST / HTTP/1.1\r\n')
  expect((await fetch(base, { method: 'DELETE' })).status).toBe(204)
  expect(await service.ended).toBe(0)
})

afterAll(async () => {
  await fetch(base, { method: 'DELETE' })
  expect(await service.ended).toBe(0)
})
