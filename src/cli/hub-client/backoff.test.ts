import { describe, expect, it } from 'vitest'
import { createBackoff } from './backoff.js'
import { toRetryAfterMs } from './verdict.js'

describe('waiting before trying again', () => {
  it('grows to its bound, by chance between half and all, and begins anew after a success', () => {
    let chance = 1
    const backoff = createBackoff(100, 1000, () => chance)
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000])
    chance = 0
    expect(backoff.next()).toBe(500)
    backoff.reset()
    expect(backoff.next()).toBe(50)
  })

  it('is at least what was asked for, and a little more, so that not all come at once', () => {
    expect(createBackoff(100, 1000, () => 0).next(3000)).toBe(3000)
    expect(createBackoff(100, 1000, () => 0.5).next(3000)).toBe(3150)
  })

  it('reads Retry-After in seconds and as a date (RFC 9110, 10.2.3), and no nonsense', () => {
    const now = Date.parse('2026-11-23T10:00:00Z')
    expect(toRetryAfterMs('120', now)).toBe(120_000)
    expect(toRetryAfterMs('Mon, 23 Nov 2026 10:00:30 GMT', now)).toBe(30_000)
    expect(toRetryAfterMs('Mon, 23 Nov 2026 09:00:00 GMT', now)).toBe(0)
    expect(toRetryAfterMs('99999999', now)).toBe(3_600_000)
    expect(toRetryAfterMs('soon', now)).toBeUndefined()
    expect(toRetryAfterMs(undefined, now)).toBeUndefined()
  })
})
