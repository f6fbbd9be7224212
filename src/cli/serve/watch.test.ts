import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TidingsError } from '../../wire/errors.js'
import { createLogger } from '../logger.js'
import { tellIfAhead, watchClock } from './clock-watch.js'
import { createWatch } from './watch.js'

let lines: Record<string, unknown>[] = []
const logger = createLogger('info', { write: line => void lines.push(JSON.parse(line)) })
const said = () => lines.map(({ level, msg, count }) => (count === undefined ? [level, msg] : [level, msg, count]))

beforeEach(() => {
  lines = []
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('what comes in masses', () => {
  const settings = { stallMs: 60_000, limits: { maxConnections: 100, maxStreams: 90 } }
  const stalled = 'Readers were cut off: they took no byte for 60 s.'
  const refused = 'Readers were refused: too many at once.'

  it('is told once at once, and then as a number, at most every ten seconds', () => {
    const watch = createWatch(logger, settings)
    for (let i = 0; i < 500; i++) watch.hubObserver.cutOff('stalled')
    expect(said()).toEqual([['warn', stalled, 1]])
    vi.advanceTimersByTime(9_999)
    expect(lines).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(said().at(-1)).toEqual(['warn', stalled, 499])
    watch.hubObserver.cutOff('stalled')
    expect(lines).toHaveLength(2)
    vi.advanceTimersByTime(10_000)
    expect(said().at(-1)).toEqual(['warn', stalled, 1])
    vi.advanceTimersByTime(60_000)
    expect(lines).toHaveLength(3)
    watch.hubObserver.cutOff('stalled')
    expect(lines).toHaveLength(4)
  })

  it('is told each for itself, with the bound, and what is left at the end', () => {
    const watch = createWatch(logger, settings)
    for (const operation of ['publish', 'read', 'read', 'other'] as const) {
      watch.httpObserver.refused(operation, 'overloaded')
    }
    watch.httpObserver.refused('publish', 'invalid-json')
    watch.httpObserver.dropped()
    watch.hubObserver.cutOff('evicted')
    expect(said()).toEqual([
      ['warn', 'Publishing was refused: too much at once.', 1],
      ['warn', refused, 1],
      ['warn', 'Requests were refused: too much at once.', 1],
      ['warn', 'Connections were closed unheard: there are as many as there may be.', 1],
      ['warn', 'Readers were cut off: slow ones held back more than there is room for (maxHeldBytes).', 1],
    ])
    expect(lines[1]).toMatchObject({ maxStreams: 90 })
    expect(lines[3]).toMatchObject({ maxConnections: 100 })
    watch.close()
    expect(said().slice(5)).toEqual([['warn', refused, 1]])
    vi.advanceTimersByTime(60_000)
    expect(lines).toHaveLength(6)
  })
})

describe('a log that is full', () => {
  it('is told at once, then as a number, and so is that it takes events again', () => {
    const { hubObserver } = createWatch(logger, { stallMs: 0, limits: { maxConnections: 1, maxStreams: 1 } })
    hubObserver.appended(1, 1)
    const full = new TidingsError('log-full', 'The disk is full.')
    for (let i = 0; i < 120; i++) {
      hubObserver.appendFailed(full)
      // What is small may find room all the same.
      hubObserver.appended(1, 1)
      vi.advanceTimersByTime(100)
    }
    hubObserver.appendFailed(new TidingsError('topic-ended', 'It has ended.'))
    vi.advanceTimersByTime(3_000)
    hubObserver.appended(1, 1)
    hubObserver.appended(1, 1)
    const msg = 'The log is full: publishing is refused until there is room.'
    const error = { level: 'error', msg, err: { code: 'log-full', message: 'The disk is full.' } }
    expect(lines).toMatchObject([
      { ...error, count: 1 },
      { ...error, count: 99 },
      { ...error, count: 20 },
      { level: 'info', msg: 'The log takes events again.', refused: 120, seconds: 15 },
    ])
  })
})

describe('the clock', () => {
  it('is told when it was set, and not when it runs a little wrong', () => {
    let [now, elapsed] = [1_700_000_000_000, 0]
    const stop = watchClock(logger, { now: () => now, elapsed: () => elapsed })
    const pass = (clockMs: number) => {
      now += clockMs
      elapsed += 1_000
      vi.advanceTimersByTime(1_000)
    }
    for (const clockMs of [1_000, 1_900, 100, 1_000]) pass(clockMs)
    expect(lines).toEqual([])
    pass(1_000 - 3_600_000)
    pass(1_000)
    pass(1_000 + 7_200_000)
    expect(lines).toMatchObject([
      { level: 'warn', msg: expect.stringMatching(/^The clock was set back:/), byMs: 3_600_000 },
      { level: 'warn', msg: expect.stringMatching(/^The clock went ahead:/), byMs: 7_200_000 },
    ])
    stop()
    pass(0)
    expect(lines).toHaveLength(2)
  })

  it('is told at the start if the newest event is ahead of it', () => {
    tellIfAhead(logger, { offset: 1, time: 10_500, epochs: [] }, { now: () => 10_000 })
    expect(lines).toEqual([])
    tellIfAhead(logger, { offset: 1, time: 70_000, epochs: [] }, { now: () => 10_000 })
    expect(lines).toMatchObject([{ level: 'warn', byMs: 60_000 }])
  })
})
