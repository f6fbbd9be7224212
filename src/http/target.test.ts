import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TidingsError } from '../wire/errors.js'
import { routeOf } from './routes.js'
import { parseTarget, percentDecode } from './target.js'

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof TidingsError) return error.code
    throw error
  }
  return 'none'
}

describe('the request target', () => {
  test('is cut at the first question mark, and folds nothing', () => {
    expect(parseTarget('/events/a/../b//c?x=/..?')).toEqual({
      path: '/events/a/../b//c',
      query: 'x=/..?',
      authority: undefined,
    })
  })

  test('in absolute form brings its authority (RFC 9112, 3.2.2)', () => {
    expect(parseTarget('http://LocalHost:80/events?a')).toEqual({
      path: '/events',
      query: 'a',
      authority: { host: 'localhost', port: 80 },
    })
    expect(parseTarget('http://a?q').path).toBe('/')
  })

  test.each([
    'events',
    '',
    'ftp://a/',
    'http://',
    'http://u@a/',
    'http://a:99999/',
    '/a#b',
    '/a b',
    '/\u00e9',
    '/a\u0000',
  ])('is refused: %j', raw => {
    expect(codeOf(() => parseTarget(raw))).toBe('bad-request')
  })
})

describe('percent-encoding', () => {
  test('of any text comes back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'grapheme' }), (ascii, graphemes) => {
        const text = ascii + graphemes
        expect(percentDecode(encodeURIComponent(text), 'the path')).toBe(text)
      }),
    )
  })

  test.each(['%', '%4', '%g0', '%%30', 'a%2'])('that is cut short is refused: %j', text => {
    expect(codeOf(() => percentDecode(text, 'the path'))).toBe('bad-request')
  })

  // Overlong forms and surrogates would be a second spelling of characters that are refused.
  test.each(['%ff', '%c0%af', '%ed%a0%80', '%e2%82', '%f5%80%80%80', '%80'])(
    'that is no UTF-8 is refused: %j',
    text => {
      expect(codeOf(() => percentDecode(text, 'the path'))).toBe('invalid-utf8')
    },
  )
})

test('a topic is all that follows the slash, however its own are written', () => {
  expect(routeOf('/events/a/b%2Fc/%ED%95%9C')).toEqual({ kind: 'events', topic: 'a/b/c/한' })
  expect(routeOf('/events/+')).toEqual({ kind: 'events', topic: '+' })
  expect(routeOf('/events/')).toEqual({ kind: 'events', topic: '' })
  expect(routeOf('/Events')).toEqual({ kind: 'other', path: '/Events' })
  expect(routeOf('/topics/a/b')).toEqual({ kind: 'topics', topic: 'a/b' })
})
