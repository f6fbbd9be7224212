import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { freePort, type HubProcess, startHubProcess } from '../../support/hub-process.js'
import { Random, runSeed } from '../../support/random.js'
import { readAll } from './log-pages.js'
import { Publisher } from './publisher.js'
import { ResumingReader, type ResumingReaderOptions } from './resuming-reader.js'

/** What the command line gives the last events to get out. */
const drainMs = 8_000
const patience = { timeout: 20_000, interval: 10 }
const seed = runSeed()

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-drained-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

function read(options: ResumingReaderOptions): ResumingReader {
  const reader = new ResumingReader(options)
  onTestFinished(() => reader.stop())
  return reader
}

/** Keeps the hub from ending: a request whose body it waits for. The function that is returned lets go. */
async function holdOpen({ port }: HubProcess): Promise<() => void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  socket.write('POST /events/held HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n')
  // The hub has seen it, and wants its body.
  await once(socket, 'data')
  return () => void socket.destroy()
}

/** The code of the error with which a connection fails; nothing if it is taken. */
async function refusal(port: number): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1')
  const outcome = await new Promise<string | undefined>(resolve => {
    socket.on('connect', () => resolve(undefined))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
  socket.destroy()
  return outcome
}

describe(`a hub that is asked to end while everybody publishes, TIDINGS_SEED=${seed}`, () => {
  test('takes no more, lets out what was answered, and forgets none of it', async () => {
    const where = { port: await freePort(), log: `lmdb:${join(directory, 'busy')}` }
    let hub = await startHubProcess(where)
    const live = read({ port: hub.port, target: '/events?topic=**' })
    await vi.waitFor(() => expect(live.lastEventId).not.toBe(''), patience)
    const topics = ['news', 'chat']
    const random = new Random(seed)
    const publishers = (['single', 'array', 'lines'] as const).map(
      form => new Publisher({ port: hub.port, name: form, form, repeats: true, topics, random }),
    )
    onTestFinished(() => {
      for (const publisher of publishers) publisher.abandon()
    })
    await vi.waitFor(() => expect(live.events.length).toBeGreaterThan(200), patience)
    const letGo = await holdOpen(hub)

    const answeredBefore = publishers.flatMap(publisher => publisher.answered.map(({ data }) => data))
    const asked = performance.now()
    process.kill(hub.pid, 'SIGTERM')
    await vi.waitFor(async () => expect(await refusal(hub.port)).toBe('ECONNREFUSED'), patience)
    await vi.waitFor(() => expect(live.ended).toBe(1), patience)
    // It lives, and yet it refuses, which it does not do by hanging up.
    expect(await refusal(hub.port)).toBe('ECONNREFUSED')
    expect(hub.output()).not.toContain('Ended.')
    const heard = new Set(live.data)
    expect(answeredBefore.filter(data => !heard.has(data))).toEqual([])
    const [first = 0, later = 0, ...more] = live.retries[0] ?? []
    expect(later).toBeGreaterThan(first)
    expect(more).toEqual([])

    letGo()
    expect(await hub.ended).toEqual({ code: 0, signal: null })
    expect(performance.now() - asked).toBeLessThan(drainMs + 2_000)

    hub = await startHubProcess(where)
    await Promise.all(publishers.map(publisher => publisher.stop()))
    const log = await readAll(hub.url)
    await vi.waitFor(() => expect(live.events.length).toBe(log.length), patience)
    expect(live.data).toEqual(log.map(event => event.data))
    expect(live.gaps).toEqual([])
    const held = new Set(log.map(event => event.data))
    expect(publishers.flatMap(each => each.answered).filter(({ data }) => !held.has(data))).toEqual([])
    expect(held.size).toBe(log.length)
  }, 60_000)

  test('lets those who are catching up have the rest', async () => {
    const hub = await startHubProcess({ log: `lmdb:${join(directory, 'behind')}` })
    const texts = Array.from({ length: 400 }, (_, i) => `${i} ${'x'.repeat(32_000)}`)
    for (let i = 0; i < texts.length; i += 100) {
      const body = JSON.stringify(texts.slice(i, i + 100).map(data => ({ topic: 'long', data })))
      const headers = { 'content-type': 'application/json' }
      expect((await fetch(`${hub.url}/events`, { method: 'POST', headers, body })).status).toBe(200)
    }
    const behind = Array.from({ length: 5 }, () => read({ port: hub.port, target: '/events/long?since=earliest' }))
    await vi.waitFor(() => expect(behind.every(reader => reader.events.length > 0)).toBe(true), patience)
    for (const reader of behind) reader.pause()
    process.kill(hub.pid, 'SIGTERM')
    await vi.waitFor(() => expect(hub.output()).toContain('SIGTERM: ending 5 subscriptions'), patience)
    for (const reader of behind) reader.resume()
    expect(await hub.ended).toEqual({ code: 0, signal: null })
    await vi.waitFor(() => expect(behind.every(reader => reader.ended === 1)).toBe(true), patience)
    for (const reader of behind) {
      expect(reader.data.length).toBe(texts.length)
      expect(reader.data).toEqual(texts)
      expect(reader.retries[0]).toHaveLength(2)
    }
  }, 60_000)

  test('cuts off at the deadline who does not read, and ends well', async () => {
    const where = { port: await freePort(), log: `lmdb:${join(directory, 'stuck')}` }
    let hub = await startHubProcess(where)
    const reader = read({ port: hub.port, target: '/events/long' })
    await vi.waitFor(() => expect(reader.lastEventId).not.toBe(''), patience)
    reader.pause()
    // More than the kernel takes for who does not read.
    const data = 'x'.repeat(250_000)
    for (let i = 0; i < 60; i++) await fetch(`${hub.url}/events/long`, { method: 'POST', body: `${i} ${data}` })
    const asked = performance.now()
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
    expect(performance.now() - asked).toBeGreaterThan(drainMs - 100)
    expect(performance.now() - asked).toBeLessThan(drainMs + 5_000)
    hub = await startHubProcess(where)
    reader.resume()
    await vi.waitFor(() => expect(reader.events).toHaveLength(60), patience)
    expect(reader.data.map(text => Number.parseInt(text, 10))).toEqual(Array.from({ length: 60 }, (_, i) => i))
    expect(reader.gaps).toEqual([])
  }, 60_000)

  test('and asked again ends at once, with who does not read', async () => {
    const hub = await startHubProcess()
    const letGo = await holdOpen(hub)
    process.kill(hub.pid, 'SIGTERM')
    await vi.waitFor(() => expect(hub.output()).toContain('SIGTERM: ending'), patience)
    const asked = performance.now()
    // One that follows at once is taken for the first.
    const again = setInterval(() => process.kill(hub.pid, 'SIGTERM'), 50)
    onTestFinished(() => clearInterval(again))
    void hub.ended.then(() => clearInterval(again))
    expect(await hub.ended).toEqual({ code: 1, signal: null })
    expect(performance.now() - asked).toBeLessThan(drainMs / 2)
    letGo()
  }, 30_000)
})

test('does not wait for connections on which nothing was asked, as browsers open them', async () => {
  const hub = await startHubProcess()
  const socket = connect(hub.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  // Whatever is answered now was asked after that connection was taken.
  expect((await fetch(`${hub.url}/healthz`)).status).toBe(200)
  const began = performance.now()
  expect(await hub.terminate()).toEqual({ code: 0, signal: null })
  expect(performance.now() - began).toBeLessThan(drainMs - 1_000)
})
