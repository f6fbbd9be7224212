import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { freePort, startHubProcess } from '../../support/hub-process.js'
import { hasProc } from '../../support/proc.js'
import { Random, runSeed } from '../../support/random.js'
import { readAll } from './log-pages.js'
import { Publisher } from './publisher.js'
import { ResumingReader } from './resuming-reader.js'

const patience = { timeout: 30_000, interval: 10 }
const seed = runSeed()
const count = 3

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-workers-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** The processes that a process has started. */
function children(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** How many sockets a process has open, those of readers among them. */
function countSockets(pid: number): number {
  const fds = readdirSync(`/proc/${pid}/fd`)
  return fds.filter(fd => readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')).length
}

function read(port: number, target: string): ResumingReader {
  const reader = new ResumingReader({ port, target })
  onTestFinished(() => reader.stop())
  return reader
}

/** What has been counted, over all workers. */
async function counted(url: string): Promise<{ readonly requests: number; readonly appends: number }> {
  const figures = await (await fetch(`${url}/metrics`)).text()
  const of = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(figures)?.[1])
  return { requests: of('tidings_publish_requests_total'), appends: of('tidings_append_duration_seconds_count') }
}

describe.skipIf(!hasProc)(`a hub of ${count} workers, TIDINGS_SEED=${seed}`, () => {
  test('is one hub, of which a part may die', async () => {
    const port = await freePort()
    const hub = await startHubProcess({
      port,
      log: `lmdb:${join(directory, 'log')}`,
      args: ['--workers', String(count)],
    })
    expect(children(hub.pid)).toHaveLength(count)
    const readers = Array.from({ length: 30 }, () => read(port, '/events?topic=**&since=earliest'))
    await vi.waitFor(() => expect(readers.every(({ lastEventId }) => lastEventId !== '')).toBe(true), patience)

    // Whichever is asked, all are counted.
    for (let i = 0; i < count; i++) {
      expect(await (await fetch(`${hub.url}/events/news`, { method: 'POST', body: `${i}` })).json()).toHaveProperty(
        'id',
      )
      const { subscribers } = JSON.parse(await (await fetch(`${hub.url}/topics/news`)).text())
      expect(subscribers).toBe(readers.length)
      const figures = await (await fetch(`${hub.url}/metrics`)).text()
      expect(figures).toContain(`tidings_subscriptions{transport="event-stream",state="live"} ${readers.length}`)
      expect(figures).toContain(`tidings_log_events ${i + 1}`)
    }

    const random = new Random(seed)
    const publishers = (['single', 'array', 'lines'] as const).map(
      form => new Publisher({ port, name: form, form, repeats: true, topics: ['news', 'chat'], random }),
    )
    onTestFinished(() => {
      for (const publisher of publishers) publisher.abandon()
    })
    for (let round = 0; round < 3; round++) {
      const heard = readers.map(({ events }) => events.length)
      await vi.waitFor(() => {
        expect(readers.every(({ events }, i) => events.length > (heard[i] ?? 0) + 50)).toBe(true)
      }, patience)
      const before = children(hub.pid)
      const opened = readers.map(reader => reader.opened)
      const victim = random.pick(before)
      const mostCut = countSockets(victim)
      process.kill(victim, 'SIGKILL')
      await vi.waitFor(() => expect(hub.output()).toContain(`"pid":${victim},"how":"by SIGKILL"`), patience)
      await vi.waitFor(() => {
        const now = children(hub.pid)
        expect(now).toHaveLength(count)
        expect(now).not.toContain(victim)
      }, patience)
      await vi.waitFor(() => expect(hub.output().match(/listens again/g)).toHaveLength(round + 1), patience)
      await vi.waitFor(() => expect(readers.every(({ opened, ended }) => opened > ended)).toBe(true), patience)
      const cut = readers.filter((reader, i) => reader.opened > (opened[i] ?? 0)).length
      // Those of the others have noticed nothing.
      expect(cut).toBeLessThanOrEqual(mostCut)
    }
    await Promise.all(publishers.map(publisher => publisher.stop()))

    // Less would be a start from zero to Prometheus, and all that the others had counted new.
    const before = await counted(hub.url)
    expect(Math.min(before.requests, before.appends)).toBeGreaterThan(0)
    for (const [killed, victim] of children(hub.pid).entries()) {
      process.kill(victim, 'SIGKILL')
      await vi.waitFor(() => expect(hub.output().match(/listens again/g)).toHaveLength(4 + killed), patience)
    }
    expect(await counted(hub.url)).toEqual(before)

    const log = await readAll(hub.url)
    for (const reader of readers) {
      await vi.waitFor(() => expect(reader.events.length).toBeGreaterThanOrEqual(log.length), patience)
      expect(reader.data).toEqual(log.map(({ data }) => data))
      expect(reader.gaps).toEqual([])
    }
    const held = new Set(log.map(({ data }) => data))
    expect(held.size).toBe(log.length)
    expect(publishers.flatMap(each => each.answered).filter(({ data }) => !held.has(data))).toEqual([])

    const workers = children(hub.pid)
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
    expect(hub.output()).toMatch(/Ended 30 subscriptions: 30 let go/)
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  }, 120_000)

  test('ends with the process that owns the log', async () => {
    const hub = await startHubProcess({ log: `lmdb:${join(directory, 'orphans')}`, args: ['--workers', '2'] })
    const workers = children(hub.pid)
    expect(workers).toHaveLength(2)
    // Within a transaction they stood still instead, with the lock of the log, and the next hub on it could not publish.
    const random = new Random(seed)
    const publishers = Array.from({ length: 6 }, (_, i) => {
      return new Publisher({ port: hub.port, name: `${i}`, form: 'single', repeats: true, topics: ['news'], random })
    })
    await vi.waitFor(() => expect(publishers.every(({ answered }) => answered.length > 5)).toBe(true), patience)
    await hub.kill()
    for (const publisher of publishers) publisher.abandon()
    const isGone = (pid: number): boolean => {
      try {
        return readFileSync(`/proc/${pid}/status`, 'utf8').includes('State:\tZ')
      } catch {
        return true
      }
    }
    await vi.waitFor(() => expect(workers.every(isGone)).toBe(true), patience)
  }, 60_000)
})

describe('workers', () => {
  test.each([
    [['--log', 'memory:', '--workers', '2'], 'a log in memory is in one process'],
    [['--log', 'lmdb:never', '--durability', 'async', '--workers', '2'], 'belongs to one process'],
    [['--workers', '0'], 'auto'],
  ])('%j is refused at start', async (args, message) => {
    await expect(startHubProcess({ args })).rejects.toThrow(message)
  })

  // One such was taken for a worker of ours, and waited for orders that nobody gave.
  test('are told from a hub that a manager starts with node:cluster', async () => {
    const manager = `
      import cluster from 'node:cluster'
      cluster.setupPrimary({ exec: process.argv[1], execArgv: [], args: ['serve', '--port', '0', '--log', 'memory:'] })
      const worker = cluster.fork()
      worker.on('exit', code => process.exit(code))
      process.on('SIGTERM', () => worker.process.kill('SIGTERM'))`
    const entry = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
    const child = spawn(process.execPath, ['--input-type=module', '-e', manager, entry])
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    let output = ''
    child.stdout.on('data', chunk => {
      output += chunk
    })
    await vi.waitFor(() => expect(output).toContain('Listening on'), patience)
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  }, 60_000)
})
