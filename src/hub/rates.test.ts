import { describe, expect, it } from 'vitest'
import { Rates } from './rates.js'

describe('Rates', () => {
  it('are of the last ten whole seconds', () => {
    let now = 1_000_000
    const rates = new Rates(() => now)
    for (let i = 0; i < 20; i++) rates.count('a')
    expect(rates.of('a')).toBe(0)
    now += 1000
    expect(rates.of('a')).toBe(2)
    now += 9000
    expect(rates.of('a')).toBe(2)
    now += 1000
    expect(rates.of('a')).toBe(0)
    expect(rates.of('b')).toBe(0)
  })

  it('begin anew after a sleep, and after a clock that was set back', () => {
    let now = 1_000_000
    const rates = new Rates(() => now)
    rates.count('a')
    now += 3_600_000
    expect(rates.of('a')).toBe(0)
    rates.count('a')
    now -= 7_200_000
    rates.count('a')
    now += 1000
    expect(rates.of('a')).toBe(0.1)
  })
})
