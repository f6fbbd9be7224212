import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createOutbox } from './outbox.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** An outbox whose batches are sent when the test says so. */
function scripted(options: { maxItems?: number; maxBytes?: number } = {}) {
  const batches: (readonly number[])[] = []
  const answers: { resolve: () => void; reject: (error: Error) => void }[] = []
  const outbox = createOutbox<number>({
    maxItems: options.maxItems ?? 3,
    maxBytes: options.maxBytes ?? 1000,
    maxWaitMs: 100,
    send: batch => {
      batches.push(batch)
      return new Promise<void>((resolve, reject) => void answers.push({ resolve, reject }))
    },
  })
  const answer = async () => {
    answers.shift()?.resolve()
    await nextTurn()
  }
  return { outbox, batches, answers, answer }
}

describe('an outbox', () => {
  it('sends what came within the time, also if nothing else comes', () => {
    const { outbox, batches } = scripted()
    expect(outbox.add(1, 1)).toBeUndefined()
    vi.advanceTimersByTime(99)
    expect(outbox.add(2, 1)).toBeUndefined()
    expect(batches).toEqual([])
    vi.advanceTimersByTime(1)
    expect(batches).toEqual([[1, 2]])
  })

  it('sends a full batch at once, by number and by bytes', () => {
    const { outbox, batches } = scripted({ maxBytes: 10 })
    for (const n of [1, 2, 3]) void outbox.add(n, 1)
    expect(batches).toEqual([[1, 2, 3]])
    const { outbox: other, batches: sent } = scripted({ maxBytes: 10 })
    void other.add(1, 10)
    expect(sent).toEqual([[1]])
  })

  it('has one batch under way, and one that waits: whoever adds more is held up', async () => {
    const { outbox, batches, answer } = scripted()
    let added = 0
    const adding = (async () => {
      for (let n = 1; n <= 20; n++) {
        await outbox.add(n, 1)
        added = n
      }
    })()
    await nextTurn()
    vi.advanceTimersByTime(1000)
    expect(batches).toEqual([[1, 2, 3]])
    expect(added).toBe(5)
    await answer()
    expect(batches.at(-1)).toEqual([4, 5, 6])
    expect(added).toBe(8)
    for (let i = 0; i < 6; i++) await answer()
    await adding
    const finished = outbox.finish()
    await answer()
    await finished
    expect(batches.flat()).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })

  it('finishes when all is sent, at once if there is nothing', async () => {
    const { outbox, batches, answer } = scripted()
    await outbox.finish()
    void outbox.add(1, 1)
    const finished = vi.fn()
    const finishing = outbox.finish().then(finished)
    await nextTurn()
    expect(batches).toEqual([[1]])
    expect(finished).not.toHaveBeenCalled()
    await answer()
    await finishing
  })

  it('fails once for all: what waits, what is added, and its end', async () => {
    const { outbox, batches, answers } = scripted()
    for (const n of [1, 2, 3, 4, 5]) void outbox.add(n, 1)
    const held = outbox.add(6, 1)
    answers[0]?.reject(new Error('away'))
    await expect(held).rejects.toThrow('away')
    await expect(outbox.failed).rejects.toThrow('away')
    await expect(outbox.add(7, 1)).rejects.toThrow('away')
    await expect(outbox.finish()).rejects.toThrow('away')
    expect(batches).toEqual([[1, 2, 3]])
  })
})
