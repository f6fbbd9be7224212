import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/entry/client.js'
import { eventually, isOpen, listen, openHub } from './listen.js'
import { serve } from './way.js'

const stream = { 'Content-Type': 'text/event-stream' }

it('an id in a block without data is the one to come back with', async () => {
  const ids: unknown[] = []
  const url = await serve((request, answer) => {
    ids.push(request.headers['last-event-id'])
    answer
      .writeHead(ids.length > 2 ? 204 : 200, stream)
      .end(ids.length === 1 ? 'id: 1\ndata: x\n\nid: 7\n\n' : 'id\n\n')
  })
  const kept: string[] = []
  const storage = { getItem: () => '', setItem: (_: string, cursor: string) => void kept.push(cursor) }
  const { connection, heard } = listen(url, { backoffMs: 1, storage })
  await connection.closed
  expect([ids, heard, connection.cursor]).toEqual([[undefined, '7', undefined], ['x'], ''])
  expect(kept).toContain('7')
})

it('comments are told in their place among the events, whoever takes how long', async () => {
  const url = await serve((_, answer) => {
    answer.writeHead(200, stream).end(': one\n\ndata: a\n\n: two\n\ndata: b\n\n: three\n')
  })
  const slowly = {
    '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value }) },
  } as const
  for (const schemas of [undefined, { message: slowly }]) {
    const all: string[] = []
    const connection = connect(url, { ...(schemas && { schemas }), onComment: comment => all.push(comment) })
    onTestFinished(() => connection.close())
    for await (const { data } of connection) {
      all.push(data)
      await new Promise(resolve => setTimeout(resolve, 1))
      all.push(`${data} is done`)
      if (data === 'b') break
    }
    expect(all).toEqual(['one', 'a', 'a is done', 'two', 'b', 'b is done'])
  }
})

it('comments are told, and keep nothing from being read, where nobody listens to events', async () => {
  const comments: string[] = []
  const url = await serve(async (_, answer) => {
    answer.writeHead(200, stream)
    for (let i = 0; i < 5; i++) await new Promise(resolve => answer.write(`: ${i}\n`, resolve))
  })
  const connection = connect(url, { onComment: comment => comments.push(comment) })
  onTestFinished(() => connection.close())
  await eventually(() => expect(comments).toEqual(['0', '1', '2', '3', '4']))
})

it('what a handler of comments throws is told, and the events are heard', async () => {
  const url = await serve((_, answer) => void answer.writeHead(200, stream).write(': c\ndata: a\n\n'))
  const errors: unknown[] = []
  const connection = connect(url, {
    onError: error => errors.push(String(error)),
    onComment() {
      throw new Error('no')
    },
  })
  onTestFinished(() => connection.close())
  for await (const { data } of connection) {
    expect([data, errors]).toEqual(['a', ['Error: no']])
    break
  }
})

it('an id that HTTP cannot carry is left out', async () => {
  const ids: unknown[] = []
  const url = await serve((request, answer) => {
    ids.push(request.headers['last-event-id'])
    answer.writeHead(ids.length > 1 ? 204 : 200, stream).end('id: a\x01b\ndata: x\n\n')
  })
  const { connection } = listen(url, { backoffMs: 1 })
  expect(await connection.closed).toEqual({ reason: 'ended' })
  expect(ids).toEqual([undefined, undefined])
})

it.each([
  ['retry', { body: `retry: ${'9'.repeat(30)}\ndata: x\n\n`, status: 200, headers: {} }],
  ['Retry-After', { body: '', status: 503, headers: { 'Retry-After': '99999999999' } }],
  ['Retry-After, a date', { body: '', status: 429, headers: { 'Retry-After': 'Fri, 31 Dec 9999 23:59:59 GMT' } }],
])('a time beyond all bounds is an hour (%s)', async (_, { body, status, headers }) => {
  let asked = 0
  const url = await serve((_, answer) => {
    asked++
    answer.writeHead(status, { ...stream, ...headers }).end(body)
  })
  const { connection, changes } = listen(url)
  await eventually(() => expect(connection.state).toBe('waiting'))
  await new Promise(resolve => setTimeout(resolve, 20))
  const leftMs = (changes.at(-1)?.retryAt ?? 0) - Date.now()
  expect([asked, leftMs > 3_590_000, leftMs <= 3_601_000]).toEqual([1, true, true])
})

it('a token stays behind where a redirect leads to another origin, and is sent to its own again', async () => {
  const seen: unknown[] = []
  const other = await serve((request, answer) => {
    seen.push(['other', request.headers.authorization, request.headers.cookie])
    answer.writeHead(200, stream).end('retry: 1\ndata: x\n\n')
  })
  const url = await serve((request, answer) => {
    seen.push(['own', request.headers.authorization, request.headers['x-kind']])
    answer.writeHead(seen.length > 3 ? 204 : 302, { Location: other }).end()
  })
  const { connection } = listen(url, {
    backoffMs: 1,
    token: async () => 'secret',
    headers: async () => ({ 'X-Kind': 'k' }),
  })
  await connection.closed
  expect(seen).toEqual([
    ['own', 'Bearer secret', 'k'],
    ['other', undefined, undefined],
    ['own', 'Bearer secret', 'k'],
    ['other', undefined, undefined],
    ['own', 'Bearer secret', 'k'],
  ])
})

it('headers and tokens are asked for at each attempt, and what they throw is tried again', async () => {
  const seen: unknown[] = []
  const url = await serve((request, answer) => {
    seen.push([request.headers['x-n'], request.headers.authorization])
    answer.writeHead(seen.length > 2 ? 204 : 503).end()
  })
  let n = 0
  const { connection, changes } = listen(url, {
    backoffMs: 1,
    token: () => undefined,
    async headers() {
      if (++n === 2) throw new Error('away')
      return { 'X-N': `${n}` }
    },
  })
  expect(await connection.closed).toEqual({ reason: 'ended' })
  expect(seen).toEqual([
    ['1', undefined],
    ['3', undefined],
    ['4', undefined],
  ])
  expect(changes.find(({ error }) => error?.cause)?.error).toMatchObject({
    code: 'connection-lost',
    cause: { message: 'away' },
  })
})

it('an answer of which the body does not come is given up in time', async () => {
  let asked = 0
  const url = await serve((_, answer) => {
    if (++asked > 1) answer.writeHead(204).end()
    // A refusal that is never finished.
    else answer.writeHead(500, { 'Content-Type': 'application/problem+json' }).write('{"detail":')
  })
  const { connection, changes } = listen(url, { answerMs: 50, backoffMs: 1 })
  expect(await connection.closed).toEqual({ reason: 'ended' })
  expect(changes[0]?.error?.message).toBe('No answer came in 50 ms.')
})

it('a cursor may be kept by what answers later, and the first that is asked is that of the page before', async () => {
  const { url, say } = await openHub()
  const [first] = [await say('news', 'one'), await say('news', 'two')]
  const kept: string[] = []
  const storage = {
    getItem: async () => {
      await new Promise(resolve => setTimeout(resolve, 10))
      return first
    },
    setItem: async (_: string, cursor: string) => void kept.push(cursor),
  }
  const { connection, heard } = listen(`${url}/events/news`, { storage, since: 'now' })
  // Whoever wakes it meanwhile changes nothing.
  connection.reconnect()
  await isOpen(connection)
  const last = await say('news', 'three')
  await eventually(() => expect(heard).toEqual(['two', 'three']))
  await eventually(() => expect(kept.at(-1)).toBe(last))
  connection.reconnect()
  await eventually(() => expect(connection.statistics.opened).toBe(2))
  const end = await say('news', 'four')
  await eventually(() => expect(connection.cursor).toBe(end))
  expect([heard, connection.statistics.repeats]).toEqual([['two', 'three', 'four'], 0])
})

it('a stream that was closed is let go, and says nothing more, also where the fetch that was handed in takes no signal', async () => {
  const comments: string[] = []
  let isCancelled = false
  const body = new ReadableStream({
    start: to => to.enqueue(new TextEncoder().encode(': before\ndata: a\n\n: after\n')),
    cancel() {
      isCancelled = true
    },
  })
  const connection = connect('http://localhost/', {
    fetch: async () => new Response(body, { headers: stream }),
    onComment: comment => comments.push(comment),
  })
  connection.on('message', () => connection.close())
  await connection.closed
  await eventually(() => expect(isCancelled).toBe(true))
  expect(comments).toEqual(['before'])
})
