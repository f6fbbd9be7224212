import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Run, run } from '../support/command-line.js'

const program = fileURLToPath(new URL('service.mjs', import.meta.url))

let service: Run
let base = ''
beforeAll(async () => {
  service = run(process.execPath, [program, '--port', '0'], '/')
  base = `http://127.0.0.1:${(await service.until(/port (\d+)/))[1]}`
})

/** A server of streams and callbacks for one test; the stream that it asked for is closed with it. */
async function open(answer: (request: IncomingMessage, response: ServerResponse) => void, options: object = {}) {
  const callbacks: unknown[] = []
  const requests: { readonly request: IncomingMessage; readonly body: string }[] = []
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
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const wanted = { streamUrl: `${url}/stream`, callbackUrl: `${url}/callback`, initialDelayMs: 1, ...options }
  const made = await fetch(base, { method: 'POST', body: JSON.stringify(wanted) })
  expect(made.status).toBe(201)
  const location = new URL(made.headers.get('location') ?? '', base).href
  onTestFinished(async () => {
    await fetch(location, { method: 'DELETE' })
    server.closeAllConnections()
    server.close()
  })
  const command = async (said: object) => (await fetch(location, { method: 'POST', body: JSON.stringify(said) })).status
  return { callbacks, requests, command, location }
}

const begin = (response: ServerResponse, text: string) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.write(text)
}

test('says what it can do', async () => {
  const said = (await (await fetch(base)).json()) as { readonly capabilities: readonly string[] }
  expect(said.capabilities).toHaveLength(10)
})

test('tells comments and events, of the types that are listened to', async () => {
  const held: ServerResponse[] = []
  const { callbacks, command } = await open((_, response) => {
    begin(response, ':hello\n\nid: 1\ndata: a\n\n')
    held.push(response)
  })
  await vi.waitFor(() =>
    expect(callbacks).toEqual([
      [1, { kind: 'comment', comment: 'hello' }],
      [2, { kind: 'event', event: { type: 'message', data: 'a', id: '1' } }],
    ]),
  )
  expect(await command({ command: 'listen', listen: { type: 'put' } })).toBe(202)
  held[0]?.write('event: patch\ndata: b\n\nevent: put\ndata: c\n\n')
  await vi.waitFor(() =>
    expect(callbacks[2]).toEqual([3, { kind: 'event', event: { type: 'put', data: 'c', id: '1' } }]),
  )
})

test.each(['POST', 'REPORT'])('asks by %s with a body, headers and the last id', async method => {
  const options = { method, body: '{"a":1}', headers: { 'x-mine': 'yes' }, lastEventId: '42' }
  const { requests } = await open((_, response) => begin(response, ':\n\n'), options)
  await vi.waitFor(() => expect(requests).toHaveLength(1))
  expect(requests[0]).toMatchObject({ body: '{"a":1}', request: { method } })
  expect(requests[0]?.request.headers).toMatchObject({ 'x-mine': 'yes', 'last-event-id': '42' })
})

test('comes back when it is told to, with the last id', async () => {
  const { requests, callbacks, command } = await open((_, response) => begin(response, 'id: 7\ndata: a\n\n'))
  await vi.waitFor(() => expect(callbacks).toHaveLength(1))
  expect(await command({ command: 'restart' })).toBe(202)
  await vi.waitFor(() => expect(requests).toHaveLength(2))
  expect(requests[1]?.request.headers['last-event-id']).toBe('7')
})

test('comes back after silence, and says that it was an error', async () => {
  const { requests, callbacks } = await open((_, response) => begin(response, ':\n\n'), { readTimeoutMs: 50 })
  await vi.waitFor(() => expect(requests.length).toBeGreaterThan(1))
  await vi.waitFor(() => expect(callbacks).toContainEqual([2, expect.objectContaining({ kind: 'error' })]))
})

test('does not come back after 204', async () => {
  let count = 0
  const { requests, callbacks, command } = await open((_, response) => {
    if (++count === 1) begin(response, 'data: a\n\n')
    else response.writeHead(204)
    response.end()
  })
  await vi.waitFor(() => expect(requests).toHaveLength(2))
  await vi.waitFor(() => expect(callbacks.length).toBeGreaterThan(0))
  expect(await command({ command: 'listen', listen: { type: 'x' } })).toBe(202)
  expect(requests).toHaveLength(2)
})

test('refuses what it does not know', async () => {
  const { command, location } = await open((_, response) => begin(response, ':\n\n'))
  expect(await command({ command: 'dance' })).toBe(400)
  for (const body of ['{', '{}', 'null']) expect((await fetch(base, { method: 'POST', body })).status).toBe(400)
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(204)
  expect(await command({ command: 'restart' })).toBe(404)
})

afterAll(async () => {
  await fetch(base, { method: 'DELETE' })
  expect(await service.ended).toBe(0)
})
