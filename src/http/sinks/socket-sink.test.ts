import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HeldSockets } from './held-sockets.js'
import { SocketSink } from './socket-sink.js'

let server: Server
let near: Socket
let far: Socket
let sockets: HeldSockets
let listener: ReturnType<typeof createListener>

function createListener() {
  return { drained: vi.fn<() => void>(), stalled: vi.fn<() => void>(), closed: vi.fn<() => void>() }
}

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true, noDelay: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  far = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1')
  ;[near] = await once(server, 'connection')
  sockets = new HeldSockets({ writeTimeoutMs: 5000 })
  sockets.take(near)
  listener = createListener()
})

afterEach(async () => {
  sockets.destroyAll()
  far.destroy()
  await new Promise(resolve => server.close(resolve))
})

function open(head = 'head '): SocketSink {
  const sink = new SocketSink(near, Buffer.from(head))
  sink.listen(listener)
  return sink
}

/** More than the kernel takes for a reader that does not read. */
const flood = Buffer.alloc(32 * 1024 * 1024)

describe('a sink on a socket', () => {
  test('sends its head with the first bytes, in one write, and the same bytes to all after that', async () => {
    const write = vi.spyOn(near, 'write')
    const sink = open()
    const shared = Buffer.from('second')
    expect(sink.write(Buffer.from('first '))).toBe(true)
    expect(sink.write(shared)).toBe(true)
    expect(write.mock.calls.map(([bytes]) => String(bytes))).toEqual(['head first ', 'second'])
    expect(write.mock.calls[1]?.[0]).toBe(shared)
    // A callback for each write would be a closure for each.
    expect(write.mock.calls.every(call => call.length === 1)).toBe(true)
    const [bytes] = await once(far, 'data')
    expect(String(bytes)).toContain('head first ')
  })

  test('sends its head also when it ends at once', async () => {
    open().end()
    expect(String((await once(far, 'data'))[0])).toBe('head ')
    await once(far, 'end')
  })

  test('holds nothing back that the kernel takes, however large', async () => {
    far.resume()
    const sink = open()
    // Over the high-water mark, for which `Socket.write` says false whatever becomes of it.
    for (let i = 0; i < 10; i++) {
      expect(sink.write(Buffer.alloc(100_000))).toBe(near.writableLength === 0)
      await vi.waitFor(() => expect(near.writableLength).toBe(0))
    }
    expect(near.writableNeedDrain).toBe(false)
  })

  test('tells of a drain only after it has held bytes back, and once', async () => {
    const sink = open()
    // Whether a 'drain' follows this one depends on the version of Node.js.
    expect(sink.write(Buffer.alloc(near.writableHighWaterMark + 1))).toBe(true)
    near.emit('drain')
    await new Promise(setImmediate)
    expect(listener.drained).not.toHaveBeenCalled()
    expect(sink.write(flood)).toBe(false)
    expect(listener.drained).not.toHaveBeenCalled()
    far.resume()
    await vi.waitFor(() => expect(listener.drained).toHaveBeenCalledTimes(1))
    expect(near.writableLength).toBe(0)
    expect(sink.write(Buffer.from('x'))).toBe(true)
  })

  test('tells when its reader stands still', async () => {
    const sink = open()
    sink.write(flood)
    sink.watchStall(100)
    await vi.waitFor(() => expect(listener.stalled).toHaveBeenCalled())
    expect(near.destroyed).toBe(false)
  })

  test('tells once that its socket is gone, whoever closed it', async () => {
    open().write(Buffer.from('x'))
    far.destroy()
    await vi.waitFor(() => expect(listener.closed).toHaveBeenCalledTimes(1))
    expect(sockets.size).toBe(0)
  })

  test('sends what was written before it ends, and nothing after', async () => {
    const sink = open('')
    sink.write(flood)
    sink.end()
    sink.end()
    expect(sink.write(Buffer.from('late'))).toBe(true)
    let size = 0
    far.on('data', bytes => {
      size += bytes.length
    })
    await once(far, 'end')
    expect(size).toBe(flood.length)
    await vi.waitFor(() => expect(listener.closed).toHaveBeenCalledTimes(1))
  })

  test('drops what was not sent when it is destroyed', async () => {
    const sink = open()
    sink.write(flood)
    sink.destroy()
    sink.destroy()
    await vi.waitFor(() => expect(listener.closed).toHaveBeenCalledTimes(1))
    expect(listener.drained).not.toHaveBeenCalled()
  })
})
