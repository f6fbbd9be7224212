import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { covers, intersects, matches, matchesAny, parseSelector, type Selector } from './selector.js'

const code = (wanted: string) => expect.objectContaining({ name: 'TidingsError', code: wanted })

/** What a selector means, said in another way. */
function toRegExp(text: string): RegExp {
  const hubs = /^\*{1,2}(\/|$)/.test(text) ? '(?!\\$)' : ''
  const rest = text.endsWith('/**') || text === '**'
  const segments = (rest ? text.slice(0, -2) : text).split('/')
  if (text === '**') return new RegExp(`^${hubs}.*$`, 'su')
  if (rest) segments.pop()
  const body = segments
    .map(segment => (segment === '*' ? '[^/]*' : segment.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('/')
  return new RegExp(`^${hubs}${body}${rest ? '(/.*)?' : ''}$`, 'su')
}

const segment = fc.constantFrom('a', 'b', 'ab', '', '$a', '$', '한', '.a', '+')
const topics = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .map(segments => segments.join('/'))
  .filter(topic => topic !== '')
const selectors = fc
  .tuple(fc.array(fc.oneof(segment, fc.constant('*')), { maxLength: 4 }), fc.boolean())
  .map(([segments, rest]) => (rest ? [...segments, '**'] : segments).join('/'))
  .filter(text => text !== '')
  .map(parseSelector)

const smallSelectors = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '$a', '', '*'), { maxLength: 2 }), fc.boolean())
  .map(([segments, rest]) => (rest ? [...segments, '**'] : segments).join('/'))
  .filter(text => text !== '')
  .map(parseSelector)

describe('what is a selector', () => {
  test.each([
    'a',
    'a/b',
    '$topics',
    '*',
    '**',
    'a/*',
    'a/**',
    '*/a',
    '*/*',
    '*/**',
    'a/*/b/**',
    '$a/*',
    '/*',
    '*/',
    '//**',
  ])('%j is', text => {
    expect(parseSelector(text).text).toBe(text)
  })

  test.each([
    '',
    'a*',
    '*a',
    'a/b*',
    '***',
    'a/***',
    '**/a',
    '**/*',
    '**/**',
    'a/**/',
    'a/**/b',
    '..',
    'a/./*',
    '*\n',
    '*\u200e',
    `*/${'a'.repeat(1023)}`,
  ])('%j is none', text => {
    expect(() => parseSelector(text)).toThrow(code('invalid-selector'))
  })
})

describe('matches', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'a/', false],
    ['a', 'A', false],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['*', '$a', false],
    ['*', '$', false],
    ['**', 'a', true],
    ['**', 'a/b/c', true],
    ['**', '$a/b', false],
    ['*/b', '$a/b', false],
    ['*/**', '$a/b', false],
    ['*/**', 'a', true],
    ['$a', '$a', true],
    ['$a/*', '$a/b', true],
    ['$a/**', '$a', true],
    ['a/*', 'a/$b', true],
    ['a/*', 'a', false],
    ['a/*', 'a/', true],
    ['a/*', 'a/b', true],
    ['a/*', 'a/b/c', false],
    ['a/*', 'ab/c', false],
    ['a/*/c', 'a/b/c', true],
    ['a/*/c', 'a//c', true],
    ['a/*/c', 'a/c', false],
    ['a/*/c', 'a/b/cc', false],
    ['a/**', 'a', true],
    ['a/**', 'a/', true],
    ['a/**', 'a/b/c', true],
    ['a/**', 'ab', false],
    ['a/*/**', 'a', false],
    ['a/*/**', 'a/b', true],
    ['*/*', 'a', false],
    ['/*', '/a', true],
  ])('%j and %j: %j', (selector, topic, expected) => {
    expect(matches(parseSelector(selector), topic)).toBe(expected)
    expect(toRegExp(selector).test(topic)).toBe(expected)
  })

  test('as a regular expression does', () => {
    fc.assert(
      fc.property(selectors, topics, (selector, topic) => {
        expect(matches(selector, topic)).toBe(toRegExp(selector.text).test(topic))
      }),
      { numRuns: 3000 },
    )
  })

  test('any', () => {
    const some = ['a', 'b/*'].map(parseSelector)
    expect(matchesAny(some, 'b/c')).toBe(true)
    expect(matchesAny(some, 'b')).toBe(false)
    expect(matchesAny([], 'b')).toBe(false)
  })

  test('the longest selector and topic, as alike as they can be, cost a step a segment', () => {
    const topic = `${'/'.repeat(1022)}a`
    const selector = parseSelector(`${'*/'.repeat(511)}b`)
    // Any search that tries again would not end.
    for (let i = 0; i < 10_000; i++) expect(matches(selector, topic)).toBe(false)
  })
})

describe('covers', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', '*', false],
    ['*', 'a', true],
    ['*', '$a', false],
    ['*', '*', true],
    ['*', '**', false],
    ['**', '*', true],
    ['**', '**', true],
    ['**', '$a/**', false],
    ['*/*', '$a/*', false],
    ['*/**', '**', true],
    ['*/*/**', '**', false],
    ['a/**', '**', false],
    ['**', '*/**', true],
    ['a/**', 'a', true],
    ['a/**', 'a/*', true],
    ['a/**', 'a/*/**', true],
    ['a/*/**', 'a/**', false],
    ['a/*', 'a/b', true],
    ['a/*', 'a/**', false],
    ['a/*', 'a/*/**', false],
    ['a/*/c', 'a/b/c', true],
    ['a/b/*', 'a/*/*', false],
    ['$a/**', '$a/*', true],
    ['$a/**', '**', false],
  ])('%j covers %j: %j', (outer, inner, expected) => {
    expect(covers(parseSelector(outer), parseSelector(inner))).toBe(expected)
  })

  test('what is covered is matched', () => {
    fc.assert(
      fc.property(selectors, selectors, topics, (outer, inner, topic) => {
        fc.pre(covers(outer, inner) && matches(inner, topic))
        expect(matches(outer, topic)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('what is not covered has a topic to show it', () => {
    fc.assert(
      fc.property(smallSelectors, smallSelectors, (outer, inner) => {
        const witness = witnesses(inner).some(topic => matches(inner, topic) && !matches(outer, topic))
        expect(covers(outer, inner)).toBe(!witness)
      }),
      { numRuns: 1000 },
    )
  })

  test('every selector covers itself', () => {
    fc.assert(fc.property(selectors, selector => covers(selector, selector)))
  })
})

describe('intersects', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', '*', true],
    ['$a', '*', false],
    ['$a/*', '*/b', false],
    ['$a/**', '**', false],
    ['$a/*', '$a/b', true],
    ['$a/*', '$b/*', false],
    ['*/b', 'a/*', true],
    ['a/*', 'b/*', false],
    ['a/**', '*', true],
    ['a/**', 'a/b/*', true],
    ['a/*/**', '*', false],
    ['a/*', '*/*/*', false],
    ['**', '*', true],
    ['a/**', 'b/**', false],
  ])('%j and %j: %j', (a, b, expected) => {
    expect(intersects(parseSelector(a), parseSelector(b))).toBe(expected)
  })

  test('both ways alike, and just when there is a topic that both match', () => {
    fc.assert(
      fc.property(smallSelectors, smallSelectors, (a, b) => {
        expect(intersects(a, b)).toBe(intersects(b, a))
        expect(intersects(a, b)).toBe(
          [...witnesses(a), ...witnesses(b)].some(topic => matches(a, topic) && matches(b, topic)),
        )
      }),
      { numRuns: 1000 },
    )
  })

  test('whenever some topic matches both', () => {
    fc.assert(
      fc.property(selectors, selectors, topics, (a, b, topic) => {
        fc.pre(matches(a, topic) && matches(b, topic))
        expect(intersects(a, b)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

/**
 * Topics enough to tell a small selector from another: each wildcard filled with each segment and with one more, up to a
 * segment beyond the longest. The empty name, which is no topic, is among them: `covers` and `intersects` count it.
 */
function witnesses(selector: Selector): string[] {
  const fillers = ['a', 'b', '$a', '', 'other']
  let filled: string[][] = [[]]
  for (const part of selector.text.split('/')) {
    if (part === '**') {
      let longer = filled
      for (let extra = 0; extra < 4; extra++) {
        longer = longer.flatMap(topic => (topic.length < 4 ? fillers.map(filler => [...topic, filler]) : []))
        filled = filled.concat(longer)
      }
    } else {
      filled = filled.flatMap(topic => (part === '*' ? fillers : [part]).map(filler => [...topic, filler]))
    }
  }
  return filled.map(topic => topic.join('/'))
}
