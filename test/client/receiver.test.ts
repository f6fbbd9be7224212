import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { lifecycle } from '../../src/client/connection/lifecycle.js'
import { settle } from './fake-clock.js'
import { event, FakeConnection } from './fake-server.js'

const gap = (resumedAt: string) => JSON.stringify({ reason: 'trimmed', requested: 'a1-1', resumedAt })

/** A connection that a hub has answered. */
async function opened(...settings: ConstructorParameters<typeof FakeConnection>): Promise<FakeConnection> {
  const connection = new FakeConnection(...settings)
  await settle()
  connection.current?.attempt.take(event('', 'a1-1', '$cursor'))
  return connection
}

test('what an attempt waits for before it asks, such as a token, takes no longer than an answer may', async () => {
  const never = new Promise<never>(() => undefined)
  const loaders = { 'event-stream': () => never, 'long-poll': () => never, websocket: () => never, shared: () => never }
  const waits = [{ headers: () => never }, { prepare: () => never }, { loaders }]
  const all = waits.flatMap(wait => (['event-stream', 'shared'] as const).map(way => ({ ...wait, transports: [way] })))
  for (const settings of all) {
    const connection = new FakeConnection(settings)
    await settle()
    await connection.clock.pass(14_999)
    expect(connection.states).toEqual([])
    await connection.clock.pass(1)
    expect(connection.changes).toMatchObject([{ state: 'waiting', error: { message: 'No answer came in 15000 ms.' } }])
  }
})

test('tabs that share a connection wait for one another for as long as it takes', async () => {
  const connection = new FakeConnection({ transports: ['shared', 'event-stream'] })
  await connection.clock.pass(3_600_000)
  expect([connection.states, connection.attempts.length]).toEqual([[], 1])
})

describe('a connection that is cut', () => {
  it('waits by chance up to a bound that doubles up to its own, and goes on from its cursor', async () => {
    const connection = await opened({ random: () => 0.999999 })
    connection.current?.attempt.take(event('one', 'a1-7'))
    const waits: number[] = []
    for (let i = 0; i < 8; i++) {
      connection.cut()
      await settle()
      expect(connection.receiver.state).toBe('waiting')
      const waitMs = (connection.changes.at(-1)?.retryAt ?? 0) - connection.clock.now()
      waits.push(Math.round(waitMs / 100) / 10)
      await connection.clock.pass(waitMs)
      expect(connection.current?.attempt.cursor).toBe('a1-7')
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30])
  })

  it('begins with short waits again after it has held for a while, and not sooner', async () => {
    const connection = await opened()
    const cutAfter = async (ms: number) => {
      await connection.clock.pass(ms)
      connection.cut()
      await settle()
      const waitMs = (connection.changes.at(-1)?.retryAt ?? 0) - connection.clock.now()
      await connection.clock.pass(waitMs)
      connection.current?.attempt.take(event('', 'a1-1', '$cursor'))
      return waitMs
    }
    expect([await cutAfter(9_999), await cutAfter(9_999), await cutAfter(10_000)]).toEqual([500, 1_000, 500])
    expect([await cutAfter(0), await cutAfter(0)]).toEqual([1_000, 2_000])
  })

  it('waits at least as long as the stream or the answer asked for, and no longer than an hour for that', async () => {
    const connection = await opened()
    const wait = async (askedMs?: number) => {
      connection.cut(askedMs)
      await settle()
      const waitMs = (connection.changes.at(-1)?.retryAt ?? 0) - connection.clock.now()
      await connection.clock.pass(waitMs)
      return waitMs
    }
    connection.current?.attempt.retry(3_000)
    expect([await wait(), await wait(7_000), await wait(), await wait(1e12)]).toEqual([3_500, 8_000, 5_000, 3_604_000])
  })

  it('comes back at once when the network is back, the page is restored, or the machine woke up', async () => {
    for (const wake of [
      (c: FakeConnection) => c.life.tell('online'),
      (c: FakeConnection) => c.life.tell('pagehide') ?? c.life.tell('pageshow', { persisted: true }),
      (c: FakeConnection) => c.life.document.dispatchEvent(new Event('resume')),
      (c: FakeConnection) => c.receiver.wake(),
    ]) {
      const connection = await opened()
      connection.cut()
      await settle()
      wake(connection)
      await settle()
      expect(connection.current?.at).toBe(connection.clock.now())
      expect(connection.attempts).toHaveLength(2)
    }
    const asleep = await opened()
    asleep.clock.sleep(3_600_000)
    await asleep.clock.pass(0)
    expect(asleep.states).toEqual(['open', 'connecting'])
    expect(asleep.attempts).toHaveLength(2)
  })

  it('is not taken for asleep while timers of a hidden page come late', async () => {
    const hidden = await opened({ silenceMs: 0 })
    hidden.life.show(false)
    hidden.clock.sleep(3_600_000)
    await hidden.clock.pass(0)
    expect(hidden.states).toEqual(['open'])
  })
})

describe('silence', () => {
  it('longer than that of a hub is a dead connection; any sign of life is none', async () => {
    const connection = await opened()
    await connection.clock.pass(44_000)
    connection.current?.attempt.heard()
    await connection.clock.pass(44_000)
    expect(connection.receiver.state).toBe('open')
    await connection.clock.pass(1_000)
    expect(connection.receiver.state).toBe('waiting')
    expect(connection.changes.at(-1)?.error?.code).toBe('connection-lost')
  })

  it('means nothing at a server that promised no sign of life, unless it is said to', async () => {
    const quiet = new FakeConnection({ isHub: false })
    await settle()
    quiet.current?.attempt.opened()
    await quiet.clock.pass(3_600_000)
    expect(quiet.receiver.state).toBe('open')
    const watched = new FakeConnection({ isHub: false, silenceMs: 1_000 })
    await settle()
    watched.current?.attempt.opened()
    await watched.clock.pass(1_000)
    expect(watched.receiver.state).toBe('waiting')
  })

  it('is none while the application takes its time', async () => {
    const connection = await opened({ silenceMs: 1_000 })
    let goOn: () => void = () => undefined
    connection.room = new Promise(resolve => {
      goOn = resolve
    })
    void connection.current?.attempt.room()
    await connection.clock.pass(600_000)
    expect(connection.receiver.state).toBe('open')
    goOn()
    await settle()
    await connection.clock.pass(1_000)
    expect(connection.receiver.state).toBe('waiting')
  })
})

describe('a hidden page', () => {
  it('has a connection all the same, unless it is asked not to', async () => {
    const staying = await opened()
    staying.life.show(false)
    expect(staying.receiver.state).toBe('open')
    const pausing = await opened({ pauseWhenHidden: true })
    pausing.life.show(false)
    expect(pausing.receiver.state).toBe('paused')
    pausing.life.tell('online')
    await pausing.clock.pass(3_600_000)
    expect(pausing.attempts).toHaveLength(1)
    pausing.life.show(true)
    await settle()
    expect(pausing.current?.attempt.cursor).toBe('a1-1')
  })
})

describe('events', () => {
  it('are given once, whatever is repeated, in each history of the log', async () => {
    const connection = await opened()
    const say = (id: string) => connection.current?.attempt.take(event(id, id))
    for (const id of ['a1-2', 'a1-2', 'a1-5', 'a1-3', 'a1-6']) say(id)
    connection.receiver.wake()
    await settle()
    connection.current?.attempt.take(event('', 'a1-6', '$cursor'))
    for (const id of ['a1-5', 'a1-6', 'a1-7', 'b2-3', 'b2-3', 'b2-4']) say(id)
    const heard = connection.taken.filter(({ event: { type } }) => type === 'message').map(({ event: { id } }) => id)
    expect(heard).toEqual(['a1-2', 'a1-5', 'a1-6', 'a1-7', 'b2-3', 'b2-4'])
    expect(connection.receiver.statistics).toMatchObject({ events: 6, repeats: 5, attempts: 2, opened: 2 })
  })

  it('of other servers are given as they come, whatever their ids', async () => {
    const connection = new FakeConnection({ isHub: false })
    await settle()
    connection.current?.attempt.opened()
    for (const id of ['a1-2', 'a1-2', 'x', '']) connection.current?.attempt.take(event(id, id))
    expect(connection.taken.map(({ cursor }) => cursor)).toEqual(['a1-2', 'a1-2', 'x', ''])
  })

  it('of a picture of the newest have no place before it is complete', async () => {
    const connection = new FakeConnection({ isSnapshot: true })
    await settle()
    const { current } = connection
    current?.attempt.take(event('first', ''))
    connection.cut()
    await connection.clock.pass(1_000)
    expect(connection.current?.attempt.cursor).toBe('')
    for (const told of [event('first'), event('second'), event('', 'a1-9', '$cursor'), event('new', 'a1-10')]) {
      connection.current?.attempt.take(told)
    }
    expect(connection.taken.map(({ cursor }) => cursor)).toEqual(['', '', '', 'a1-9', 'a1-10'])
  })

  it('of a picture behind a gap are no repeats of what their stream said before', async () => {
    const connection = await opened({ isSnapshot: true, cursor: 'a1-1' })
    const { attempt } = connection.current ?? {}
    attempt?.take(event(gap('a1-50'), 'a1-1', '$gap'))
    // The parser gives them the id of the block before.
    for (const data of ['x', 'y']) attempt?.take(event(data, 'a1-1'))
    attempt?.take(event('', 'a1-50', '$cursor'))
    attempt?.take(event('z', 'a1-51'))
    const messages = connection.taken.filter(({ event: { type } }) => type === 'message')
    expect(messages.map(({ event: { data, id }, cursor }) => [data, id, cursor])).toEqual([
      ['x', '', 'a1-1'],
      ['y', '', 'a1-1'],
      ['z', 'a1-51', 'a1-51'],
    ])
  })

  it('that come after the connection was given up are not heard', async () => {
    const connection = await opened()
    const { current } = connection
    connection.receiver.wake()
    current?.attempt.take(event('late', 'a1-5'))
    current?.end({ kind: 'ended' })
    await settle()
    connection.receiver.close()
    connection.current?.attempt.take(event('later', 'a1-6'))
    expect(connection.taken).toHaveLength(1)
    expect(connection.outcomes).toEqual([{ reason: 'closed' }])
  })
})

describe('the end', () => {
  it('of a topic, or 204, is that of the connection', async () => {
    const ended = await opened()
    ended.current?.attempt.take(event('', 'a1-9', '$end'))
    expect(ended.taken.at(-1)?.event.type).toBe('$end')
    const nothing = new FakeConnection()
    await settle()
    nothing.current?.end({ kind: 'ended' })
    await settle()
    expect([ended.outcomes, nothing.outcomes]).toEqual([[{ reason: 'ended' }], [{ reason: 'ended' }]])
    expect([ended.clock.timers, nothing.clock.timers]).toEqual([0, 0])
  })

  it('that was declared completes it; a stream without it has failed', async () => {
    const done = new FakeConnection({ isHub: false, end: '[DONE]' })
    await settle()
    done.current?.attempt.opened()
    for (const data of ['a', '[DONE]', 'b']) done.current?.attempt.take(event(data))
    expect(done.taken.map(({ event: { data } }) => data)).toEqual(['a'])
    const stopped = new FakeConnection({ isHub: false, end: { type: 'message_stop' } })
    await settle()
    stopped.current?.attempt.take(event('{}', '', 'message_stop'))
    expect(stopped.taken).toHaveLength(1)
    const cut = new FakeConnection({ isHub: false, end: '[DONE]' })
    await settle()
    cut.current?.attempt.opened()
    cut.cut()
    await settle()
    const outcomes = [...done.outcomes, ...stopped.outcomes, ...cut.outcomes]
    expect(outcomes.map(({ reason, error }) => [reason, error?.code])).toEqual([
      ['completed', undefined],
      ['completed', undefined],
      ['failed', 'stream-incomplete'],
    ])
  })

  it('of a stream that failed at its server is a failure', async () => {
    const connection = await opened()
    connection.current?.attempt.take(event('{"outcome":"failed"}', '$end', '$end'))
    expect(connection.outcomes).toMatchObject([{ reason: 'failed', error: { code: 'stream-incomplete' } }])
  })
})

describe('a token', () => {
  const unauthorized = { kind: 'unauthorized', why: 'no' } as const

  it('is asked for once more at once, and then its refusal is an error', async () => {
    let asked = 0
    const headers = async () => ({ Authorization: `Bearer ${++asked}` })
    const connection = new FakeConnection({ canRenew: true, headers })
    await settle()
    connection.current?.end(unauthorized)
    await settle()
    expect(connection.attempts.map(({ at, attempt }) => [at, attempt.headers])).toEqual([
      [1_000_000, { Authorization: 'Bearer 1' }],
      [1_000_000, { Authorization: 'Bearer 2' }],
    ])
    connection.current?.end(unauthorized)
    await settle()
    expect(connection.outcomes).toMatchObject([{ reason: 'failed', error: { code: 'unauthorized' } }])
  })

  it('that is always the same is not tried twice', async () => {
    const connection = new FakeConnection()
    await settle()
    connection.current?.end(unauthorized)
    await settle()
    expect(connection.outcomes).toMatchObject([{ reason: 'failed' }])
    expect(connection.attempts).toHaveLength(1)
  })

  it('may run out again and again, but not at once', async () => {
    const connection = await opened({ canRenew: true })
    for (let i = 0; i < 5; i++) {
      await connection.clock.pass(1_000)
      connection.current?.attempt.take(event('', 'a1-1', '$expired'))
      await settle()
      connection.current?.attempt.take(event('', 'a1-1', '$cursor'))
    }
    expect(connection.receiver.state).toBe('open')
    expect(new Set(connection.states)).toEqual(new Set(['open', 'connecting']))
    connection.current?.attempt.take(event('', 'a1-1', '$expired'))
    expect(connection.outcomes).toMatchObject([{ reason: 'failed', error: { code: 'unauthorized' } }])
  })

  it('that cannot be had is asked for again later', async () => {
    let asked = 0
    const headers = async () => {
      if (asked++ === 0) throw new Error('the token service is away')
      return {}
    }
    const connection = new FakeConnection({ canRenew: true, headers })
    await settle()
    expect(connection.changes.at(-1)).toMatchObject({ state: 'waiting', error: { cause: { message: /away/ } } })
    await connection.clock.pass(1_000)
    expect(connection.attempts).toHaveLength(1)
  })
})

describe('an attempt', () => {
  it('that is not opened in the time that it expects is made on the next way; one that is open lasts', async () => {
    const connection = new FakeConnection({ transports: ['event-stream', 'long-poll'] })
    await settle()
    connection.current?.attempt.expect(5_000, 'No answer came')
    await connection.clock.pass(4_000)
    connection.current?.attempt.expect(1_000, 'No first block came')
    await connection.clock.pass(1_000)
    expect(connection.current?.transport).toBe('long-poll')
    expect(connection.changes.at(-1)?.error?.message).toBe('No first block came in 1000 ms.')
    connection.current?.attempt.expect(5_000, 'No answer came')
    connection.current?.attempt.opened()
    connection.current?.attempt.expect(1_000, 'No answer came')
    await connection.clock.pass(40_000)
    expect([connection.receiver.state, connection.attempts.length]).toEqual(['open', 2])
  })
})

describe('a way on which the server is not heard', () => {
  const held = { kind: 'cut', isShut: true, why: 'held' } as const

  it('is left for the next one at once, which is kept while it is good', async () => {
    const connection = new FakeConnection({ transports: ['event-stream', 'long-poll'] })
    await settle()
    connection.current?.end(held)
    await settle()
    connection.current?.attempt.take(event('', 'a1-1', '$cursor'))
    connection.cut()
    await connection.clock.pass(1_000)
    expect(connection.attempts.map(({ transport }) => transport)).toEqual(['event-stream', 'long-poll', 'long-poll'])
    connection.life.tell('online')
    await settle()
    expect(connection.current?.transport).toBe('event-stream')
  })

  it('is tried again after a wait if there is no other, or the others are no better', async () => {
    const connection = new FakeConnection({ transports: ['event-stream', 'long-poll'] })
    for (let i = 0; i < 2; i++) {
      await settle()
      connection.current?.end(held)
    }
    await settle()
    expect(connection.receiver.state).toBe('waiting')
    await connection.clock.pass(1_000)
    expect(connection.current?.transport).toBe('event-stream')
  })
})

describe('the life of a connection', () => {
  it('has an answer to everything, and none out of the closed state', () => {
    const happenings = Object.keys(lifecycle.open)
    for (const row of Object.values(lifecycle)) expect(Object.keys(row)).toEqual(happenings)
    expect(new Set(Object.values(lifecycle.closed))).toEqual(new Set(['stay', 'never']))
  })

  /** What may befall a connection, in any order. */
  const steps = fc.oneof(
    fc.constantFrom('open', 'event').map(kind => ({ kind }) as const),
    fc
      .constantFrom('repeat', 'cut', 'held', 'unauthorized', 'expired', 'online', 'hide', 'show')
      .map(kind => ({ kind }) as const),
    fc.constantFrom('pagehide', 'pageshow', 'resume', 'late', 'snooze', 'again').map(kind => ({ kind }) as const),
    fc.constantFrom('expect', 'behind', 'unable').map(kind => ({ kind }) as const),
    fc.nat(40_000).map(ms => ({ kind: 'pass', ms }) as const),
    fc.integer({ min: 0, max: 2 ** 53 }).map(ms => ({ kind: 'retry', ms }) as const),
    fc.integer({ min: 0, max: 2 ** 53 }).map(ms => ({ kind: 'later', ms }) as const),
  )
  /** What may end it, and is rarer. */
  const ends = fc.constantFrom('close', 'refused', 'ended').map(kind => ({ kind }) as const)
  const schedules = fc.array(fc.oneof({ arbitrary: steps, weight: 60 }, { arbitrary: ends, weight: 1 }), {
    maxLength: 60,
  })

  it('whatever happens: one attempt at a time, something to come, bounded waits, closed for good, each event once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(schedules, fc.nat(2 ** 31), async (schedule, seed) => {
        let random = seed
        const connection = new FakeConnection({
          transports: ['event-stream', 'long-poll'],
          canRenew: true,
          pauseWhenHidden: true,
          random: () => {
            random = (random * 1_103_515_245 + 12_345) % 2 ** 31
            return random / 2 ** 31
          },
        })
        const { life, clock, receiver } = connection
        let said = 0
        /** The attempt that is to be opened in time. */
        let changesWhenClosed: number | undefined
        for (const step of schedule) {
          await settle()
          const { current } = connection
          const attempt = current?.attempt
          const since = () => Number(attempt?.cursor.slice(3) || '0')
          switch (step.kind) {
            case 'open':
              attempt?.take(event('', attempt.cursor || `a1-${said}`, '$cursor'))
              break
            case 'event':
              // A server that goes on from the cursor, as the hub does.
              if (attempt && receiver.state === 'open') {
                said++
                for (let n = since() + 1; n <= said; n++) attempt.take(event(`${n}`, `a1-${n}`))
              }
              break
            case 'repeat':
              if (said > 0 && receiver.state === 'open') attempt?.take(event(`${said}`, `a1-${said}`))
              break
            case 'behind':
              // No hub leads back without a gap.
              if (receiver.state === 'open') attempt?.take(event('', 'a1-0', '$cursor'))
              break
            case 'expect':
              // Of one that is open already, it means nothing.
              attempt?.expect(5_000, 'Nothing came')
              break
            case 'retry':
              attempt?.retry(step.ms)
              break
            case 'cut':
              connection.cut()
              break
            case 'later':
              connection.cut(step.ms)
              break
            case 'again':
            case 'ended':
              current?.end({ kind: step.kind })
              break
            case 'unable':
              if (attempt && current?.transport === 'event-stream')
                current.end({ kind: 'refused', isShut: true, why: 'unable' })
              break
            case 'refused':
              current?.end({ kind: 'refused', why: 'refused' })
              break
            case 'close':
              receiver.close()
              break
            case 'resume':
              life.document.dispatchEvent(new Event('resume'))
              break
            case 'held':
              current?.end({ kind: 'cut', isShut: true, why: 'held' })
              break
            case 'unauthorized':
              if (receiver.state === 'connecting') current?.end({ kind: 'unauthorized', why: 'no' })
              break
            case 'expired':
              if (receiver.state === 'open') attempt?.take(event('', '', '$expired'))
              break
            case 'late':
              // Of a connection that was given up.
              connection.attempts[0]?.attempt.take(event('late', `a1-${said + 1000}`))
              if (connection.attempts[0]?.attempt.signal.aborted !== true) return
              break
            case 'hide':
            case 'show':
              life.show(step.kind === 'show')
              break
            case 'online':
            case 'pagehide':
              life.tell(step.kind)
              break
            case 'pageshow':
              life.tell('pageshow', { persisted: true })
              break
            case 'snooze':
              clock.sleep(600_000)
              break
            case 'pass':
              await clock.pass(step.ms)
          }
          await settle()
          const alive = connection.attempts.filter(({ attempt: { signal } }) => !signal.aborted).length
          expect(alive).toBe(receiver.state === 'connecting' || receiver.state === 'open' ? 1 : 0)
          // The watch for sleep, and in three states one timer more.
          const timers = { connecting: 2, open: 2, waiting: 2, paused: 1, closed: 0 }
          expect(clock.timers).toBe(timers[receiver.state])
          if (receiver.state === 'closed') changesWhenClosed ??= connection.changes.length
        }
        if (changesWhenClosed !== undefined) {
          expect([receiver.state, connection.changes.length]).toEqual(['closed', changesWhenClosed])
        }
        // An hour is the most that a server can ask for, half a minute the most that chance adds.
        for (const waitMs of connection.waits) expect(waitMs >= 0 && waitMs <= 3_630_000).toBe(true)
        const offsets = [...connection.taken, ...connection.attempts.map(({ attempt: { cursor } }) => ({ cursor }))]
        for (const { cursor } of offsets) expect(cursor).toMatch(/^(a1-\d+)?$/)
        const taken = connection.taken.map(({ cursor }) => Number(cursor.slice(3)))
        expect(taken).toEqual([...taken].sort((a, b) => a - b))
        const heard = connection.taken
          .filter(({ event: { type } }) => type === 'message')
          .map(t => Number(t.event.data))
        const from = heard[0] ?? 0
        expect(heard).toEqual(heard.map((_, i) => from + i))
        receiver.close()
        expect(clock.timers).toBe(0)
        expect(connection.current).toBeUndefined()
        expect(connection.outcomes).toHaveLength(1)
      }),
      { numRuns: 300 },
    )
  })
})
