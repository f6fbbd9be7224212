import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startTunedHub } from '../../support/tuned-hub.js'
import { ResumingReader, type ResumingReaderOptions } from './resuming-reader.js'

const patience = { timeout: 20_000, interval: 10 }

function read(options: ResumingReaderOptions): ResumingReader {
  const reader = new ResumingReader(options)
  onTestFinished(() => reader.stop())
  return reader
}

const publish = async (url: string, topic: string, body: string): Promise<string> => {
  const response = await fetch(`${url}/events/${topic}`, { method: 'POST', body })
  const { id }: { id: string } = JSON.parse(await response.text())
  return id
}

describe('the times of the contract, over real sockets', () => {
  test('after silence a stream is sent its cursor, which moves though nothing matched', async () => {
    const heartbeatMs = 400
    const hub = await startTunedHub({ hub: { heartbeatMs } })
    const reader = read({ port: hub.port, target: '/events/quiet' })
    await vi.waitFor(() => expect(reader.hubEvents).toHaveLength(1), patience)
    const began = performance.now()
    const id = await publish(hub.url, 'busy', 'not for the quiet')
    const beats = 6
    await vi.waitFor(() => expect(reader.hubEvents).toHaveLength(1 + beats), patience)
    // At least three quarters of the interval lie between two, less a tick of the wheel for where the first one began.
    expect(performance.now() - began).toBeGreaterThan(beats * heartbeatMs * (11 / 16))
    for (const { type, data } of reader.hubEvents) expect([type, data]).toEqual(['$cursor', ''])
    expect(reader.hubEvents.at(-1)?.id).toBe(id)
    expect([reader.lastEventId, reader.opened, reader.events]).toEqual([id, 1, []])
  })

  test('`retry` lies within 20 % of what is set, and differs from connection to connection', async () => {
    const hub = await startTunedHub({ hub: { retryMs: 10_000 } })
    const readers = Array.from({ length: 60 }, () => read({ port: hub.port, target: '/events/quiet' }))
    await vi.waitFor(() => expect(readers.every(reader => reader.lastEventId !== '')).toBe(true), patience)
    const retries = readers.map(reader => reader.retries[0]?.[0] ?? 0)
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(8_000)
    expect(Math.max(...retries)).toBeLessThanOrEqual(12_000)
    // Of 60 evenly spread values all in three quarters of the span: once in ten million runs.
    expect(Math.max(...retries) - Math.min(...retries)).toBeGreaterThan(3_000)
  })

  test('`retry` is never under 500 ms', async () => {
    const hub = await startTunedHub({ hub: { retryMs: 500 } })
    const readers = Array.from({ length: 20 }, () => read({ port: hub.port, target: '/events/quiet' }))
    await vi.waitFor(() => expect(readers.every(reader => reader.lastEventId !== '')).toBe(true), patience)
    const retries = readers.map(reader => reader.retries[0]?.[0] ?? 0)
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(500)
    expect(Math.max(...retries)).toBeLessThanOrEqual(600)
  })

  test('a reader that takes no byte is cut off after `stallMs`; one that is only silent is not', async () => {
    const stallMs = 600
    const hub = await startTunedHub({ hub: { stallMs } })
    const idle = read({ port: hub.port, target: '/events/quiet' })
    const stalled = read({ port: hub.port, target: '/events/loud' })
    await vi.waitFor(() => expect([idle.lastEventId, stalled.lastEventId]).not.toContain(''), patience)
    stalled.pause()
    const texts = Array.from({ length: 60 }, (_, i) => `${i} ${'x'.repeat(250_000)}`)
    for (const text of texts) await publish(hub.url, 'loud', text)
    await vi.waitFor(async () => expect(await hub.status()).toMatchObject({ subscriptions: 1, heldBytes: 0 }), patience)
    stalled.resume()
    await vi.waitFor(() => expect(stalled.events.length).toBeGreaterThanOrEqual(texts.length), patience)
    expect(stalled.data.map(text => text.length)).toEqual(texts.map(text => text.length))
    expect(stalled.data.map(text => Number.parseInt(text, 10))).toEqual(texts.map((_, i) => i))
    expect([stalled.opened, stalled.gaps, idle.opened]).toEqual([2, [], 1])
  })
})
