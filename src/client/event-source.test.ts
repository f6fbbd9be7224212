import { afterEach, describe, expect, test, vi } from 'vitest'
import { EventSource } from './event-source.js'
import type { FetchInit } from './request.js'

afterEach(() => void vi.useRealTimers())

const streamOf = (text: string, init: ResponseInit = {}) =>
  new Response(text, { headers: { 'content-type': 'text/event-stream' }, ...init })

/** An EventSource whose requests get these answers in turn, and then 204. */
function answered(...answers: readonly (() => Response | Promise<Response>)[]) {
  const asked: { readonly url: string; readonly init: FetchInit }[] = []
  const source = new EventSource('http://hub.example/events', {
    fetch: async (url, init) => {
      asked.push({ url, init })
      return (answers[asked.length - 1] ?? (() => new Response(null, { status: 204 })))()
    },
  })
  const heard: unknown[] = []
  source.onopen = () => heard.push('open')
  source.onmessage = ({ data, origin, lastEventId }) => heard.push([data, origin, lastEventId])
  source.onerror = () => heard.push(source.readyState)
  return { asked, heard, source }
}

const failed = () => Promise.reject(new TypeError('fetch failed'))

describe('a fetch of one’s own', () => {
  test('is given the URL, and all that the request is to have', async () => {
    const { asked, heard } = answered(() => streamOf('retry: 1\nid: é\ndata: a\n\n'))
    await vi.waitFor(() => expect(heard.at(-1)).toBe(2))
    expect(heard).toEqual(['open', ['a', 'http://hub.example', 'é'], 0, 2])
    expect(asked).toMatchObject([
      {
        url: 'http://hub.example/events',
        init: { headers: { accept: 'text/event-stream' }, cache: 'no-store' },
      },
      { init: { headers: { accept: 'text/event-stream', 'last-event-id': '\xc3\xa9' } } },
    ])
    expect(asked[0]?.init.headers).not.toHaveProperty('last-event-id')
  })

  test('says by its answer where the events are from', async () => {
    const response = streamOf('data: a\n\n')
    Object.defineProperty(response, 'url', { value: 'https://other.example/stream' })
    const { heard, source } = answered(() => response)
    await vi.waitFor(() => expect(heard).toContainEqual(['a', 'https://other.example', '']))
    source.close()
  })

  test('is told when nobody wants its answer any more, and nothing is heard then', async () => {
    const { asked, heard, source } = answered(() => new Promise(() => undefined))
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    source.close()
    expect([asked[0]?.init.signal.aborted, heard]).toEqual([true, []])
  })

  test.each([
    ['another type', () => new Response('data: a\n\n', { headers: { 'content-type': 'text/plain' } })],
    ['another status', () => streamOf('data: a\n\n', { status: 206 })],
  ])('that answers with %s closes it for good', async (_, answer) => {
    const { asked, heard } = answered(answer)
    await vi.waitFor(() => expect(heard).toEqual([2]))
    expect(asked).toHaveLength(1)
  })
})

test('what gets no answer is tried again after longer and longer waits, up to 64 seconds, and an answer makes up for it', async () => {
  const waits: unknown[] = []
  const wait = vi.spyOn(globalThis, 'setTimeout').mockImplementation((callback, ms) => {
    waits.push(ms)
    return setImmediate(callback) as never
  })
  const answers = [...Array.from({ length: 9 }, () => failed), () => streamOf('retry: 1\n\n'), failed, failed]
  const { heard } = answered(...answers)
  while (heard.at(-1) !== 2) await new Promise(resolve => setImmediate(resolve))
  wait.mockRestore()
  expect(waits).toEqual([3_000, 3_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000, 64_000, 1, 1_000, 2_000])
})

test('a retry longer than timers can be is one of the longest', async () => {
  vi.useFakeTimers()
  const wait = vi.spyOn(globalThis, 'setTimeout')
  const { asked, heard, source } = answered(() => streamOf(`retry: ${'9'.repeat(30)}\n\n`))
  await vi.waitFor(() => expect(heard).toEqual(['open', 0]))
  expect(wait.mock.lastCall?.[1]).toBe(2 ** 31 - 1)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(asked).toHaveLength(1)
  source.close()
})
