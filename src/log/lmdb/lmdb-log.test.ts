import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseSelector } from '../../wire/selector.js'
import type { EventLog, Page } from '../log.js'
import { maxWaitingBytes } from './append.js'
import { metaKeys, type Store } from './layout.js'
import { openLmdbLog } from './open.js'
import type { LmdbOptions } from './options.js'
import { maxExamined, offsetBefore, type ReadWork, readPage } from './read.js'
import { createSession, type Session } from './session.js'
import { openRoot, openTables } from './store.js'
import { createTransact } from './transact.js'

const driver = await import('lmdb')
const hour = 3_600_000
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-lmdb-'))
})

afterEach(() => rm(directory, { recursive: true }))

async function withLog<T>(options: LmdbOptions, use: (log: EventLog) => Promise<T>): Promise<T> {
  const log = await openLmdbLog(directory, { trimIntervalMs: hour, ...options })
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

/** Opens the file without the log around it. */
async function withStore<T>(use: (store: Store) => T | Promise<T>): Promise<T> {
  const root = openRoot(driver, directory, { overlapping: false })
  try {
    return await use(openTables(root))
  } finally {
    await root.close()
  }
}

function toSession(store: Store): Session {
  const transact = createTransact(store, { whenVisible: false })
  return createSession({ name: 'test', directory, store, clock: Date.now, transact })
}

const event = (i: number) => ({ topic: `t/${i % 10}`, data: `${i}` })
const events = (count: number) => Array.from({ length: count }, (_, i) => event(i))

describe('appending', () => {
  test('the calls of a turn share a commit', async () => {
    await withLog({}, async log => {
      await Promise.all(Array.from({ length: 200 }, (_, i) => log.append([event(i)])))
    })
    const before = await withStore(store => transactionOf(store))
    await withLog({}, async log => {
      await Promise.all(Array.from({ length: 200 }, (_, i) => log.append([event(i)])))
    })
    expect((await withStore(store => transactionOf(store))) - before).toBeLessThan(10)
  })

  test('a call that is refused leaves the others of its commit as they are', async () => {
    await withLog({}, async log => {
      await log.append([{ topic: 'over', data: '', end: true }])
      const results = await Promise.allSettled(
        Array.from({ length: 9 }, (_, i) =>
          log.append([event(i), i % 3 === 1 ? { topic: 'over', data: 'late' } : event(i)]),
        ),
      )
      expect(results.map(result => result.status === 'fulfilled')).toEqual([1, 0, 1, 1, 0, 1, 1, 0, 1].map(Boolean))
      expect((await log.head()).offset).toBe(1 + 6 * 2)
      const page = await log.read(1, { maxEvents: 100, maxBytes: 1e6 })
      expect(page.events).toHaveLength(12)
    })
  })

  test('what was asked is finished when the log is closed, over many commits', async () => {
    const log = await openLmdbLog(directory, { mapBytes: 2 ** 21 })
    const appends = Array.from({ length: 30 }, () => log.append(events(100)))
    await log.close()
    const results = await Promise.allSettled(appends)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'log-full' })
    }
    expect(results[0]?.status).toBe('fulfilled')
  })

  test('what waits is bounded', async () => {
    await withLog({}, async log => {
      const data = 'x'.repeat(1024 * 1024)
      const results = await Promise.allSettled(
        Array.from({ length: maxWaitingBytes / data.length + 10 }, () => log.append([{ topic: 'big', data }])),
      )
      const refused = results.filter(result => result.status === 'rejected')
      expect(refused.length).toBeGreaterThan(5)
      for (const { reason } of refused) expect(reason).toMatchObject({ code: 'overloaded' })
      await log.append([{ topic: 'big', data }])
      expect((await log.head()).offset).toBe(results.length - refused.length + 1)
    })
  })
})

function transactionOf(store: Store): number {
  const stats: { lastTxnId?: number } = store.root.getStats()
  return stats.lastTxnId ?? 0
}

describe('reading costs what is read, counted in keys', () => {
  const total = 20_000

  async function work(read: (session: Session, work: ReadWork) => unknown): Promise<ReadWork> {
    return await withStore(async store => {
      const done = { keys: 0, records: 0 }
      await read(toSession(store), done)
      return done
    })
  }

  beforeEach(async () => {
    await withLog({}, async log => {
      for (let i = 0; i < total; i += 1_000) {
        await log.append(
          Array.from({ length: 1_000 }, (_, j) => ({
            topic: j === 500 ? 'rare' : `busy/${j % 200}`,
            data: `${i + j}`,
          })),
        )
      }
    })
  })

  test('a cursor is found without passing what is before it', async () => {
    for (const after of [0, 10_000, total - 10]) {
      const done = await work((session, work) => readPage(session, after, { maxEvents: 1, maxBytes: 1e6 }, work))
      expect(done.keys).toBeLessThanOrEqual(2)
      expect(done.records).toBe(1)
    }
  })

  test('the replay of one topic, and of a few, passes nothing of others', async () => {
    const selectors = [parseSelector('rare')]
    const done = await work((session, work) => {
      const page = readPage(session, 0, { maxEvents: 1_000, maxBytes: 1e6, selectors }, work)
      expect(page.events).toHaveLength(20)
      expect(page.through).toBe(total)
    })
    expect(done).toEqual({ keys: 20, records: 20 })
    const two = [parseSelector('rare'), parseSelector('busy/7')]
    const few = await work((session, work) =>
      readPage(session, 0, { maxEvents: 10, maxBytes: 1e6, selectors: two }, work),
    )
    expect(few.records).toBe(10)
    expect(few.keys).toBeLessThan(20)
  })

  test('the newest of each key passes nothing that is not', async () => {
    const done = await work((session, work) => {
      const page = readPage(session, 0, { maxEvents: 1_000, maxBytes: 1e6, newest: true }, work)
      expect(page.events).toHaveLength(201)
    })
    expect(done).toEqual({ keys: 201, records: 201 })
  })

  test('a glob of many topics looks at a bounded part of the log, and at no record in vain', async () => {
    const selectors = [parseSelector('*/no-such'), ...Array.from({ length: 140 }, (_, i) => parseSelector(`busy/${i}`))]
    const done = await work((session, work) => {
      const page = readPage(session, 0, { maxEvents: 10_000, maxBytes: 1e9, selectors }, work)
      expect(page.through).toBe(maxExamined)
      expect(page.events.length).toBeGreaterThan(maxExamined / 2)
    })
    expect(done.keys).toBe(maxExamined)
    expect(done.records).toBeLessThan(maxExamined)
  })

  test('a time is found by halves', async () => {
    await withStore(store => {
      const session = toSession(store)
      const seeks = vi.spyOn(store.events, 'getRange')
      const { time } = session.read(head => head)
      expect(offsetBefore(session, time + 1)).toBe(total)
      expect(offsetBefore(session, 0)).toBe(0)
      expect(seeks.mock.calls.length).toBeLessThan(40)
    })
  })
})

describe('histories', () => {
  const run = (bootId: string) => withStore(store => store.meta.put(metaKeys.run, Buffer.from(bootId)))
  const epochs = (options: LmdbOptions) => withLog(options, async log => (await log.head()).epochs)

  test('async: a machine that was started anew without a clean end begins one; a clean end does not', async () => {
    await withLog({ durability: 'async' }, log => log.append(events(10)))
    expect(await epochs({ durability: 'async' })).toHaveLength(1)
    await run('another start')
    const after = await epochs({ durability: 'async' })
    expect(after).toMatchObject([{ first: 1 }, { first: 11 }])
    expect(await epochs({ durability: 'async' })).toEqual(after)
    expect(await epochs({ durability: 'commit' })).toEqual(after)
    await run('')
    expect(await epochs({ durability: 'commit' })).toHaveLength(3)
    expect(await epochs({ durability: 'commit' })).toHaveLength(3)
  })

  test('a copy that is put in the place of the file begins one, since the file may have held more', async () => {
    await withLog({}, log => log.append(events(10)))
    const [file, copy] = [join(directory, 'data.mdb'), join(directory, '..', `${basename(directory)}.mdb`)]
    await copyFile(file, copy)
    await withLog({}, log => log.append(events(5)))
    expect(await epochs({})).toHaveLength(1)
    await rm(file)
    await rename(copy, file)
    expect(await epochs({})).toMatchObject([{ first: 1 }, { first: 11 }])
    expect(await epochs({})).toHaveLength(2)
  })

  test('a log passes from one durability to the other and back with all that it holds', async () => {
    for (const [i, durability] of (['async', 'commit', 'async', 'commit'] as const).entries()) {
      await withLog({ durability }, async log => {
        await log.append(events(10))
        const page = await log.read(0, { maxEvents: 100, maxBytes: 1e6 })
        expect(page.events).toHaveLength((i + 1) * 10)
        expect(page.head.epochs).toHaveLength(1)
      })
    }
  })
})

describe('following', () => {
  test('what was just committed is handed over as it is; who lags reads the same from the file', async () => {
    await withLog({}, async log => {
      const stop = new AbortController()
      const live = log.follow(0, stop.signal)[Symbol.asyncIterator]()
      const first = live.next()
      await log.append(events(3))
      const page = (await first).value as Page
      expect(page).toMatchObject({ from: 0, through: 3 })
      for (let i = 0; i < 50; i++) await log.append([{ topic: 'big', data: 'x'.repeat(200_000) }])
      const lagging = log.follow(0, stop.signal)[Symbol.asyncIterator]()
      const again = (await lagging.next()).value as Page
      expect(again.events.slice(0, 3)).toEqual(page.events)
      let cursor = page.through
      while (cursor < 53) {
        const { from, through } = (await live.next()).value as Page
        expect(from).toBe(cursor)
        cursor = through
      }
      stop.abort()
      expect((await live.next()).done).toBe(true)
    })
  })

  test('an ephemeral event reaches who listens, though retention takes it at once', async () => {
    await withLog({ retention: [{ selector: '**', ephemeral: true }] }, async log => {
      const stop = new AbortController()
      const got: string[] = []
      const following = (async () => {
        for await (const page of log.follow(0, stop.signal)) {
          expect(page.floor).toBeLessThanOrEqual(page.from)
          got.push(...page.events.map(each => each.data))
        }
      })()
      for (let i = 0; i < 50; i++) await Promise.all([log.append([event(i)]), log.trim()])
      await vi.waitFor(() => expect(got).toHaveLength(50))
      stop.abort()
      await following
      expect((await log.read(0, { maxEvents: 100, maxBytes: 1e6 })).events).toEqual([])
    })
  })
})
