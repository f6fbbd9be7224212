import { expect, test, vi } from 'vitest'
import { type EventStreamOptions, readEventStream } from './event-stream.js'

const bytes = (text: string) => new TextEncoder().encode(text)

/** A body that is given by hand. */
function createBody() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const cancelled = vi.fn()
  const pulled = vi.fn()
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      pull: pulled,
      cancel: cancelled,
    },
    { highWaterMark: 0 },
  )
  return {
    body,
    cancelled,
    pulled,
    say: (text: string) => controller?.enqueue(bytes(text)),
    end: () => controller?.close(),
    fail: (error: unknown) => controller?.error(error),
  }
}

function read(options: Partial<EventStreamOptions> = {}) {
  const source = createBody()
  const heard: string[] = []
  const stream = readEventStream(source.body, { onEvent: ({ data }) => heard.push(data), ...options })
  return { ...source, heard, stream }
}

test('reads to the end, and drops a block that was not finished', async () => {
  const { say, end, heard, stream } = read()
  say('id: 1\ndata: a\n')
  say('\nid: 2\ndata: b\n')
  end()
  await stream.ended
  expect(heard).toEqual(['a'])
  expect(stream.lastEventId).toBe('1')
})

test('an answer without a body has ended', async () => {
  await readEventStream(null, { onEvent() {} }).ended
})

test('closed in a handler, it stops in the middle of the chunk', async () => {
  const heard: string[] = []
  const { body, cancelled, say } = createBody()
  const stream = readEventStream(body, {
    onEvent({ data }) {
      heard.push(data)
      if (data === 'b') stream.close()
    },
  })
  say('data: a\n\ndata: b\n\ndata: c\n\n')
  await stream.ended
  expect(heard).toEqual(['a', 'b'])
  expect(cancelled).toHaveBeenCalledOnce()
})

test('closed while it waits for bytes, it ends', async () => {
  const { stream, cancelled } = read()
  stream.close()
  stream.close()
  await stream.ended
  expect(cancelled).toHaveBeenCalledOnce()
})

test('rejects as the connection does, but not when it was closed before', async () => {
  const lost = read()
  lost.fail(new TypeError('terminated'))
  await expect(lost.stream.ended).rejects.toThrow('terminated')
  const left = read()
  left.fail(new TypeError('terminated'))
  left.stream.close()
  await left.stream.ended
})

test('rejects as a handler does, and gives the body up', async () => {
  const { say, stream, cancelled } = read({
    onEvent() {
      throw new RangeError('mine')
    },
  })
  say('data: a\n\n')
  await expect(stream.ended).rejects.toThrow('mine')
  expect(cancelled).toHaveBeenCalledOnce()
})

test('gives a block up that is too long', async () => {
  const { say, stream, cancelled } = read({ maxChars: 100 })
  say(`data: ${'x'.repeat(400)}`)
  await expect(stream.ended).rejects.toMatchObject({ code: 'too-large' })
  expect(cancelled).toHaveBeenCalledOnce()
})

test('reads no more until it is told to, and tells of every chunk', async () => {
  let goOn: () => void = () => undefined
  const chunks: number[] = []
  const { say, end, heard, stream, pulled } = read({
    afterChunk(length) {
      chunks.push(length)
      if (length > 4) return new Promise(resolve => (goOn = resolve))
    },
  })
  say('data: a\n\n')
  await vi.waitFor(() => expect(heard).toEqual(['a']))
  const before = pulled.mock.calls.length
  say(':\n')
  await new Promise(setImmediate)
  expect(pulled.mock.calls.length).toBe(before)
  expect(chunks).toEqual([9])
  goOn()
  await vi.waitFor(() => expect(chunks).toEqual([9, 2]))
  end()
  await stream.ended
})
