import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHistogram } from './histogram.js'

describe('the histogram', () => {
  it('has nothing to say of nothing', () => {
    const { count, maxUs, percentileUs } = createHistogram()
    expect([count, maxUs, percentileUs(0.5)]).toEqual([0, 0, 0])
  })

  it('gives the time that a share does not exceed, at most 0.8 % too great', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (times, share) => {
          const histogram = createHistogram()
          for (const time of times) histogram.record(time)
          const sorted = times.toSorted((a, b) => a - b)
          const exact = sorted[Math.max(1, Math.ceil(times.length * share)) - 1] ?? 0
          const told = histogram.percentileUs(share)
          expect(told).toBeGreaterThanOrEqual(exact)
          expect(told).toBeLessThanOrEqual(exact * 1.008)
          expect([histogram.count, histogram.maxUs]).toEqual([times.length, sorted.at(-1)])
        },
      ),
    )
  })

  it('takes what is out of its bounds for the bound', () => {
    const histogram = createHistogram()
    histogram.record(-5)
    expect(histogram.maxUs).toBe(0)
    histogram.record(2 ** 40)
    expect([histogram.percentileUs(0.5), histogram.percentileUs(1)]).toEqual([0, 2 ** 31 - 1])
  })
})
