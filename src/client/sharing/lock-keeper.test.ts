import { describe, expect, it } from 'vitest'
import { createLockKeeper, type KeeperPort } from './lock-keeper.js'

/** A keeper, and what it says to each who asks. */
function open() {
  const serve = createLockKeeper()
  return (name: string) => {
    const told: string[] = []
    const port: KeeperPort = { onmessage: null, postMessage: message => void told.push(message) }
    serve(port)
    const say = (data: unknown) => port.onmessage?.({ data })
    return { told, ask: (isStealing = false) => say({ name, isStealing }), leave: () => say('leave') }
  }
}

describe('a keeper of locks', () => {
  it('gives each lock to one, in the order in which they ask', () => {
    const connect = open()
    const [one, two, three, other] = [connect('a'), connect('a'), connect('a'), connect('b')]
    for (const { ask } of [one, two, three, other]) ask()
    expect([one.told, two.told, three.told, other.told]).toEqual([['granted'], ['waiting'], ['waiting'], ['granted']])
    two.leave()
    one.leave()
    one.leave()
    expect([two.told, three.told]).toEqual([['waiting'], ['waiting', 'granted']])
    three.leave()
    const late = connect('a')
    late.ask()
    expect(late.told).toEqual(['granted'])
  })

  it('takes it from whoever has it for one that steals, and then goes on in order', () => {
    const connect = open()
    const [one, two, thief] = [connect('a'), connect('a'), connect('a')]
    one.ask()
    two.ask()
    thief.ask(true)
    expect([one.told, two.told, thief.told]).toEqual([['granted', 'stolen'], ['waiting'], ['granted']])
    // It has nothing to give back.
    one.leave()
    expect(two.told).toEqual(['waiting'])
    thief.leave()
    expect(two.told).toEqual(['waiting', 'granted'])
  })
})
