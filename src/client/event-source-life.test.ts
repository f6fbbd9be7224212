import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventSourceLife, type Happening, next, type State } from './event-source-life.js'

const states = Object.keys(eventSourceLife) as State[]

test('what is closed stays so, and everything can be closed', () => {
  for (const state of states) expect(next(state, 'close')).toBe('closed')
  for (const happening of Object.keys(eventSourceLife.closed) as Happening[]) {
    expect(next('closed', happening)).toBe('closed')
  }
})

test('a stream opens only as the answer to a request, and a lost one is waited for', () => {
  expect(states.filter(state => eventSourceLife[state].opened === 'open')).toEqual(['asking'])
  fc.assert(
    fc.property(fc.array(fc.constantFrom<Happening>('due', 'opened', 'refused', 'lost')), happenings => {
      let state: State = 'waiting'
      for (const happening of happenings) {
        if (eventSourceLife[state][happening] === 'never') continue
        state = next(state, happening)
        if (happening === 'lost' && state !== 'closed') expect(state).toBe('waiting')
      }
    }),
  )
})

test('what can never happen is an error', () => {
  expect(() => next('waiting', 'opened')).toThrow('An EventSource that is waiting: opened.')
})
