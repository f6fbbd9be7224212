import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { joinLmdbLog } from '../../../src/log/lmdb/join.js'
import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import type { EventLog } from '../../../src/log/log.js'

// Each commit waits for the disk, which others may keep busy.
vi.setConfig({ testTimeout: 90_000 })

const program = fileURLToPath(new URL('./member.mjs', import.meta.url))
const running = new Set<ChildProcess>()
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-members-'))
})
afterEach(() => rm(directory, { recursive: true }))
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

interface Member {
  readonly joinedAt: number
  /** Offsets that it was answered with. */
  readonly answered: number[]
  /** What it has followed, in its order. */
  readonly heard: { offset: number; data: string }[]
  kill(): Promise<void>
  /** Ends it after what it is doing. */
  end(): Promise<void>
}

async function startMember(name: string): Promise<Member> {
  const child = spawn(process.execPath, [program, directory, name], { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  const closed = once(child, 'close').then(() => void running.delete(child))
  const answered: number[] = []
  const heard: { offset: number; data: string }[] = []
  let joinedAt = -1
  createInterface({ input: child.stdout }).on('line', line => {
    const [, word, offset, data] = /^(\w+) (\d+) ?(.*)$/.exec(line) ?? []
    if (word === 'joined') joinedAt = Number(offset)
    else if (word === 'answered') answered.push(Number(offset))
    else heard.push({ offset: Number(offset), data: data ?? '' })
  })
  const member = {
    get joinedAt() {
      return joinedAt
    },
    answered,
    heard,
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
    end: async () => {
      child.stdin.end()
      await closed
    },
  }
  await vi.waitFor(() => expect(answered.length).toBeGreaterThan(0), { timeout: 15_000, interval: 5 })
  return member
}

async function readAll(log: EventLog): Promise<{ offset: number; data: string }[]> {
  const events: { offset: number; data: string }[] = []
  for (let cursor = 0; ; ) {
    const page = await log.read(cursor, { maxEvents: 1000, maxBytes: 1 << 22 })
    events.push(...page.events.map(({ offset, data }) => ({ offset, data })))
    cursor = page.through
    if (cursor >= page.head.offset) return events
  }
}

describe('processes that write in one log', () => {
  test('all hear all in one order, and one that is killed holds nobody up', async () => {
    const owner = await openLmdbLog(directory)
    const members = await Promise.all(['a', 'b', 'c'].map(startMember))
    const [first, second, third] = members as [Member, Member, Member]
    for (let round = 0; round < 3; round++) {
      const victim = await startMember(`victim-${round}`)
      const before = [first, second, third].map(({ answered }) => answered.length)
      await victim.kill()
      members.push(victim)
      // Held up by the dead, one would wait for ever; by the disk, on which all of these wait for each commit, it may be for seconds.
      await vi.waitFor(
        () => {
          const more = [first, second, third].map(({ answered }, i) => answered.length - (before[i] ?? 0))
          expect(Math.min(...more), `answered since: ${more}`).toBeGreaterThan(5)
        },
        { timeout: 40_000, interval: 5 },
      )
    }
    await owner.append([{ topic: 'from/owner', data: 'owner' }])
    const { offset } = await owner.head()
    await vi.waitFor(
      () => {
        for (const { heard } of [first, second, third]) expect(heard.at(-1)?.offset).toBeGreaterThanOrEqual(offset)
      },
      { timeout: 15_000, interval: 5 },
    )
    await Promise.all([first, second, third].map(member => member.end()))

    const events = await readAll(owner)
    expect(events.map(event => event.offset)).toEqual(events.map((_, i) => i + 1))
    const places = new Map(events.map(event => [event.data, event.offset]))
    expect(places.size).toBe(events.length)
    const held = new Set(places.values())
    for (const { answered, heard, joinedAt } of members) {
      for (const offset of answered) expect(held.has(offset)).toBe(true)
      expect(heard).toEqual(events.filter(event => event.offset > joinedAt).slice(0, heard.length))
    }
    await owner.close()
  })
})

describe('who joins a log', () => {
  // Where one was let in, an event that was answered and heard gave its place to another.
  test('is refused beside one that keeps it with async', async () => {
    const owner = await openLmdbLog(directory, { durability: 'async' })
    await expect(joinLmdbLog(directory)).rejects.toMatchObject({ code: 'invalid-setting' })
    await owner.close()
  })

  test('finds no process that has it', async () => {
    await (await openLmdbLog(directory)).close()
    await expect(joinLmdbLog(directory)).rejects.toMatchObject({ code: 'log-unavailable' })
  })

  test('hears of a new history that another has begun, and of what was removed', async () => {
    const owner = await openLmdbLog(directory, { retention: [{ selector: '**', count: 1 }], trimIntervalMs: 3_600_000 })
    const member = await joinLmdbLog(directory)
    await member.append(['one', 'two'].map(data => ({ topic: 'news', data })))
    const { epochs } = await member.head()
    await owner.beginEpoch(epochs[0]?.epoch ?? '')
    await owner.trim()
    await member.append([{ topic: 'news', data: 'three' }])
    const stop = new AbortController()
    const heard: string[] = []
    let seen = 0
    for await (const page of member.follow(0, stop.signal)) {
      heard.push(...page.events.map(event => event.data))
      seen = page.head.epochs.length
      if (heard.includes('three')) stop.abort()
    }
    expect(heard).toEqual(['two', 'three'])
    expect(seen).toBe(2)
    await expect(member.trim()).rejects.toMatchObject({ code: 'log-unavailable' })
    await member.close()
    await owner.close()
  })
})
