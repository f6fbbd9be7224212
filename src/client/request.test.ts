import { expect, test } from 'vitest'
import { type FetchInit, isEventStream, requestStream, type StreamRequest } from './request.js'

async function sent(request: Partial<StreamRequest>): Promise<FetchInit> {
  let sent: FetchInit | undefined
  const fetch = async (_url: string, init: FetchInit) => {
    sent = init
    return new Response()
  }
  await requestStream({ url: 'http://x/', signal: new AbortController().signal, fetch, ...request })
  if (!sent) throw new Error('nothing was sent')
  return sent
}

test('asks for a stream, past caches, with cookies for its own origin', async () => {
  expect(await sent({})).toEqual({
    headers: { accept: 'text/event-stream' },
    cache: 'no-store',
    signal: expect.any(AbortSignal),
  })
  expect(await sent({ withCredentials: true })).toMatchObject({ credentials: 'include' })
  expect(await sent({ method: 'POST', body: '{}' })).toMatchObject({ method: 'POST', body: '{}' })
})

test('sends the last id as the bytes of UTF-8', async () => {
  expect((await sent({ lastEventId: 'né한' })).headers['last-event-id']).toBe('n\xc3\xa9\xed\x95\x9c')
  expect((await sent({ lastEventId: '' })).headers).not.toHaveProperty('last-event-id')
})

test('lets given headers go before its own, in whatever case', async () => {
  const headers = { Accept: 'application/json', 'last-event-id': '7', Authorization: 'Bearer t' }
  expect((await sent({ headers, lastEventId: '3' })).headers).toEqual({
    accept: 'application/json',
    'last-event-id': '7',
    authorization: 'Bearer t',
  })
})

test('leaves out what a runtime has no word for', async () => {
  const { Request } = globalThis
  globalThis.Request = class {} as unknown as typeof Request
  try {
    expect(JSON.parse(JSON.stringify(await sent({ withCredentials: true })))).toEqual({
      headers: { accept: 'text/event-stream' },
      signal: {},
    })
  } finally {
    globalThis.Request = Request
  }
})

test('a fetch that throws rejects', async () => {
  const fetch = (): never => {
    throw new TypeError('no')
  }
  await expect(sent({ fetch })).rejects.toThrow('no')
})

test.each([
  ['text/event-stream', true],
  ['TEXT/Event-Stream', true],
  ['text/event-stream;charset=utf-8', true],
  ['text/event-stream ; x="a,b;\\"c"', true],
  ['text/html, text/event-stream', true],
  ['text/event-stream, text/html', false],
  ['text/event-stream; x="text/html, text/plain"', true],
  ['text/html; x=", text/event-stream"', false],
  ['text/event-stream, */*', true],
  ['text/event-stream, nonsense', true],
  ['text/event-streams', false],
  ['text/event-stream x', false],
  ['text/plain', false],
  ['', false],
])('the type %j is that of a stream: %s', (type, expected) => {
  const response = { headers: new Headers({ 'content-type': type }) } as Response
  expect(isEventStream(response)).toBe(expected)
})
