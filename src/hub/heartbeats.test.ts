import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Beating, Heartbeats } from './heartbeats.js'

class Quiet implements Beating {
  wroteAt = 0
  wheelSlot = 0
  wheelIndex = -1
  isAlive = true
  readonly beatsAt: number[] = []

  lastWriteAt(): number {
    return this.wroteAt
  }

  beat(): boolean {
    if (this.isAlive) this.beatsAt.push(Date.now())
    return this.isAlive
  }
}

describe('Heartbeats', () => {
  let wheel: Heartbeats

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 })
    let calls = 0
    wheel = new Heartbeats(16_000, () => (calls++ % 10) / 10)
  })

  afterEach(() => {
    wheel.close()
    vi.useRealTimers()
  })

  it('beats after a silence of three quarters of the interval up to the whole of it, and again', () => {
    const members = Array.from({ length: 50 }, () => new Quiet())
    for (const member of members) wheel.add(member)
    vi.advanceTimersByTime(100_000)
    for (const { beatsAt } of members) {
      const silences = beatsAt.map((at, i) => at - (beatsAt[i - 1] ?? 0))
      for (const silence of silences) {
        expect(silence).toBeGreaterThanOrEqual(12_000)
        expect(silence).toBeLessThanOrEqual(16_000)
      }
      expect(beatsAt.length).toBeGreaterThanOrEqual(6)
    }
  })

  it('does not beat all at once those that began at once', () => {
    const members = Array.from({ length: 50 }, () => new Quiet())
    for (const member of members) wheel.add(member)
    vi.advanceTimersByTime(16_000)
    expect(new Set(members.map(member => member.beatsAt[0])).size).toBeGreaterThan(3)
  })

  it('leaves alone whoever is written to', () => {
    const member = new Quiet()
    wheel.add(member)
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(10_000)
      member.wroteAt = wheel.now
    }
    expect(member.beatsAt).toEqual([])
  })

  it('lets go of those who leave, in any order, and while it turns', () => {
    const members = Array.from({ length: 30 }, () => new Quiet())
    for (const member of members) wheel.add(member)
    for (const member of members.filter((_, i) => i % 3 === 0)) {
      member.isAlive = false
      wheel.remove(member)
    }
    const gone = members[1] as Quiet
    gone.beat = () => {
      gone.isAlive = false
      wheel.remove(gone)
      return false
    }
    vi.advanceTimersByTime(64_000)
    for (const [i, member] of members.entries()) {
      if (i === 1) continue
      expect(member.beatsAt.length > 2).toBe(i % 3 !== 0)
    }
  })
})
