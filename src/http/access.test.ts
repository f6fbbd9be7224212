import { describe, expect, test } from 'vitest'
import { TidingsError } from '../wire/errors.js'
import { parseSelector } from '../wire/selector.js'
import { Access, type Caller } from './access.js'
import { type PartialHttpSettings, resolveHttpSettings } from './settings.js'
import { parseTarget } from './target.js'

function identify(
  given: { host?: string; target?: string; origin?: string; mayLackHost?: boolean },
  settings: PartialHttpSettings = {},
): Caller['kind'] | TidingsError['code'] {
  const { authority } = parseTarget(given.target ?? '/')
  try {
    return new Access(resolveHttpSettings(settings)).identify({
      host: given.host,
      authority,
      origin: given.origin,
      mayLackHost: given.mayLackHost ?? false,
    }).kind
  } catch (error) {
    if (error instanceof TidingsError) return error.code
    throw error
  }
}

describe('Host', () => {
  test.each([
    'localhost',
    'LOCALHOST:8080',
    'localhost.',
    'app.localhost:1',
    '127.0.0.1',
    '127.255.0.9:65535',
    '[::1]:8080',
    'localhost:',
  ])('%s is this machine', host => {
    expect(identify({ host })).toBe('direct')
  })

  // A page at such a name, made to resolve to 127.0.0.1, would be the hub's own (DNS rebinding).
  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    '127.0.0.256',
    '0.0.0.0',
    '[::]',
    '[::2]',
    '10.0.0.1',
    '127.1',
  ])('%s is not', host => {
    expect(identify({ host })).toBe('host-not-allowed')
  })

  test.each(['a b', 'a@localhost', 'localhost:99999', 'localhost:x', 'localhost/', 'http://localhost', '[::1', 'a,b'])(
    '%s is none',
    host => {
      expect(identify({ host })).toBe('bad-request')
    },
  )

  test('may be missing in HTTP/1.0 alone, and is nobody when empty', () => {
    expect(identify({})).toBe('bad-request')
    expect(identify({ mayLackHost: true })).toBe('direct')
    expect(identify({ host: '' })).toBe('host-not-allowed')
  })

  test('does not count beside the authority of the target', () => {
    expect(identify({ host: 'localhost', target: 'http://evil.example/events' })).toBe('host-not-allowed')
    expect(identify({ host: 'evil.example', target: 'http://localhost/events' })).toBe('direct')
  })

  test('may be a listed one, with its port if one is listed', () => {
    const settings = { allowedHosts: ['hub.example', 'Other.Example:8443'] }
    expect(identify({ host: 'hub.example:80' }, settings)).toBe('direct')
    expect(identify({ host: 'other.example:8443' }, settings)).toBe('direct')
    expect(identify({ host: 'other.example' }, settings)).toBe('host-not-allowed')
    expect(identify({ host: 'evil.example' }, settings)).toBe('host-not-allowed')
  })

  test('may be any when the hub is open, unless names are listed', () => {
    expect(identify({ host: 'any.example' }, { host: '0.0.0.0', open: true })).toBe('direct')
    expect(identify({ host: 'any.example' }, { open: true, allowedHosts: ['hub.example'] })).toBe('host-not-allowed')
  })
})

describe('Origin', () => {
  test.each([
    ['http://localhost:8080', 'own'],
    ['http://localhost', 'foreign'],
    ['https://localhost:8080', 'foreign'],
    ['http://127.0.0.1:8080', 'foreign'],
    ['http://localhost:8080/', 'foreign'],
    ['https://app.example', 'listed'],
    ['https://app.example:444', 'foreign'],
    ['https://app.example.evil.example', 'foreign'],
    ['null', 'foreign'],
    ['', 'foreign'],
  ])('%j is %s', (origin, kind) => {
    expect(identify({ host: 'localhost:8080', origin }, { allowedOrigins: ['https://app.example'] })).toBe(kind)
  })

  test('without a port is that of http', () => {
    expect(identify({ host: 'localhost', origin: 'http://localhost:80' })).toBe('own')
    expect(identify({ host: 'localhost:80', origin: 'http://localhost' })).toBe('own')
  })
})

describe('a page of another origin', () => {
  const foreign: Caller = { kind: 'foreign', origin: 'null' }
  const direct: Caller = { kind: 'direct', origin: undefined }
  const access = (settings: PartialHttpSettings) => new Access(resolveHttpSettings(settings))
  const selectors = (...texts: string[]) => texts.map(parseSelector)

  test('may hear what public topics cover, and nothing beside it', () => {
    const rules = access({ publicTopics: ['clock', 'news/**'] })
    expect(() => rules.requireReader(foreign, selectors('clock', 'news', 'news/a', 'news/*/b'))).not.toThrow()
    for (const secret of ['**', '*', 'newsx', 'clock/a', '$hub']) {
      expect(() => rules.requireReader(foreign, selectors('clock', secret)), secret).toThrow(TidingsError)
      expect(() => rules.requireReader(direct, selectors(secret))).not.toThrow()
    }
    expect(() => rules.requireTrusted(foreign)).toThrow(TidingsError)
  })

  test('hears what is public of the default topics', () => {
    const texts = (settings: PartialHttpSettings, caller: Caller) =>
      access(settings)
        .defaultSelectors(caller)
        .map(selector => selector.text)
    expect(texts({ publicTopics: ['clock'] }, foreign)).toEqual(['clock'])
    expect(texts({ publicTopics: ['clock'], defaultTopics: ['clock', 'host/**'] }, foreign)).toEqual(['clock'])
    expect(texts({ publicTopics: ['clock'], defaultTopics: ['clock', 'host/**'] }, direct)).toEqual([
      'clock',
      'host/**',
    ])
    expect(texts({ publicTopics: ['clock'] }, direct)).toEqual(['**'])
    expect(() => texts({}, foreign)).toThrow(TidingsError)
    expect(() => texts({ publicTopics: ['clock'], defaultTopics: ['host/**'] }, foreign)).toThrow(TidingsError)
  })
})
