import { describe, expect, it, vi } from 'vitest'
import { jsonLines } from '../../test/support/collecting-sink.js'
import { parseSelector } from '../wire/selector.js'
import { type Shareable, SharedReads } from './shared-reads.js'
import type { HubView } from './subscription.js'
import { View } from './view.js'

const view = (): HubView => new View('a', [parseSelector('a')], jsonLines, { isConflated: false, window: undefined })
const brought = (bytes: number, isWorthKeeping = true): Shareable => ({ bytes, isWorthKeeping })

describe('SharedReads', () => {
  it('reads once for all that stand at one place, while it reads and afterwards', async () => {
    const reads = new SharedReads()
    const one = view()
    const read = vi.fn(async () => brought(100))
    const first = reads.share(one, 5, read)
    expect(reads.share(one, 5, read)).toBe(first)
    await first
    await reads.share(one, 5, read)
    expect(read).toHaveBeenCalledTimes(1)
    await reads.share(one, 6, read)
    await reads.share(view(), 5, read)
    expect(read).toHaveBeenCalledTimes(3)
  })

  it('reads again what failed, what brought nobody on, and what was forgotten', async () => {
    const reads = new SharedReads()
    const one = view()
    await expect(reads.share(one, 1, () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    const read = vi.fn(async () => brought(0, false))
    await reads.share(one, 1, read)
    await reads.share(one, 1, read)
    expect(read).toHaveBeenCalledTimes(2)
    const kept = vi.fn(async () => brought(1))
    await reads.share(one, 2, kept)
    reads.forget()
    await reads.share(one, 2, kept)
    expect(kept).toHaveBeenCalledTimes(2)
  })

  it('keeps the newest within its bound', async () => {
    const reads = new SharedReads()
    const one = view()
    const mib = 1024 * 1024
    for (let cursor = 0; cursor < 20; cursor++) await reads.share(one, cursor, async () => brought(mib))
    const read = vi.fn(async () => brought(mib))
    await reads.share(one, 19, read)
    expect(read).not.toHaveBeenCalled()
    await reads.share(one, 0, read)
    expect(read).toHaveBeenCalledTimes(1)
  })

  it('forgets what comes back after it was told to', async () => {
    const reads = new SharedReads()
    const one = view()
    let answer = (_: Shareable): void => undefined
    const late = reads.share(
      one,
      1,
      () =>
        new Promise(resolve => {
          answer = resolve
        }),
    )
    reads.forget()
    answer(brought(1))
    await late
    const read = vi.fn(async () => brought(1))
    await reads.share(one, 1, read)
    expect(read).toHaveBeenCalledTimes(1)
  })
})
