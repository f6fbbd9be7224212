import { describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import {
  createHttpServer,
  createHub,
  createMemoryLog,
  type DurableStream,
  type EventLog,
  type Hub,
  type Outcome,
  resolveHttpSettings,
  type StreamEvent,
  TidingsError,
} from '../../src/entry/index.js'
import { parseSelector } from '../../src/wire/selector.js'
import { WebSocketClient } from '../http/web-socket-client.js'
import { openHub, read, serve } from './client.js'

/** A hub, and a route to the topic that the query names. */
async function hubWithRoute(hub: Hub = openHub()) {
  const url = await serve(
    hub.handler({ topics: request => new URLSearchParams(request.url?.split('?')[1]).getAll('topic') }),
  )
  return { hub, url: `${url}/?topic=` }
}

/** Two hubs on one log, as in two processes. */
function twoHubs(log: EventLog = createMemoryLog()): { readonly log: EventLog; readonly hubs: readonly [Hub, Hub] } {
  return { log, hubs: [openHub({ log, report: () => undefined }), openHub({ log, report: () => undefined })] }
}

/** Takes the hub from its producers as a killed process would: nobody ends anything, and no sign of life is given. */
async function kill(hub: Hub): Promise<void> {
  await (await hub.onLog()).close()
}

/** What the log has of a topic, marks and all. */
async function allOf(log: EventLog, topic: string) {
  return (await log.read(0, { selectors: [parseSelector(topic)], maxEvents: 1_000, maxBytes: 1 << 24 })).events
}

/** A log that does as `real`, but for what is given. */
function logLike(real: EventLog, instead: Partial<EventLog>): EventLog {
  return new Proxy(real, { get: (target, name) => Reflect.get(name in instead ? instead : target, name) })
}

const fast = { leaseMs: 1_000 }

describe('a durable stream', () => {
  it('is heard live and later, by several, each from where he was', async () => {
    const { hub, url } = await hubWithRoute()
    const stream = await hub.openStream('answers/1')
    const first = await read(`${url}answers/1`)
    await first.until('$cursor')
    const one = await stream.send('one')
    await first.until('data: one\n')
    first.leave()
    // Nobody listens, and the producer does not care.
    await vi.waitFor(() => expect(hub.subscribers('answers/1')).toBe(0))
    expect(stream.signal.aborted).toBe(false)
    await stream.send({ data: { two: 2 }, type: 'word', id: 'word/2' })
    const [resumed, reloaded] = await Promise.all([
      read(`${url}answers/1`, { 'last-event-id': one }),
      read(`${url}answers/1&since=earliest`),
    ])
    expect(await resumed.until('data: {"two":2}\n')).not.toContain('data: one')
    expect(await reloaded.until('data: {"two":2}\n')).toContain('data: one')
    expect(await stream.close()).toBe('completed')
    const end =
      /event: outcome\ndata: {"outcome":"completed"}\n\nid: (\S+)\nevent: \$end\ndata: {"outcome":"completed"}\n\n$/
    expect(await resumed.ended()).toMatch(end)
    const id = end.exec(await reloaded.ended())?.[1] ?? ''
    expect((await fetch(`${url}answers/1`, { headers: { 'last-event-id': id } })).status).toBe(204)
    const late = await read(`${url}answers/1&since=earliest`)
    expect(await late.ended()).toMatch(end)
    // Without a cursor, and asking for nothing of the past: it is told how it ended all the same.
    expect(await (await read(`${url}answers/1`)).ended()).toMatch(
      /^retry: \d+\nid: \S+\nevent: \$cursor\ndata:\n\nid: \S+\nevent: \$end\ndata: {"outcome":"completed"}\n\n$/,
    )
  })

  it('ends in the way of each form', async () => {
    const { hub, url } = await hubWithRoute()
    const server = createHttpServer({
      hub: await hub.onLog().catch(() => hub.onLog()),
      settings: resolveHttpSettings({ port: 0 }),
    })
    const alone = await server.listen()
    onTestFinished(() => server.drain(0).then(() => undefined))
    const stream = await hub.openStream('job')
    const lines = await read(`${url}job`, { accept: 'application/x-ndjson' })
    await lines.until('$cursor')
    const socket = new WebSocketClient(`${alone.url}/events/job`)
    await socket.opened()
    const wide = await read(`${url}job&topic=**`, { accept: 'application/x-ndjson' })
    await wide.until('$cursor')
    const heard = hub.subscribe('job')
    const hearing = (async () => {
      const events = []
      for await (const event of heard) events.push(event)
      return events
    })()
    await stream.send('half')
    expect(await stream.fail()).toBe('failed')
    const last = (text: string): object => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')
    const said = { type: 'outcome', data: '{"outcome":"failed"}', end: true, topic: 'job' }
    expect(last(await lines.ended())).toEqual({
      type: '$end',
      id: expect.any(String),
      data: '{"outcome":"failed"}',
    })
    // Who reads other topics too is told by the event, and goes on.
    expect(last(await wide.until('"end":true}\n'))).toMatchObject(said)
    expect(await socket.closed()).toBe(4409)
    expect(socket.heard.at(-1)).toMatchObject({ type: '$end', data: '{"outcome":"failed"}' })
    expect(await hearing).toMatchObject([{ data: 'half' }, { type: 'outcome', end: true }])
    const page = await fetch(`${alone.url}/events/job`, { headers: { accept: 'application/json' } })
    expect(await page.json()).toMatchObject({ events: [{ data: 'half' }, said], ended: true, more: false })
  })

  it('takes any source, and says at the end what its readers wait for', async () => {
    const { hub, url } = await hubWithRoute()
    const stream = await hub.openStream('answer', { end: '[DONE]' })
    const said = async function* () {
      yield { data: { choices: [{ delta: { content: 'Hi' } }] } }
      yield '!'
    }
    expect(await stream.from(said())).toBe('completed')
    expect(await stream.closed).toBe('completed')
    expect(await (await read(`${url}answer&since=earliest`)).ended()).toMatch(
      /data: {"choices":.*}\n\nid: \S+\ndata: !\n\nid: \S+\ndata: \[DONE\]\n\nid: \S+\nevent: outcome\n/,
    )
  })

  it('tells its readers that its source failed, and the application why', async () => {
    const { hub, url } = await hubWithRoute()
    const report = vi.fn()
    const failure = { type: 'error', data: { type: 'api_error' } }
    // `error` is a name that EventSource uses itself: it is found out before anything is said.
    await expect(hub.openStream('answer', { failure })).rejects.toMatchObject({ code: 'invalid-event' })
    const stream = await hub.openStream('answer', { report, end: '[DONE]', failure: { type: 'fault', data: 'sorry' } })
    const said = async function* () {
      yield 'one'
      throw new Error('secret')
    }
    expect(await stream.from(said())).toBe('failed')
    const text = await (await read(`${url}answer&since=earliest`)).ended()
    expect(text).toMatch(/event: fault\ndata: sorry\n\n[\s\S]*event: \$end\ndata: {"outcome":"failed"}\n\n$/)
    expect(text).not.toMatch(/secret|DONE/)
    expect(report).toHaveBeenCalledExactlyOnceWith(expect.any(String), expect.objectContaining({ message: 'secret' }))
    expect(stream.signal.aborted).toBe(false)
  })

  it('fails when what its source gives is no event', async () => {
    const report = vi.fn()
    const stream = await openHub({ report }).openStream('answer')
    expect(await stream.from([{ data: 'x', type: 'a\nb' }])).toBe('failed')
    expect(report).toHaveBeenCalledOnce()
  })

  it('takes nothing after its end, and ends once', async () => {
    const { log, hubs } = twoHubs()
    const stream = await hubs[0].openStream('answer')
    const ended = [stream.close(), stream.fail(), stream.stop()]
    await expect(stream.send('late')).rejects.toMatchObject({ code: 'stream-closed' })
    expect(await Promise.all(ended)).toEqual(['completed', 'completed', 'completed'])
    expect(await hubs[0].stopStream('answer')).toBe(false)
    expect(await hubs[1].stopStream('answer')).toBe(false)
    expect((await allOf(log, 'answer')).filter(({ end }) => end)).toHaveLength(1)
    await expect(hubs[1].openStream('answer')).rejects.toMatchObject({ code: 'topic-ended' })
    await expect(hubs[1].publish('answer', 'x')).rejects.toMatchObject({ code: 'topic-ended' })
  })

  it('keeps the order of what was not awaited, however long its schema takes', async () => {
    let slow: () => void = () => undefined
    const first = new Promise<void>(resolve => {
      slow = resolve
    })
    const hub = createHub({
      schemas: {
        answer: z.string().refine(async text => {
          if (text === '0') await first
          return text !== 'bad'
        }),
      },
    })
    onTestFinished(() => hub.close())
    const stream = await hub.openStream('answer')
    const sent = ['0', 'bad', '1', '2'].map(text => stream.send(text))
    const bad = expect(sent[1]).rejects.toMatchObject({ code: 'invalid-event' })
    slow()
    await bad
    await Promise.all([sent[0], sent[2], sent[3]])
    await stream.close()
    const heard = []
    for await (const event of hub.subscribe('answer', { since: 'earliest' })) heard.push(event.data)
    expect(heard).toEqual(['0', '1', '2', '{"outcome":"completed"}'])
  })

  it('refuses more than it may hold', async () => {
    const memory = createMemoryLog()
    let open: () => void = () => undefined
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    let isShut = false
    const log = logLike(memory, {
      append: async events => {
        if (isShut) await gate
        return memory.append(events)
      },
    })
    const stream = await openHub({ log }).openStream('answer')
    isShut = true
    const sent = Array.from({ length: 12 }, () => stream.send('x'.repeat(100_000)))
    const refused = await Promise.allSettled(sent.slice(10))
    expect(refused).toMatchObject([{ reason: { code: 'overloaded' } }, { reason: { code: 'overloaded' } }])
    open()
    await Promise.all(sent.slice(0, 10))
  })

  it('goes on being silent without bothering a reader, and heartbeats go on', async () => {
    const log = createMemoryLog()
    const { hub, url } = await hubWithRoute(openHub({ log, heartbeatMs: 500 }))
    const stream = await hub.openStream('answer', fast)
    await stream.send('one')
    const readings = await Promise.all(
      ['answer', '**', 'answer&conflate=50', 'answer&since=latest'].map(query => read(`${url}${query}`)),
    )
    const polled = fetch(`${url}answer&wait=60&since=now`, { headers: { accept: 'application/json' } })
    const marks = async () => (await allOf(log, 'answer')).filter(({ type }) => type === '$lease').length
    await vi.waitFor(async () => expect(await marks()).toBeGreaterThan(4), { timeout: 5_000 })
    const late = await read(`${url}answer&since=earliest`)
    await late.until('data: one')
    const fromLog = (await hubWithRoute(openHub({ log }))).url
    readings.push(await read(`${fromLog}answer&since=earliest`), late)
    const newest = await fetch(`${url}answer&since=latest`, { headers: { accept: 'application/json' } })
    expect(await newest.json()).toMatchObject({ events: [{ data: 'one' }], more: false })
    await stream.send('two')
    for (const reading of readings) {
      const text = await reading.until('data: two')
      expect(text).not.toContain('$lease')
    }
    // They lived on their heartbeats meanwhile.
    expect(readings[0]?.text.match(/\$cursor/g)?.length).toBeGreaterThan(1)
    expect(await (await polled).json()).toMatchObject({ events: [{ data: 'two' }] })
    expect(late.text.match(/^data: .+/gm)).toEqual(['data: one', 'data: two'])
  })

  it.each([
    [(hub: Hub) => hub.openStream('$answer'), 'reserved-topic'],
    [(hub: Hub) => hub.openStream('answers/*'), 'invalid-topic'],
    [(hub: Hub) => hub.openStream('answer', { leaseMs: 10 }), 'invalid-setting'],
    [(hub: Hub) => hub.openStream('answer', { heartbeatMs: 10 } as object), 'invalid-setting'],
    [(hub: Hub) => hub.openStream('answer', { end: { data: undefined } }), 'invalid-event'],
    [(hub: Hub) => hub.stopStream('$answer'), 'reserved-topic'],
  ])('refuses what is wrong (%#)', async (attempt, code) => {
    await expect(attempt(openHub())).rejects.toMatchObject({ code })
  })

  it('has the types of its topic', async () => {
    const hub = openHub<{ 'answers/*': { word: string }; notes: string }>()
    expectTypeOf(await hub.openStream('notes')).toEqualTypeOf<DurableStream<string>>()
    const stream = await hub.openStream('answers/1')
    expectTypeOf(stream.send).parameter(0).toEqualTypeOf<StreamEvent<{ word: string }>>()
    expectTypeOf(stream.closed).toEqualTypeOf<Promise<Outcome>>()
    await stream.send({ data: { word: 'Hi' } })
    // @ts-expect-error: a word is asked for, not a text
    await stream.send('Hi')
    // @ts-expect-error: there is no such topic
    await hub.stopStream('weather')
    const any = await openHub().openStream('anything')
    expectTypeOf(any.send).parameter(0).toEqualTypeOf<StreamEvent | string>()
  })
})

describe('a stream that is stopped', () => {
  it('ends at once, also its source, by its own hub and by another', async () => {
    const { hubs } = twoHubs()
    for (const hub of hubs) {
      const topic = `job/${hubs.indexOf(hub)}`
      const stream = await hubs[0].openStream(topic)
      const left = vi.fn()
      const endless = async function* () {
        try {
          for (;;) {
            yield 'tick'
            await new Promise(resolve => setTimeout(resolve, 5))
          }
        } finally {
          left()
        }
      }
      const outcome = stream.from(endless())
      const { url } = await hubWithRoute(hubs[1])
      const reading = await read(`${url}${topic}&since=earliest`)
      await reading.until('data: tick')
      expect(await hub.stopStream(topic)).toBe(true)
      expect(await outcome).toBe('stopped')
      expect(stream.signal.aborted).toBe(true)
      expect(stream.signal.reason).toMatchObject({ code: 'stream-closed' })
      expect(await reading.ended()).toMatch(/event: \$end\ndata: {"outcome":"stopped"}\n\n$/)
      await vi.waitFor(() => expect(left).toHaveBeenCalledOnce())
      await expect(stream.send('late')).rejects.toMatchObject({ code: 'stream-closed' })
    }
  })

  it('is one: a topic that is none is left alone', async () => {
    const { hubs } = twoHubs()
    await hubs[0].publish('news', 'Hello')
    expect(await hubs[1].stopStream('news')).toBe(false)
    expect(await hubs[1].stopStream('nothing')).toBe(false)
    await hubs[0].publish('news', 'still open')
  })

  it('is found by a hub that came later', async () => {
    const log = createMemoryLog()
    for (let i = 0; i < 1_500; i++) await log.append([{ topic: 'job', key: `${i}`, data: 'other' }])
    const stream = await openHub({ log }).openStream('job')
    const later = openHub({ log })
    expect(await later.stopStream('job')).toBe(true)
    expect(await stream.closed).toBe('stopped')
  })

  it('is one whose topic somebody else has ended', async () => {
    const { hubs } = twoHubs()
    const stream = await hubs[0].openStream('job')
    await hubs[1].publish('job', 'enough', { end: true })
    expect(await stream.closed).toBe('stopped')
    expect(stream.signal.aborted).toBe(true)
  })
})

describe('a stream whose producer is gone', () => {
  it('is ended as abandoned by every hub that lives, once', async () => {
    const log = createMemoryLog()
    const [producer, ...others] = [1, 2, 3].map(() => openHub({ log, report: () => undefined })) as [Hub, Hub, Hub]
    const stream = await producer.openStream('answer', fast)
    await stream.send('half')
    const { url } = await hubWithRoute(others[0])
    const reading = await read(`${url}answer&since=earliest`)
    await reading.until('data: half')
    await kill(producer)
    expect(await reading.ended()).toMatch(/event: \$end\ndata: {"outcome":"abandoned"}\n\n$/)
    expect((await allOf(log, 'answer')).filter(({ end }) => end)).toHaveLength(1)
  })

  it('is noticed by a hub that came when it was gone already', async () => {
    const log = createMemoryLog()
    const producer = openHub({ log })
    const stream = await producer.openStream('answer', fast)
    await stream.send('half')
    await kill(producer)
    const { url } = await hubWithRoute(openHub({ log, report: () => undefined }))
    expect(await (await read(`${url}answer&since=earliest`)).ended()).toMatch(
      /data: half\n\n[\s\S]*event: \$end\ndata: {"outcome":"abandoned"}\n\n$/,
    )
  })

  it.each([
    ['by a reader of a selector', '**'],
    ['by a reader of several topics', 'answer&topic=other'],
  ])('is noticed by a hub that came when it was gone already: %s', async (_by, topics) => {
    const log = createMemoryLog()
    const producer = openHub({ log })
    const [gone, over] = await Promise.all([producer.openStream('answer', fast), producer.openStream('over', fast)])
    await gone.send('half')
    await over.close()
    for (let i = 0; i < 1_500; i++) await log.append([{ topic: 'other', key: `${i}`, data: 'other' }])
    await kill(producer)
    const { url } = await hubWithRoute(openHub({ log, report: () => undefined }))
    const reading = await read(`${url}${topics}`)
    expect(await reading.until('data: {"outcome":"abandoned"}\n')).toContain('topic: answer\n')
    expect((await allOf(log, 'over')).filter(({ end }) => end)).toHaveLength(1)
  })

  it('is noticed later where retention has kept the newest events only', async () => {
    const log = createMemoryLog({ retention: [{ selector: '**', count: 20 }], trimIntervalMs: 10 })
    const producer = openHub({ log })
    const stream = await producer.openStream('answer', fast)
    // All in less time than there is between two signs of life.
    await Promise.all(Array.from({ length: 500 }, (_, i) => stream.send(`${i}`)))
    await log.trim()
    expect((await log.topic('answer'))?.events).toBe(20)
    await kill(producer)
    const { url } = await hubWithRoute(openHub({ log, report: () => undefined }))
    expect(await (await read(`${url}answer&since=earliest`)).ended()).toMatch(
      /data: 499\n\n[\s\S]*event: \$end\ndata: {"outcome":"abandoned"}\n\n$/,
    )
  })

  it('is told by clocks that go evenly, whatever the time of day does', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    let jumpMs = 0
    const clock = () => Date.now() + jumpMs
    const log = createMemoryLog({ clock })
    const [producer, other] = [1, 2].map(() => openHub({ log, clock, report: () => undefined })) as [Hub, Hub]
    const stream = await producer.openStream('answer', fast)
    const { url } = await hubWithRoute(other)
    const reading = await read(`${url}answer`)
    await reading.until('$cursor')
    const marks = async () => (await allOf(log, 'answer')).filter(({ type }) => type === '$lease').length
    for (const hours of [1, -1, -24]) {
      jumpMs = hours * 3_600_000
      vi.setSystemTime(Date.now() + jumpMs)
      // The lease has run out and was given again by then, more than once.
      const before = await marks()
      await vi.waitFor(async () => expect(await marks()).toBeGreaterThan(before + 4), { timeout: 10_000 })
      expect(stream.signal.aborted).toBe(false)
      await stream.send(`after ${hours}`)
      await reading.until(`data: after ${hours}\n`)
    }
    await kill(producer)
    jumpMs = 0
    vi.setSystemTime(Date.now() - 3_600_000)
    expect(await reading.ended()).toMatch(/event: \$end\ndata: {"outcome":"abandoned"}\n\n$/)
  }, 40_000)

  it('is abandoned at once when its hub closes in order', async () => {
    const { hubs } = twoHubs()
    const stream = await hubs[0].openStream('answer')
    await stream.send('half')
    const { url } = await hubWithRoute(hubs[1])
    const reading = await read(`${url}answer&since=earliest`)
    await reading.until('half')
    await hubs[0].close()
    expect(await stream.closed).toBe('abandoned')
    expect(stream.signal.aborted).toBe(true)
    expect(await reading.ended()).toMatch(/event: \$end\ndata: {"outcome":"abandoned"}\n\n$/)
    await expect(stream.send('late')).rejects.toMatchObject({ code: 'stream-closed' })
  })

  it('hears that it was taken for gone, and says no more', async () => {
    const memory = createMemoryLog()
    let isCut = false
    const away = () => Promise.reject(new TidingsError('log-unavailable', 'cut'))
    const log = logLike(memory, { append: events => (isCut ? away() : memory.append(events)) })
    const stream = await openHub({ log, report: () => undefined }).openStream('answer', fast)
    const { url } = await hubWithRoute(openHub({ log: memory, report: () => undefined }))
    const reading = await read(`${url}answer`)
    await reading.until('$cursor')
    isCut = true
    // Its own hub hears of it by the log; what it says before that is refused by the log.
    expect(await stream.closed).toBe('abandoned')
    expect(stream.signal.aborted).toBe(true)
    isCut = false
    await expect(stream.send('late')).rejects.toMatchObject({ code: 'stream-closed' })
  })

  it('is not one whose log was away for long', async () => {
    const memory = createMemoryLog()
    let isAway = false
    let refused = 0
    const away = async <T>(answer: () => Promise<T>): Promise<T> => {
      if (!isAway) return answer()
      refused++
      throw new TidingsError('log-unavailable', 'away')
    }
    const log = logLike(memory, {
      append: events => (isAway ? Promise.reject(new TidingsError('log-unavailable', 'away')) : memory.append(events)),
      head: () => away(() => memory.head()),
    })
    const [producer, other] = [1, 2].map(() => openHub({ log, report: () => undefined })) as [Hub, Hub]
    const stream = await producer.openStream('answer', fast)
    other.subscribe('answer')
    await other.onLog()
    isAway = true
    // Each time that somebody would have ended it, the log did not answer him either.
    await vi.waitFor(() => expect(refused).toBeGreaterThan(1), { timeout: 10_000 })
    isAway = false
    await stream.send('still here')
    const marks = async () => (await allOf(memory, 'answer')).filter(({ type }) => type === '$lease').length
    const before = await marks()
    await vi.waitFor(async () => expect(await marks()).toBeGreaterThan(before + 4), { timeout: 5_000 })
    expect(await stream.close()).toBe('completed')
  }, 15_000)

  it('is not one when a hub lags behind its signs of life', async () => {
    const memory = createMemoryLog()
    let release: () => void = () => undefined
    let held: Promise<void> | undefined
    let asked = 0
    const log = logLike(memory, {
      head: () => {
        asked++
        return memory.head()
      },
      async *follow(after, signal) {
        for await (const page of memory.follow(after, signal)) {
          await held
          yield page
        }
      },
    })
    const stream = await openHub({ log: memory }).openStream('answer', fast)
    const lagging = openHub({ log, report: () => undefined })
    const heard = lagging.subscribe('answer', { since: 'earliest' })
    await stream.send('one')
    expect((await heard.next()).value?.data).toBe('one')
    held = new Promise(resolve => {
      release = resolve
    })
    // It would end the stream now, and asks the log first how far that is.
    const before = asked
    await vi.waitFor(() => expect(asked).toBeGreaterThan(before), { timeout: 10_000 })
    held = undefined
    release()
    await stream.send('two')
    expect((await heard.next()).value?.data).toBe('two')
    expect(await stream.close()).toBe('completed')
  })

  it('writes its end when the log takes it again, once', async () => {
    const memory = createMemoryLog()
    let failures = 0
    const log = logLike(memory, {
      append: async events => {
        if (!events.some(({ end }) => end)) return memory.append(events)
        // Done, but not said: the answer was lost on the way.
        if (failures++ === 0) await memory.append(events)
        if (failures < 3) throw new TidingsError('log-unavailable', 'away')
        return memory.append(events)
      },
    })
    const report = vi.fn()
    const stream = await openHub({ log, report }).openStream('answer', { end: '[DONE]' })
    expect(await stream.close()).toBe('completed')
    const events = await allOf(memory, 'answer')
    expect(events.filter(({ type }) => type !== '$lease').map(({ data }) => data)).toEqual([
      '[DONE]',
      '{"outcome":"completed"}',
    ])
  })
})

describe('a topic that is opened again', () => {
  it('is taken from the producer that had it, in this hub and in another', async () => {
    const { hubs } = twoHubs()
    const first = await hubs[0].openStream('job', fast)
    const second = await hubs[0].openStream('job', fast)
    expect(await first.closed).toBe('abandoned')
    const third = await hubs[1].openStream('job', fast)
    expect(await second.closed).toBe('abandoned')
    await expect(second.send('late')).rejects.toMatchObject({ code: 'stream-closed' })
    await third.send('mine')
    expect(third.signal.aborted).toBe(false)
    expect(await third.close()).toBe('completed')
  })

  it('is free once its end is no longer kept', async () => {
    const log = createMemoryLog({ retention: [{ selector: 'job', count: 3 }], trimIntervalMs: 10 })
    const { hubs } = twoHubs(log)
    const { url } = await hubWithRoute(hubs[1])
    const first = await hubs[0].openStream('job')
    const id = await first.send('one')
    await first.send('two')
    await first.close()
    // Its beginning is trimmed: who comes with a cursor into it is told so, and of the end.
    const reading = await read(`${url}job`, { 'last-event-id': id.replace(/\d+$/, '0') })
    expect(await reading.ended()).toMatch(/event: \$gap\ndata: {"reason":"trimmed"[\s\S]*"outcome":"completed"}\n\n$/)
    await log.setRetention([{ selector: 'job', count: 0 }])
    await vi.waitFor(async () => expect(await log.topic('job')).toBeUndefined())
    await log.setRetention([{ selector: 'job', count: 100 }])
    const again = await hubs[1].openStream('job')
    const heard = await read(`${url}job`)
    await heard.until('$cursor')
    await again.send('again')
    expect(await heard.until('data: again')).not.toContain('$end')
    expect(await again.close()).toBe('completed')
    expect(await heard.ended()).toContain('"outcome":"completed"')
  })
})
