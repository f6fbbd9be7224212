import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutAfter, epochAt, judge, maxEpochs, newEpoch, presentEpoch, withEpoch } from './epochs.js'
import type { EpochEntry } from './log.js'

const epochs: readonly EpochEntry[] = [
  { epoch: 'old', first: 1 },
  { epoch: 'mid', first: 101 },
  { epoch: 'new', first: 81 + 60 },
]

describe('newEpoch', () => {
  it('is eight characters of 0-9a-z that the table does not have', () => {
    for (let i = 0; i < 200; i++) expect(newEpoch()).toMatch(/^(?=.*[0-9])[0-9a-z]{8}$/)
    expect(new Set(Array.from({ length: 1000 }, () => newEpoch())).size).toBe(1000)
  })
})

describe('withEpoch', () => {
  it('forgets the oldest of more than 64', () => {
    let table: readonly EpochEntry[] = [{ epoch: 'first', first: 1 }]
    for (let i = 2; i <= maxEpochs; i++) table = withEpoch(table, i)
    expect(table).toHaveLength(maxEpochs)
    expect(table[0]?.epoch).toBe('first')
    table = withEpoch(table, 1000)
    expect(table).toHaveLength(maxEpochs)
    expect(table[0]?.first).toBe(2)
    expect(table.at(-1)).toEqual({ epoch: presentEpoch(table), first: 1000 })
  })
})

describe('a log that is cut again, below where its last history began', () => {
  it('has no good cursor above the deeper cut', () => {
    const table = withEpoch(
      [
        { epoch: 'a', first: 1 },
        { epoch: 'b', first: 81 },
      ],
      61,
    )
    expect(table.map(entry => entry.first)).toEqual([1, 61, 61])
    expect(judge({ epoch: 'a', offset: 70 }, table)).toBe('rewound')
    expect(judge({ epoch: 'b', offset: 85 }, table)).toBe('rewound')
    expect(judge({ epoch: 'a', offset: 60 }, table)).toBe('good')
    expect(epochAt(61, table)).toBe(presentEpoch(table))
  })
})

describe('judge', () => {
  it.each([
    ['old', 0, 'good'],
    ['old', 100, 'good'],
    ['old', 101, 'rewound'],
    ['old', 5000, 'rewound'],
    ['mid', 100, 'good'],
    ['mid', 140, 'good'],
    ['mid', 141, 'rewound'],
    ['new', 10 ** 9, 'good'],
    ['never', 3, 'unknown'],
  ] as const)('(%s, %i) is %s', (epoch, offset, verdict) => {
    expect(judge({ epoch, offset }, epochs)).toBe(verdict)
  })
})

describe('epochAt', () => {
  it.each([
    [0, 'old'],
    [100, 'old'],
    [101, 'mid'],
    [140, 'mid'],
    [141, 'new'],
    [9999, 'new'],
  ] as const)('%i is in %s', (offset, epoch) => {
    expect(epochAt(offset, epochs)).toBe(epoch)
  })

  it('names a history in which the offset is a good cursor', () => {
    const table = fc
      .array(fc.nat(20), { minLength: 1, maxLength: 8 })
      .map(steps => steps.map((_, i) => ({ epoch: `e${i}`, first: 1 + steps.slice(0, i).reduce((a, b) => a + b, 0) })))
    fc.assert(
      fc.property(table, fc.nat(200), (entries, offset) => {
        expect(judge({ epoch: epochAt(offset, entries), offset }, entries)).toBe('good')
      }),
    )
  })
})

describe('cutAfter', () => {
  const entries = (...firsts: readonly (readonly [string, number])[]): readonly EpochEntry[] =>
    firsts.map(([epoch, first]) => ({ epoch, first }))
  const known = entries(['a', 1], ['b', 81])

  it.each([
    ['the same table', known, Number.POSITIVE_INFINITY],
    ['a history begun after the last', entries(['a', 1], ['b', 81], ['c', 101]), 100],
    ['one that cut into the last but one', entries(['a', 1], ['b', 61], ['c', 61]), 60],
    ['an older copy without the last', entries(['a', 1]), 80],
    ['an older copy that went another way', entries(['a', 1], ['d', 71]), 70],
    ['an older copy that went another way later', entries(['a', 1], ['d', 95]), 80],
    ['another log', entries(['x', 1]), 0],
  ])('%s', (_, epochs, cut) => {
    expect(cutAfter(known, epochs)).toBe(cut)
  })
})
