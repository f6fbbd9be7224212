import { describe, expect, it } from 'vitest'
import { resolve } from '../../settings/resolve.js'
import { type Channel, linkToPrimary } from './link.js'
import type { Order, Word } from './messages.js'

const { settings } = resolve({ log: { kind: 'lmdb', directory: 'log' } })

function setUp() {
  const words: Word[] = []
  let order: (order: Order) => void = () => undefined
  const channel: Channel = {
    send: word => void words.push(word),
    onOrder(call) {
      order = call
    },
  }
  const link = linkToPrimary(channel)
  return { link, words, order: (given: Order) => order(given) }
}

describe('a link to the primary', () => {
  it('says that it is ready, and what the worker is', async () => {
    const { link, words, order } = setUp()
    expect(words).toEqual([{ kind: 'ready' }])
    order({ kind: 'begin', index: 2, settings })
    expect(await link.begun).toMatchObject({ index: 2 })
  })

  it('keeps what is ordered before anybody listens', () => {
    // Settings that were read again while a worker began held in all others, and one that was to end went on until it was killed.
    const { link, order } = setUp()
    const heard: string[] = []
    order({ kind: 'begin', index: 1, settings })
    order({ kind: 'reconfigure', settings: { ...settings, logLevel: 'debug' } })
    order({ kind: 'drain' })
    link.listen({
      drain: () => void heard.push('drain'),
      reconfigure: next => void heard.push(JSON.stringify(next)),
      answer: async () => undefined,
    })
    expect(heard).toEqual([expect.stringContaining('debug'), 'drain'])
  })

  it('answers, and is answered', async () => {
    const { link, words, order } = setUp()
    link.listen({ drain() {}, reconfigure() {}, answer: async question => question.kind })
    order({ kind: 'question', id: 9, question: { kind: 'figures' } })
    const asked = link.ask({ kind: 'subscribers', topics: ['news'] })
    order({ kind: 'answer', id: 1, answers: [[1], [2]] })
    expect(await asked).toEqual([[1], [2]])
    expect(words.slice(1)).toEqual([
      { kind: 'question', id: 1, question: { kind: 'subscribers', topics: ['news'] } },
      { kind: 'answer', id: 9, answer: 'figures' },
    ])
  })
})
