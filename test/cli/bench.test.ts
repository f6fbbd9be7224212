import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { benchFlags, readBenchOptions } from '../../src/cli/bench/options.js'
import type { BenchResult } from '../../src/cli/bench/result.js'
import { toFlagName } from '../../src/cli/flags.js'
import { encodeBlock } from '../../src/wire/encode.js'
import { readDocument } from '../support/document.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'

// Machines that are busy otherwise take their time.
vi.setConfig({ testTimeout: 60_000 })

const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

let directory = ''
let hub: HubProcess
const running = new Set<ChildProcess>()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-bench-'))
  hub = await startHubProcess()
})
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** The built `tidings bench`. */
function startBench(url: string, args: readonly string[], limit?: number) {
  const command = [process.execPath, entry, 'bench', '--url', url, ...args]
  const child =
    limit === undefined
      ? spawn(process.execPath, command.slice(1))
      : spawn('sh', ['-c', `ulimit -n ${limit}; exec "$@"`, 'sh', ...command])
  running.add(child)
  let output = ''
  let errors = ''
  child.stdout.on('data', (bytes: Buffer) => {
    output += String(bytes)
  })
  child.stderr.on('data', (bytes: Buffer) => {
    errors += String(bytes)
  })
  const ended = once(child, 'close').then(([code]): Ended => {
    running.delete(child)
    return { code, output, errors }
  })
  return { ended, interrupt: () => child.kill('SIGINT') }
}

async function bench(url: string, ...args: readonly string[]): Promise<Ended> {
  return startBench(url, args).ended
}

/** Of a run with `--json` in which the hub did as it should. */
function resultOf({ code, output, errors }: Ended): BenchResult {
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  return JSON.parse(output)
}

/** All was heard, in order, once, and the figures agree with each other. */
function expectWhole({ events, deliveries, latencyMs, publishing, clients, topics, connections }: BenchResult): void {
  expect(deliveries).toMatchObject({ lost: 0, told: 0, unheard: 0, repeated: 0, disordered: 0 })
  expect(deliveries.heard).toBe(deliveries.expected)
  expect(deliveries.expected).toBeGreaterThan(0)
  // Topics are published to in turn, and listened to in turn.
  const perClient = events.published / topics
  expect(deliveries.expected).toBeGreaterThanOrEqual(clients * Math.floor(perClient))
  expect(deliveries.expected).toBeLessThanOrEqual(clients * Math.ceil(perClient))
  expect(latencyMs.count).toBe(deliveries.heard)
  const { p50, p90, p99, max } = latencyMs
  expect([p50, p90, p99, max]).toEqual([p50, p90, p99, max].toSorted((a, b) => a - b))
  expect(p50).toBeGreaterThan(0)
  expect(publishing.latencyMs.count).toBeGreaterThan(0)
  expect(connections.awayAtEnd).toBe(0)
}

// At once, since most of it is waiting.
describe.concurrent('tidings bench', () => {
  it('measures 200 clients for two seconds, and tells what it is about and what it found', async () => {
    const run = await bench(hub.url, '--clients', '200', '--duration', '2s')
    expect(run).toMatchObject({ code: 0, errors: '' })
    const [, heard = '', expected = ''] = /^heard +([\d,]+) of ([\d,]+) deliveries/m.exec(run.output) ?? []
    expect(heard).toBe(expected)
    expect(Number(heard.replaceAll(',', ''))).toBeGreaterThan(200)
    expect(run.output).toMatch(/^latency +p50 [\d.]+ m?s +p90 [\d.]+ m?s +p99 [\d.]+ m?s +max [\d.]+ m?s$/m)
    expect(run.output).toContain('50 events/s of 128 bytes on 1 topic, 200 clients by event-stream')
    expect(run.output).toContain('Every client heard what it was promised.')
    expect(run.output).toMatch(/shared (the one processor|the \d+ processors) of this machine with the hub/)
    const [, topic = ''] = /under (bench\/[0-9a-f]{8})\/\*\*/.exec(run.output) ?? []
    expect(await (await fetch(`${hub.url}/topics`)).text()).toContain(`"${topic}/0"`)
    expect(run.output).not.toContain('\u001b')
  })

  it.each(['event-stream', 'ndjson', 'long-poll'])('finds all of several topics heard by %s', async transport => {
    const args = ['--clients', '50', '--topics', '7', '--rate', '200', '--size', '2000', '--transport', transport]
    const result = resultOf(await bench(hub.url, ...args, '--duration', '1s', '--json'))
    expect(result).toMatchObject({ clients: 50, topics: 7, rate: 200, sizeBytes: 2000, transport, url: hub.url })
    expectWhole(result)
    expect(result.connections.reconnects).toBe(0)
  })

  it('publishes as fast as it is answered with --rate 0', async () => {
    const args = ['--clients', '20', '--topics', '20', '--rate', '0', '--duration', '1s', '--json']
    const result = resultOf(await bench(hub.url, ...args))
    expectWhole(result)
    expect(result.publishing.latencyMs.count).toBe(result.events.published)
  })

  it.each([
    ['a log in a directory', 'lmdb'],
    ['a log that dies with it', 'memory'],
  ])(
    'counts those who come back to a hub that was killed, on %s',
    async (_, kind) => {
      const where = { port: await freePort(), log: kind === 'memory' ? 'memory:' : `lmdb:${join(directory, 'log')}` }
      let victim = await startHubProcess(where)
      const { url } = victim
      const { ended, interrupt } = startBench(url, ['--clients', '40', '--rate', '100', '--duration', '1h', '--json'])
      await vi.waitFor(async () => expect(await clientsHeard(url)).toBe(40), 15_000)
      await victim.kill()
      victim = await startHubProcess(where)
      await vi.waitFor(async () => expect(await clientsHeard(url)).toBe(40), 15_000)
      interrupt()
      const run = await ended
      expect(run.code, run.output + run.errors).toBe(0)
      const { deliveries, connections }: BenchResult = JSON.parse(run.output)
      expect(connections.reconnects).toBeGreaterThanOrEqual(40)
      expect(connections.awayAtEnd).toBe(0)
      expect(deliveries).toMatchObject({ lost: 0, unheard: 0, repeated: 0, disordered: 0 })
      expect(deliveries.heard + deliveries.told).toBe(deliveries.expected)
      if (kind === 'lmdb') expect([deliveries.told, connections.gaps]).toEqual([0, 0])
      else expect(connections.gaps).toBeGreaterThanOrEqual(40)
    },
    60_000,
  )

  it('shows what it has found when it is interrupted', async () => {
    const { url } = await startHubProcess()
    const { ended, interrupt } = startBench(url, ['--clients', '5', '--duration', '1h', '--json'])
    await vi.waitFor(async () => expect(await clientsHeard(url)).toBe(5), 15_000)
    interrupt()
    const result = resultOf(await ended)
    expectWhole(result)
    expect(result.durationMs).toBeLessThan(60_000)
  })
})

/** How many listen to the topic of the one bench that runs, once something was published there. */
async function clientsHeard(url: string): Promise<number> {
  const said = await (await fetch(`${url}/topics`)).text()
  return Number(/"topic":"bench\/.*?"subscribers":(\d+)/.exec(said)?.[1])
}

describe.concurrent('what tidings bench does not do', () => {
  it('is to load a hub on another machine unasked', async () => {
    // 192.0.2.0/24 is nobody's (RFC 5737): nothing is sent there.
    const { code, errors } = await bench('http://192.0.2.1:8080')
    expect([code, errors]).toEqual([2, expect.stringContaining('--yes-load-it')])
  })

  it.skipIf(process.platform === 'win32')('is to begin with more connections than it may open', async () => {
    const { code, errors } = await startBench(hub.url, ['--clients', '500'], 300).ended
    expect([code, errors]).toEqual([2, expect.stringContaining('ulimit -n')])
  })

  it('is to wait for a hub that is not there', async () => {
    const { code, errors } = await bench(`http://127.0.0.1:${await freePort()}`)
    expect([code, errors]).toEqual([4, expect.stringContaining('tidings serve --port')])
  })

  it('is to go on with events that are refused', async () => {
    const { code, errors } = await bench(hub.url, '--size', '300000', '--clients', '1')
    expect([code, errors]).toEqual([3, expect.stringContaining('too-large')])
  })

  it('is to go on without some of its clients', async () => {
    const full = await startHubProcess({ args: ['--limits-max-streams', '3'] })
    const { code, errors } = await bench(full.url, '--clients', '5')
    expect([code, errors]).toEqual([1, expect.stringContaining('Only 3 of 5 clients could listen')])
  })
})

describe('docs/guide/command-line.md', () => {
  it('names every option of the bench, and none else', async () => {
    const section = (await readDocument('docs/guide/command-line.md'))
      .split(/^## /m)
      .find(part => part.startsWith('tidings bench\n'))
    const named = [...(section ?? '').matchAll(/^\| `--([a-z-]+)/gm)].map(([, name]) => name)
    expect(named).toEqual(Object.keys(benchFlags).map(toFlagName))
    const lines = [...(section ?? '').matchAll(/^tidings bench (.*)$/gm)].map(([, args = '']) => args.split(' '))
    expect(lines.length).toBeGreaterThan(2)
    for (const args of lines) expect(readBenchOptions(args)).not.toBe('help')
  })
})

describe('a hub that does not do as it should', () => {
  let server: Server | undefined
  afterAll(() => {
    server?.closeAllConnections()
    server?.close()
  })

  /** Leaves out the third event, says the fifth twice, and the seventh after the eighth. */
  async function startCareless(): Promise<string> {
    const readers = new Set<ServerResponse>()
    let count = 0
    let held: string | undefined
    const say = (data: string): void => {
      for (const reader of readers) reader.write(encodeBlock({ id: `e1-${count}`, data }))
    }
    const hear = (data: string): void => {
      count++
      if (count === 3) return
      if (count === 7) {
        held = data
        return
      }
      say(data)
      if (count === 5) say(data)
      if (count === 8 && held !== undefined) say(held)
    }
    server = createServer(async (request, response) => {
      if (request.method === 'POST') {
        let body = ''
        for await (const bytes of request) body += String(bytes)
        for (const { data } of JSON.parse(body)) hear(data)
        response.setHeader('content-type', 'application/json').end('{"ids":[]}')
      } else if (request.headers.accept === 'application/json') {
        response.setHeader('content-type', 'application/json').end('{"events":[],"cursor":"e1-0","gap":null}')
      } else {
        response.setHeader('content-type', 'text/event-stream')
        response.write(encodeBlock({ id: 'e1-0', type: '$cursor', data: '' }))
        readers.add(response)
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return `http://127.0.0.1:${address.port}`
  }

  it('is caught: what it loses, repeats and shuffles is counted, for each client', async () => {
    const { code, output } = await bench(await startCareless(), '--clients', '3', '--duration', '1s', '--json')
    expect(code).toBe(1)
    const { deliveries, events }: BenchResult = JSON.parse(output)
    expect(deliveries).toMatchObject({
      expected: 3 * events.published,
      heard: 3 * (events.published - 1),
      lost: 3,
      repeated: 3,
      disordered: 3,
    })
  })
})
