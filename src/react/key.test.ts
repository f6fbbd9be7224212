import { describe, expect, it } from 'vitest'
import type { ConnectOptions } from '../client/connection/options.js'
import { toKey } from './key.js'

const url = '/events'

describe('the key of a connection', () => {
  it.each<[string, ConnectOptions, ConnectOptions]>([
    ['options in another order', { since: 'now', topics: ['a'] }, { topics: ['a'], since: 'now' }],
    ['members in another order', { share: { name: 'x', silenceMs: 500 } }, { share: { silenceMs: 500, name: 'x' } }],
    ['what is not given', { since: undefined, topics: ['a'] }, { topics: ['a'] }],
    ['another function', { token: () => 'a' }, { token: () => 'b' }],
    ['who is told', { onError: () => undefined }, {}],
    ['schemas made anew', { schemas: { n: new Map() } as never }, { schemas: { n: new Map() } as never }],
  ])('is the same for %s', (_, one, other) => {
    expect(toKey(url, one, undefined)).toBe(toKey(url, other, undefined))
  })

  it.each<[string, ConnectOptions, ConnectOptions]>([
    ['topics', { topics: ['a'] }, { topics: ['b'] }],
    ['topics in another order', { topics: ['a', 'b'] }, { topics: ['b', 'a'] }],
    // The tabs of two users.
    ['what stands beside a function', share('ann'), share('bob')],
    ['what stands beside a URL', worker('ann'), worker('bob')],
    ['a URL', worker('ann'), worker('ann', '/other.js')],
    ['bytes', { body: new Uint8Array([1]) }, { body: new Uint8Array([2]) }],
    ['a token', { token: () => 'a' }, {}],
    ['a text in place of a function', { token: () => 'a' }, { token: '[[]]' }],
    ['a way to ask', { fetch: () => Promise.reject(new Error('no')) }, {}],
    ['names of schemas', { schemas: { n: new Map() } as never }, { schemas: { m: new Map() } as never }],
    ['a text in place of a number', { conflate: 5 }, { conflate: '5' as never }],
  ])('is another for other %s', (_, one, other) => {
    expect(toKey(url, one, undefined)).not.toBe(toKey(url, other, undefined))
  })

  it('is another for another key and another URL', () => {
    expect(toKey(url, {}, 'ann')).not.toBe(toKey(url, {}, 'bob'))
    expect(toKey('/other', {}, 'ann')).not.toBe(toKey(url, {}, 'ann'))
    expect(toKey(new URL('http://hub.example/a'), {}, undefined)).not.toBe(
      toKey(new URL('http://hub.example/b'), {}, undefined),
    )
  })

  it('is made of whatever is given', () => {
    const round: Record<string, unknown> = {}
    round['self'] = round
    for (const given of [round, { conflate: 5n }, { a: Symbol('a') }]) {
      expect(toKey(url, given as ConnectOptions, undefined)).toBeTypeOf('string')
    }
  })
})

function share(name: string): ConnectOptions {
  return { share: { name, locks: { request: () => Promise.resolve() } } }
}

function worker(name: string, path = '/keeper.js'): ConnectOptions {
  return { share: { name, worker: new URL(path, 'http://page.example') } }
}
