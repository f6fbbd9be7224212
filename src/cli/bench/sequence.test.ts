import { describe, expect, it } from 'vitest'
import { createTally, Sequence } from './sequence.js'

type Step = number | '$gap'

function tallyOf(steps: readonly Step[], published: number, isConnected = true) {
  const tally = createTally()
  const sequence = new Sequence(tally)
  for (const step of steps) {
    if (step === '$gap') sequence.tellGap()
    else sequence.hear(step)
  }
  sequence.finish(published, isConnected)
  return tally
}

const none = createTally()

describe('what a connection hears', () => {
  it.each<[string, readonly Step[], number, Partial<typeof none>]>([
    ['all', [0, 1, 2], 3, { heard: 3 }],
    ['nothing, where nothing was published', [], 0, {}],
    ['nothing of two', [], 2, { lost: 2 }],
    ['all but one in the middle', [0, 2, 3], 4, { heard: 3, lost: 1 }],
    ['all but the last', [0, 1], 3, { heard: 2, lost: 1 }],
    ['one twice', [0, 1, 1, 2], 3, { heard: 3, repeated: 1 }],
    ['two the wrong way round', [0, 2, 1, 3], 4, { heard: 4, disordered: 1 }],
    ['one late, and then again', [0, 2, 1, 1], 3, { heard: 3, disordered: 1, repeated: 1 }],
    ['that something is missing, and it is', [0, '$gap', 3], 4, { heard: 2, told: 2 }],
    ['that something is missing, and nothing more', [0, '$gap'], 3, { heard: 1, told: 2 }],
    ['that something is missing, and it is not', [0, '$gap', 1, 3], 4, { heard: 3, lost: 1 }],
    ['again what the log had lost', [0, 1, '$gap', 1, 2], 3, { heard: 3, replayed: 1 }],
    ['more than is known to be in the log', [0, 1], 1, { heard: 2 }],
  ])('%s', (_, steps, published, expected) => {
    expect(tallyOf(steps, published)).toEqual({ ...none, ...expected })
  })

  it('is not called lost if it was away', () => {
    expect(tallyOf([0], 3, false)).toEqual({ ...none, heard: 1, unheard: 2 })
  })

  it('is counted though more is missing than is remembered', () => {
    const late = tallyOf([5_000, 10, 4_000], 5_001)
    expect(late).toEqual({ ...none, heard: 2, lost: 4_999, disordered: 1, repeated: 1 })
  })
})
