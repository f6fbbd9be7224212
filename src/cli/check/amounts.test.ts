import { describe, expect, it } from 'vitest'
import { bytesText, countOf, durationText, shareText, timeText } from './amounts.js'

describe('amounts for people', () => {
  it.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [12_931_072, '12.3 MiB'],
    [2 ** 40, '1 TiB'],
    [2 ** 62, '4096 PiB'],
  ])('%d bytes', (bytes, text) => expect(bytesText(bytes)).toBe(text))

  it('counts', () => {
    expect([0, 1, 10_604].map(count => countOf(count, 'event'))).toEqual(['0 events', '1 event', '10,604 events'])
  })

  it.each([
    [0, '0 ms'],
    [1_500, '1,500 ms'],
    [90_000, '90 s'],
    [3_600_000, '1 h'],
    [7 * 86_400_000, '7 d'],
  ])('%d ms', (ms, text) => expect(durationText(ms)).toBe(text))

  it.each([
    [0, 10, '0 %'],
    [1, 3, '33 %'],
    [1, 30, '3.3 %'],
    [10, 10, '100 %'],
    [12_931_072, 2 ** 40, '0.0012 %'],
  ])('%d of %d', (part, whole, text) => expect(shareText(part, whole)).toBe(text))

  it.each([
    [0, '(0 s ago)'],
    [61_000, '(1 min ago)'],
    [7_200_001, '(2 h ago)'],
    [90_000_000, '(1 d ago)'],
    [-1, '(ahead of the clock)'],
  ])('a time %d ms ago', (ms, text) => {
    const now = Date.UTC(2026, 10, 23, 9, 30, 24)
    expect(timeText(now, now)).toBe('2026-11-23 09:30:24 UTC (0 s ago)')
    expect(timeText(now - ms, now)).toContain(text)
  })
})
