import { describe, expect, it } from 'vitest'
import { HeldBytes, type Holder, toBatch } from './held.js'

function holder(): Holder & { wasEvicted: boolean } {
  return {
    held: undefined,
    wasEvicted: false,
    evict() {
      this.wasEvicted = true
    },
  }
}

const kib = (count: number): Uint8Array => new Uint8Array(count * 1024)

describe('HeldBytes', () => {
  it('counts a batch once, however many hold it, until the last lets go', () => {
    const held = new HeldBytes(1 << 20)
    const batch = toBatch(kib(64))
    const [one, two] = [holder(), holder()]
    held.hold(one, batch)
    held.hold(two, batch)
    expect(held.bytes).toBe(64 * 1024)
    held.release(one)
    expect(held.bytes).toBe(64 * 1024)
    held.release(two)
    held.release(two)
    expect(held.bytes).toBe(0)
  })

  it('cuts off those that have held longest, and no more of them than the bound asks for', () => {
    const held = new HeldBytes(100 * 1024)
    const holders = Array.from({ length: 5 }, holder)
    for (const one of holders) held.hold(one, toBatch(kib(30)))
    expect(holders.map(one => one.wasEvicted)).toEqual([true, true, false, false, false])
    expect(held.bytes).toBe(90 * 1024)
  })

  it('holds only the newest batch of one holder', () => {
    const held = new HeldBytes(1 << 20)
    const one = holder()
    held.hold(one, toBatch(kib(10)))
    held.hold(one, toBatch(kib(20)))
    expect(held.bytes).toBe(20 * 1024)
  })
})
