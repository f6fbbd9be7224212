import { expect, test } from 'vitest'
import { toRetryAfterMs, toWaitMs } from './backoff.js'

const now = Date.parse('2026-11-29T08:00:00Z')

test.each([
  ['7', 7_000],
  ['0', 0],
  ['99999999999', 99_999_999_999_000],
  ['Sun, 29 Nov 2026 08:00:05 GMT', 5_000],
  ['Sun, 29 Nov 2026 07:00:00 GMT', 0],
  ['-3', 0],
  ['soon', 0],
  ['', 0],
  [null, 0],
])('Retry-After: %s is %i ms', (header, ms) => {
  expect(toRetryAfterMs(header, now)).toBe(ms)
})

test('waits are bounded, whatever was asked and however often it failed', () => {
  const backoff = { backoffMs: 1_000, maxBackoffMs: 30_000, random: () => 0.5 }
  const waits = [0, 1, 5, 1_000].map(failures => toWaitMs(backoff, failures, 200))
  expect(waits).toEqual([700, 1_200, 15_200, 15_200])
  expect(toWaitMs(backoff, 0, Number.POSITIVE_INFINITY)).toBe(3_600_500)
})
