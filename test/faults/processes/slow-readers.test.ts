import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { defaultRecentBytes } from '../../../src/cli/settings/kept.js'
import type { HubProcess } from '../../support/hub-process.js'
import { forgetPeak, hasProc, peakBytes } from '../../support/proc.js'
import { startTunedHub } from '../../support/tuned-hub.js'
import { ResumingReader } from './resuming-reader.js'

const mib = 1024 * 1024
const readers = 100
const eventBytes = 16_000
const events = Math.ceil(20_000_000 / eventBytes)
/** While the events go through; and until all that were left behind have read again, which is bounded as well. */
const maxGrowthMib = 96
const maxCatchUpGrowthMib = 192
const patience = { timeout: 40_000, interval: 50 }

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-slow-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A reader that counts what it hears, for as long as it hears what is next: all of it would be 4 GB. */
class CountingReader extends ResumingReader {
  heard = 0

  constructor(port: number) {
    const onEvent = ({ data }: { readonly data: string }): void => {
      if (data !== dataOf(this.heard)) throw new Error(`heard "${data.slice(0, 20)}" after ${this.heard} events`)
      this.heard++
    }
    super({ port, target: '/events/bulk', keepsEvents: false, onEvent })
  }
}

const filler = 'x'.repeat(eventBytes)
const texts = Array.from({ length: events }, (_, i) => `${i} ${filler}`.slice(0, eventBytes))
const dataOf = (number: number): string => texts[number] ?? ''

describe.skipIf(!hasProc)('200 readers, of which 100 do not read, while 20 MB go through', () => {
  test.each(['memory:', 'lmdb:'] as const)(
    'cost little memory and lose nothing, %s',
    async kind => {
      const log = kind === 'lmdb:' ? `lmdb:${join(directory, 'log')}` : kind
      const maxRecentBytes = defaultRecentBytes(kind === 'lmdb:' ? { kind: 'lmdb', directory } : { kind: 'memory' })
      const hub = await startTunedHub({ hub: { stallMs: 0, maxRecentBytes } }, { log })
      await warmUp(hub)
      forgetPeak(hub.pid)
      const before = peakBytes(hub.pid)

      const [quick, stalled] = await connectAll(hub)
      await publish(hub, 0, events)
      await vi.waitFor(() => expect(quick.filter(lacksSome).length).toBe(0), patience)
      const { heldBytes, catchingUp } = await hub.status()
      expect(catchingUp).toBe(readers)
      expect(heldBytes).toBeGreaterThan(0)
      expect(stalled.filter(reader => reader.heard > 0).length).toBe(0)
      expect((peakBytes(hub.pid) - before) / mib, 'MiB while they stand still').toBeLessThan(maxGrowthMib)

      for (const reader of stalled) reader.resume()
      await vi.waitFor(() => expect(stalled.filter(lacksSome).length).toBe(0), patience)
      expect((peakBytes(hub.pid) - before) / mib, 'MiB until they have read').toBeLessThan(maxCatchUpGrowthMib)
      console.log(`${kind} grew by ${((peakBytes(hub.pid) - before) / mib).toFixed(1)} MiB, held ${heldBytes}`)
      for (const { heard, gaps, opened } of [...quick, ...stalled])
        expect([heard, gaps, opened]).toEqual([events, [], 1])
      expect(await hub.status()).toMatchObject({ subscriptions: 2 * readers, catchingUp: 0, heldBytes: 0 })
    },
    120_000,
  )

  test('are cut off after `stallMs`, and resume', async () => {
    const hub = await startTunedHub({ hub: { stallMs: 1000 } })
    await warmUp(hub)
    forgetPeak(hub.pid)
    const before = peakBytes(hub.pid)

    const [quick, stalled] = await connectAll(hub)
    await publish(hub, 0, events)
    await vi.waitFor(() => expect(quick.filter(lacksSome).length).toBe(0), patience)
    await vi.waitFor(
      async () => expect(await hub.status()).toMatchObject({ subscriptions: readers, heldBytes: 0 }),
      patience,
    )
    for (const reader of stalled) reader.resume()
    await vi.waitFor(() => expect(stalled.filter(lacksSome).length).toBe(0), patience)
    expect((peakBytes(hub.pid) - before) / mib, 'MiB').toBeLessThan(maxGrowthMib)
    for (const { heard, gaps } of [...quick, ...stalled]) expect([heard, gaps]).toEqual([events, []])
    expect(stalled.filter(reader => reader.opened < 2).length).toBe(0)
  }, 120_000)
})

async function connectAll({ port }: HubProcess): Promise<readonly [CountingReader[], CountingReader[]]> {
  const connect = () => new CountingReader(port)
  const quick = Array.from({ length: readers }, connect)
  const stalled = Array.from({ length: readers }, connect)
  onTestFinished(() => {
    for (const reader of [...quick, ...stalled]) reader.stop()
  })
  await vi.waitFor(() => expect([...quick, ...stalled].every(each => each.lastEventId !== '')).toBe(true), patience)
  for (const reader of stalled) reader.pause()
  return [quick, stalled]
}

/** Loads what the hub loads once, and lets it be compiled. */
async function warmUp({ port }: HubProcess): Promise<void> {
  const reader = new ResumingReader({ port, target: '/events/warm' })
  await vi.waitFor(() => expect(reader.lastEventId).not.toBe(''), patience)
  const agent = new Agent({ keepAlive: true })
  for (let i = 0; i < 100; i++) await post(port, agent, '/events/warm', 'warm')
  await vi.waitFor(() => expect(reader.events).toHaveLength(100), patience)
  reader.stop()
  agent.destroy()
}

async function publish({ port }: HubProcess, from: number, to: number): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  for (let number = from; number < to; number++) await post(port, agent, '/events/bulk', dataOf(number))
  agent.destroy()
}

async function post(port: number, agent: Agent, path: string, data: string): Promise<void> {
  const headers = { 'Content-Type': 'text/plain' }
  const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent })
  sent.end(data)
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  expect(response.statusCode).toBe(200)
}

const lacksSome = (reader: CountingReader) => reader.heard < events
