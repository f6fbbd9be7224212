import { describe, expect, it } from 'vitest'
import { OnceTable } from './once.js'

const at = (offset: number) => ({ epoch: 'e', offset })

describe('OnceTable', () => {
  it('forgets after its time, and lets a token be given again', () => {
    const table = new OnceTable(1000, 10)
    table.remember('a', 'd', at(1), 0)
    expect(table.get('a', 1000)?.position).toEqual(at(1))
    expect(table.get('a', 1001)).toBeUndefined()
    table.remember('a', 'other', at(2), 1001)
    table.prune(1001)
    expect(table.get('a', 2001)).toMatchObject({ digest: 'other', position: at(2) })
  })

  it('forgets the oldest of too many, and keeps none where none are wanted', () => {
    const table = new OnceTable(1000, 3)
    for (let i = 0; i < 10_000; i++) {
      table.remember(`t${i}`, 'd', at(i), 0)
      table.prune(0)
    }
    expect([9996, 9997, 9998, 9999].map(i => table.get(`t${i}`, 0)?.position.offset)).toEqual([
      undefined,
      9997,
      9998,
      9999,
    ])
    const none = new OnceTable(1000, 0)
    none.remember('a', 'd', at(1), 0)
    none.prune(0)
    expect(none.get('a', 0)).toBeUndefined()
  })
})
