import { describe, expect, it, vi } from 'vitest'
import type { Listening } from '../../../http/server.js'
import { resolve } from '../../settings/resolve.js'
import type { Order, Word } from './messages.js'
import { type PoolOptions, WorkerPool, type WorkerProcess } from './pool.js'

const listening: Listening = { url: 'http://127.0.0.1:7000', host: '127.0.0.1', port: 7000 }
const { settings } = resolve({ log: { kind: 'lmdb', directory: 'log' } })

/** A worker that does what the test says. */
class FakeWorker implements WorkerProcess {
  readonly orders: Order[] = []
  readonly pid: number
  isKilled = false
  #heard: (word: Word) => void = () => undefined
  #ended: (how: string) => void = () => undefined

  constructor(pid: number) {
    this.pid = pid
  }

  send(order: Order): void {
    this.orders.push(order)
  }

  onWord(call: (word: Word) => void): void {
    this.#heard = call
  }

  onEnd(call: (how: string) => void): void {
    this.#ended = call
  }

  kill(): void {
    this.isKilled = true
    this.end('by SIGKILL')
  }

  say(word: Word): void {
    this.#heard(word)
  }

  end(how = 'with exit code 1'): void {
    this.#ended(how)
  }

  listen(): void {
    this.say({ kind: 'ready' })
    this.say({ kind: 'listening', listening })
  }

  last(): Order | undefined {
    return this.orders.at(-1)
  }
}

function setUp(count = 3) {
  const started: FakeWorker[] = []
  const told: string[] = []
  const departed: unknown[] = []
  const options: PoolOptions = {
    count,
    start() {
      const worker = new FakeWorker(100 + started.length)
      started.push(worker)
      return worker
    },
    begin: index => ({ kind: 'begin', index, settings }),
    lost: ({ worker, pid, how }) => told.push(`lost ${worker} ${pid} ${how}`),
    replaced: ({ worker, pid }) => told.push(`replaced ${worker} ${pid}`),
    departed: { add: figures => void departed.push(figures), figures: async () => [...departed] },
  }
  const pool = new WorkerPool(options)
  const worker = (i: number): FakeWorker => started[i] as FakeWorker
  const begun = async (): Promise<void> => {
    const all = pool.start()
    worker(0).listen()
    await vi.waitFor(() => expect(started).toHaveLength(count))
    for (const each of started.slice(1)) each.listen()
    await all
  }
  return { pool, started, told, worker, begun }
}

describe('a pool of workers', () => {
  it('starts one, and when it listens the others', async () => {
    const { pool, started, worker } = setUp()
    const all = pool.start()
    expect(started).toHaveLength(1)
    worker(0).say({ kind: 'ready' })
    expect(worker(0).last()).toMatchObject({ kind: 'begin', index: 1 })
    worker(0).say({ kind: 'listening', listening })
    await vi.waitFor(() => expect(started).toHaveLength(3))
    for (const each of started.slice(1)) each.listen()
    expect(await all).toEqual(listening)
    expect(worker(2).orders[0]).toMatchObject({ kind: 'begin', index: 3 })
  })

  it('fails with one that ends before it listens', async () => {
    const { pool, worker } = setUp()
    const all = pool.start()
    worker(0).end()
    await expect(all).rejects.toMatchObject({ code: 'cannot-listen' })
  })

  it('replaces one that ends, at once, and the next time after a rest', async () => {
    vi.useFakeTimers()
    try {
      const { started, told, worker, begun } = setUp(2)
      const ready = begun()
      await vi.advanceTimersByTimeAsync(100)
      await ready
      worker(1).end('by SIGSEGV')
      await vi.advanceTimersByTimeAsync(0)
      expect(started).toHaveLength(3)
      worker(2).listen()
      expect(told).toEqual(['lost 2 101 by SIGSEGV', 'replaced 2 102'])
      worker(2).end()
      await vi.advanceTimersByTimeAsync(199)
      expect(started).toHaveLength(3)
      await vi.advanceTimersByTimeAsync(1)
      expect(started).toHaveLength(4)
      expect(worker(0).orders).toHaveLength(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('asks all that listen, and passes by who ends', async () => {
    const { pool, worker, begun } = setUp()
    await begun()
    const answers = pool.ask({ kind: 'figures' })
    const order = worker(0).last()
    const id = order?.kind === 'question' ? order.id : 0
    worker(0).say({ kind: 'answer', id, answer: 'one' })
    worker(1).say({ kind: 'answer', id, answer: 'two' })
    worker(2).end()
    expect(await answers).toEqual(['one', 'two'])
  })

  it('answers for those that have ended with the figures that they had', async () => {
    // The counts of a hub went down when one of its workers crashed, which the graphs of an operator showed as thousands of new events.
    const { worker, begun } = setUp(2)
    await begun()
    const ask = async (answering: number): Promise<Order | undefined> => {
      worker(0).say({ kind: 'question', id: 7, question: { kind: 'figures' } })
      const order = worker(0).last()
      for (const i of Array.from({ length: answering }).keys()) {
        worker(i).say({ kind: 'answer', id: order?.kind === 'question' ? order.id : 0, answer: `of ${i}` })
      }
      await vi.waitFor(() => expect(worker(0).last()).toHaveProperty('kind', 'answer'))
      return worker(0).last()
    }
    expect(await ask(2)).toMatchObject({ answers: ['of 0', 'of 1', []] })
    worker(1).end()
    expect(await ask(1)).toMatchObject({ answers: ['of 0', ['of 1']] })
  })

  it('asks the others for one of them', async () => {
    const { worker, begun } = setUp()
    await begun()
    worker(1).say({ kind: 'question', id: 7, question: { kind: 'subscribers', topics: ['news'] } })
    expect(worker(1).last()).toMatchObject({ kind: 'begin' })
    for (const other of [worker(0), worker(2)]) {
      const order = other.last()
      other.say({ kind: 'answer', id: order?.kind === 'question' ? order.id : 0, answer: [4] })
    }
    await vi.waitFor(() => expect(worker(1).last()).toEqual({ kind: 'answer', id: 7, answers: [[4], [4]] }))
  })

  it('lets all go, adds up how they went, and replaces nobody', async () => {
    const { pool, started, told, worker, begun } = setUp(2)
    await begun()
    worker(0).say({ kind: 'left', subscriptions: 3 })
    worker(1).say({ kind: 'left', subscriptions: 4 })
    expect(pool.subscriptions).toBe(7)
    const drained = pool.drain(60_000)
    for (const each of started) expect(each.last()).toEqual({ kind: 'drain' })
    worker(0).say({ kind: 'drained', letGo: 3, destroyed: 0 })
    worker(0).end('with exit code 0')
    worker(1).say({ kind: 'drained', letGo: 3, destroyed: 1 })
    worker(1).end('with exit code 0')
    expect(await drained).toEqual({ letGo: 6, destroyed: 1 })
    expect(started).toHaveLength(2)
    expect(told).toEqual([])
  })

  it('ends at once one that begins while all are let go', async () => {
    // A hub was stopped just after one of its workers had crashed. The next one heard nothing of the end, and was waited for until the
    // deadline.
    const { pool, started, worker, begun } = setUp(2)
    await begun()
    worker(1).end('by SIGSEGV')
    await vi.waitFor(() => expect(started).toHaveLength(3))
    const drained = pool.drain(60_000)
    worker(0).say({ kind: 'drained', letGo: 1, destroyed: 0 })
    worker(0).end('with exit code 0')
    worker(2).say({ kind: 'ready' })
    expect(worker(2).isKilled).toBe(true)
    expect(await drained).toEqual({ letGo: 1, destroyed: 0 })
  })

  it('kills what is left at the deadline', async () => {
    const { pool, started, begun } = setUp(2)
    await begun()
    expect(await pool.drain(1)).toEqual({ letGo: 0, destroyed: 0 })
    for (const each of started) expect(each.isKilled).toBe(true)
  })
})
