import { describe, expect, it } from 'vitest'

interface Verdict {
  readonly cost: Readonly<Record<string, number>>
  readonly wrong: readonly string[]
  readonly void: readonly string[]
  readonly untimed: readonly string[]
}
interface Bench {
  judge(flow: object, cpu: { readonly server: number; readonly all: number }, bytes?: number): Verdict
  middle(results: readonly object[], scenario: string, what: string, server: string, value: string): number | undefined
}

// The bench is JavaScript, checked by a project of its own; what it gives is named here.
const load = async (name: string): Promise<Bench> => import(new URL(`../../bench/load/${name}`, import.meta.url).href)
const { judge } = await load('measure.mjs')
const { middle } = await load('report/medians.mjs')

const times = {
  count: 0,
  meanMs: 0,
  points: [
    [50, 20],
    [99, 80],
  ],
}
/** A second of a million deliveries to a thousand subscribers, of which nothing is to be said. */
const flow = {
  published: 1_000,
  requests: 1_000,
  answered: 1_000,
  refused: 0,
  delivered: 1_000_000,
  missing: 0,
  skipped: 0,
  late: 0,
  damaged: 0,
  foreign: 0,
  gaps: 0,
  cut: 0,
  wallMs: 1_000,
  cpuMs: 500,
  reads: 1_000_000,
  behindMs: { p99: 1, max: 2 },
  latency: times,
  answer: times,
}

describe('what a flow cost', () => {
  it('is the CPU time of the server, for a million deliveries and for a publish', () => {
    const { cost, ...verdict } = judge(flow, { server: 950, all: 1_500 })
    expect(cost).toMatchObject({ cpuPerMillion: 0.95, cpuPerPublishUs: 950, p99Ms: 80, deliveriesPerSecond: 1e6 })
    expect(verdict).toEqual({ wrong: [], void: [], untimed: [] })
  })

  it('does not count if the generator was the bottleneck, and does if both were at their limit', () => {
    const busy = { ...flow, cpuMs: 950 }
    expect(judge(busy, { server: 600, all: 1_550 }).void).toEqual(['the generator was the bottleneck'])
    expect(judge(busy, { server: 950, all: 1_900 }).void).toEqual([])
  })

  it('has no times if the generator read late, or if others took the cores', () => {
    const late = { ...flow, behindMs: { p99: 41, max: 60 } }
    expect(judge(late, { server: 950, all: 1_450 })).toMatchObject({
      void: [],
      untimed: ['the generator read too late'],
    })
    expect(judge(flow, { server: 950, all: 1_900 })).toMatchObject({
      void: [],
      untimed: ['other programs took 45 % of a core'],
    })
  })

  it('names requests that were not answered', () => {
    expect(judge({ ...flow, answered: 990 }, { server: 950, all: 1_450 }).wrong).toEqual(['10 requests not answered'])
  })
})

describe('the figure of several rounds', () => {
  const round = (cpuPerMillion: number, p99Ms: number, more: object = {}): object => ({
    scenario: 'fan-out',
    case: 'all',
    server: 'hub',
    values: { cpuPerMillion, p99Ms },
    void: [],
    untimed: [],
    ...more,
  })
  const rounds = [round(8, 100), round(9, 300, { untimed: ['others'] }), round(10, 120), round(70, 1, { void: ['no'] })]

  it('is the median of those that count, and of times those in which times count', () => {
    expect(middle(rounds, 'fan-out', 'all', 'hub', 'cpuPerMillion')).toBe(9)
    expect(middle(rounds, 'fan-out', 'all', 'hub', 'p99Ms')).toBe(110)
  })

  it('is none where none counts', () => {
    expect(middle(rounds.slice(3), 'fan-out', 'all', 'hub', 'cpuPerMillion')).toBeUndefined()
    expect(middle(rounds, 'fan-out', 'all', 'floor', 'cpuPerMillion')).toBeUndefined()
  })
})
