import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { NewEvent } from '../../../log/log.js'
import { startFeeds, timeOfDay } from './feeds.js'
import type { Figures } from './figures.js'

const noFigures: Figures = { figures: [], missing: [] }
const oneFigure: Figures = { figures: [{ topic: 'host/load', read: () => ({ one: 0.5 }) }], missing: [] }

describe('the demo feeds', () => {
  const said: NewEvent[] = []
  const reports: string[] = []
  const report = (message: string): void => {
    reports.push(message)
  }
  const publish = async (events: readonly NewEvent[]): Promise<void> => {
    said.push(...events)
  }
  let stop: (() => void) | undefined

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date(2026, 10, 23, 9, 59, 57, 250) })
    said.length = 0
    reports.length = 0
  })
  afterEach(() => {
    stop?.()
    vi.useRealTimers()
  })

  it('tells the time of day at every fifth second', async () => {
    stop = startFeeds({ publish, report, figures: noFigures })
    await vi.advanceTimersByTimeAsync(13_000)
    expect(said).toEqual([
      { topic: 'clock', data: '10:00:00' },
      { topic: 'clock', data: '10:00:05' },
      { topic: 'clock', data: '10:00:10' },
    ])
  })

  it('says a time late rather than not, when a publish takes long', async () => {
    let answer = (): void => {}
    stop = startFeeds({
      publish: async events => {
        await publish(events)
        if (said.length === 1) {
          await new Promise<void>(resolve => {
            answer = resolve
          })
        }
      },
      report,
      figures: oneFigure,
    })
    await vi.advanceTimersByTimeAsync(4_500)
    answer()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(said.filter(event => event.topic === 'clock')).toEqual([{ topic: 'clock', data: '10:00:00' }])
  })

  it('gives figures every second', async () => {
    stop = startFeeds({ publish, report, figures: oneFigure })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(said.filter(event => event.topic === 'host/load')).toHaveLength(5)
    expect(said[0]).toEqual({ topic: 'host/load', data: '{"one":0.5}' })
  })

  it('begins nothing new while it waits, however long it takes', async () => {
    let begun = 0
    let answer = (): void => {}
    stop = startFeeds({
      publish: () => {
        begun++
        return new Promise<void>(resolve => {
          answer = resolve
        })
      },
      report,
      figures: oneFigure,
    })
    await vi.advanceTimersByTimeAsync(30_000)
    expect(begun).toBe(1)
    answer()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(begun).toBe(3)
  })

  it('outlives a log that is away, and says so once each way', async () => {
    let isAway = true
    stop = startFeeds({
      publish: async events => {
        if (isAway) throw new Error('the log does not answer')
        await publish(events)
      },
      report,
      figures: oneFigure,
    })
    await vi.advanceTimersByTimeAsync(4_000)
    expect(said).toEqual([])
    isAway = false
    await vi.advanceTimersByTimeAsync(2_000)
    expect(said).toHaveLength(2)
    expect(reports).toEqual([
      'The demo feed host/load is silent for now: the log does not answer',
      'The demo feed clock is silent for now: the log does not answer',
      'The demo feed host/load goes on.',
    ])
  })

  it('goes on with the others when somebody has ended one topic', async () => {
    stop = startFeeds({
      publish: async events => {
        if (events.some(event => event.topic === 'clock')) throw new Error('The topic has ended.')
        await publish(events)
      },
      report,
      figures: oneFigure,
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(said).toHaveLength(10)
    expect(reports).toEqual(['The demo feed clock is silent for now: The topic has ended.'])
  })

  it('says what cannot be read, once, and goes on with the rest', async () => {
    stop = startFeeds({
      publish,
      report,
      figures: {
        figures: [
          ...oneFigure.figures,
          {
            topic: 'host/cpu',
            read: () => {
              throw new Error('EACCES')
            },
          },
        ],
        missing: [{ topic: 'host/network', reason: 'there is no /proc' }],
      },
    })
    await vi.advanceTimersByTimeAsync(3_000)
    expect(said.filter(event => event.topic === 'host/load')).toHaveLength(3)
    expect(reports).toEqual([
      'The demo feed host/network is not started: there is no /proc.',
      'The demo feed host/cpu is silent for now: EACCES',
    ])
  })

  it('stops', async () => {
    stop = startFeeds({ publish, report, figures: oneFigure })
    await vi.advanceTimersByTimeAsync(1_000)
    stop()
    const before = said.length
    await vi.advanceTimersByTimeAsync(10_000)
    expect(said).toHaveLength(before)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('writes the time with two digits each', () => {
    expect(timeOfDay(new Date(2026, 0, 1, 4, 5, 6))).toBe('04:05:06')
  })
})
