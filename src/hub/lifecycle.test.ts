import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Happening, lifecycle, next, type State } from './lifecycle.js'

const states = Object.keys(lifecycle) as State[]
const happenings = Object.keys(lifecycle.reading) as Happening[]

describe('the life of a subscription', () => {
  it('reads one page a turn, and is live only by way of a page that reached the live flow', () => {
    for (const state of states) {
      expect(lifecycle[state].turn).toBe(state === 'waiting' ? 'reading' : 'never')
      expect(lifecycle[state].more).toBe(state === 'reading' ? 'waiting' : 'never')
      expect(lifecycle[state].reached).toBe(state === 'reading' ? 'live' : 'never')
      expect(lifecycle[state].behind).toBe(state === 'live' ? 'waiting' : 'never')
    }
  })

  it('is given nothing more while its sink holds bytes back, and reads on from its cursor after that', () => {
    for (const state of ['waiting', 'reading', 'live'] as const) expect(next(state, 'full')).toBe('held')
    expect(next('held', 'drained')).toBe('waiting')
    expect(() => next('held', 'turn')).toThrow('held')
  })

  it('ends once, and stays closed', () => {
    for (const state of states) {
      expect(next(state, 'gone')).toBe('closed')
      expect(next(state, 'finish')).toBe(state === 'closed' ? 'closed' : 'ending')
    }
    for (const happening of happenings) expect(['closed', 'never']).toContain(lifecycle.closed[happening])
  })

  it('is drawn in ARCHITECTURE.md as it is', () => {
    const text = readFileSync(new URL('../../ARCHITECTURE.md', import.meta.url), 'utf8')
    const rows = text.split('\n').map(row => row.split('|').map(cell => cell.trim()))
    const columns = rows.find(([, first, second]) => first === '' && second === 'turn')?.slice(2, -1)
    expect(columns).toEqual(happenings)
    for (const state of states) {
      const drawn = rows.find(([, first]) => first === state)?.slice(2, -1)
      expect(drawn).toEqual(happenings.map(happening => lifecycle[state][happening]))
    }
  })

  it('comes to no state by anything that the table does not name', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...happenings), { maxLength: 40 }), sequence => {
        let state: State = 'waiting'
        for (const happening of sequence) {
          const named: State | 'never' = lifecycle[state][happening]
          if (named === 'never') expect(() => next(state, happening)).toThrow(happening)
          else {
            expect(next(state, happening)).toBe(named)
            state = named
          }
        }
      }),
    )
  })
})
