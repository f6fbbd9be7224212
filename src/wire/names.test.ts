import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkEventId,
  checkKey,
  checkTopic,
  checkType,
  nameLimits,
  parsePosition,
  toPositionText,
  topicFault,
  utf8Length,
} from './names.js'

const code = (wanted: string) => expect.objectContaining({ name: 'TidingsError', code: wanted })
const anyText = fc.string({ unit: 'binary' })

test('utf8Length is the number of bytes', () => {
  for (const [text, bytes] of [
    ['', 0],
    ['a', 1],
    ['\x7f', 1],
    ['\x80', 2],
    ['߿', 2],
    ['ࠀ', 3],
    ['한', 3],
    ['\uffff', 3],
    ['😀', 4],
  ] as const) {
    expect(utf8Length(text)).toBe(bytes)
  }
  fc.assert(fc.property(anyText, text => utf8Length(text) === new TextEncoder().encode(text).length))
})

describe('topics', () => {
  test.each([
    'a',
    'a/b',
    'clock',
    'host/cpu',
    'stocks/AAPL',
    '뉴스/서울',
    '😀',
    ' ',
    'a b',
    '/',
    'a/',
    '/a',
    'a//b',
    '...',
    '.a',
    'a.',
    'a/.b/..c',
    '%',
    '\u2028',
    'a'.repeat(1024),
    '한'.repeat(341),
    '😀'.repeat(256),
  ])('%j is one', topic => {
    expect(topicFault(topic)).toBeUndefined()
    checkTopic(topic)
  })

  test.each([
    '',
    '.',
    '..',
    './a',
    'a/.',
    'a/../b',
    '../a',
    'a\0',
    'a\tb',
    'a\nb',
    'a\rb',
    'a\x7f',
    'a\x80b',
    'a\x9f',
    'a\u200bb\u200e',
    '\ufeffa',
    'a\u00adb',
    'a\u{e0001}',
    'a\ud800',
    '\udc00a',
    'a'.repeat(1025),
    '한'.repeat(342),
    `${'😀'.repeat(256)}a`,
  ])('%j is none', topic => {
    expect(topicFault(topic)).toMatch(/^a topic /)
    expect(() => checkTopic(topic)).toThrow(code('invalid-topic'))
  })

  test.each(['*', '**', 'a/*', 'a*b', '$a*'])('%j is none of the native interface', topic => {
    expect(topicFault(topic)).toBeUndefined()
    expect(() => checkTopic(topic)).toThrow(code('invalid-topic'))
  })

  test.each(['$', '$cursor', '$topics/a'])("%j is the hub's", topic => {
    expect(topicFault(topic)).toBeUndefined()
    expect(() => checkTopic(topic)).toThrow(code('reserved-topic'))
  })

  test('a dollar sign later is nobody’s', () => checkTopic('a/$b'))

  test('as the contract says it', () => {
    const rule = (topic: string) =>
      topic !== '' &&
      topic.isWellFormed() &&
      new TextEncoder().encode(topic).length <= nameLimits.topicBytes &&
      ![...topic].some(char => /\p{Cc}|\p{Cf}/u.test(char)) &&
      !topic.split('/').some(segment => segment === '.' || segment === '..')
    const part = fc.oneof(
      anyText,
      fc.constantFrom('/', '.', '..', 'a', '\u200e', '\x7f', '한'.repeat(340), 'x'.repeat(1020)),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), parts => {
        const topic = parts.join('')
        expect(topicFault(topic) === undefined).toBe(rule(topic))
      }),
    )
  })
})

describe('types', () => {
  test.each([
    'a',
    'trade',
    'message',
    'Error',
    'errors',
    'a b',
    ' ',
    '한국',
    'a'.repeat(128),
    '한'.repeat(42),
    '__proto__',
    '\u2028',
  ])('%j is one', type => checkType(type))
  test.each([
    '',
    '$',
    '$cursor',
    '$gap',
    'error',
    'open',
    'a\nb',
    'a\rb',
    '\0',
    'a\x7f',
    'a\x85',
    'a\ud800',
    'a'.repeat(129),
    '한'.repeat(43),
  ])('%j is none', type => {
    expect(() => checkType(type)).toThrow(code('invalid-event'))
  })
})

describe('keys', () => {
  test.each(['', 'a', 'a/b', '$a', '*', '한국', 'k'.repeat(256), '😀'.repeat(64)])('%j is one', key => checkKey(key))
  test.each(['a\nb', '\0', '\x7f', '\x9f', '\udfff', 'k'.repeat(257), '한'.repeat(86)])('%j is none', key => {
    expect(() => checkKey(key)).toThrow(code('invalid-event'))
  })
})

describe('event ids', () => {
  test.each([
    'a',
    'urn:uuid:0-1',
    'order-17',
    'a-1',
    'A-1',
    'a-b',
    'a-01',
    'a-',
    '-1',
    'a/1',
    '!',
    '~',
    `${'a'.repeat(17)}-1`,
    'x'.repeat(256),
  ])('%j is one', eventId => checkEventId(eventId))
  test.each(['', ' ', 'a b', 'é', 'a\n', '\x7f', 'x'.repeat(257), 'a1-1', 'k3x9-1041', '0-0', `7a-${'9'.repeat(16)}`])(
    '%j is none',
    eventId => {
      expect(() => checkEventId(eventId)).toThrow(code('invalid-event'))
    },
  )
})

describe('positions', () => {
  test.each([
    ['a-0', { epoch: 'a', offset: 0 }],
    ['k3x9-1041', { epoch: 'k3x9', offset: 1041 }],
    ['0-9007199254740991', { epoch: '0', offset: Number.MAX_SAFE_INTEGER }],
    ['abcdefghijklmnop-1', { epoch: 'abcdefghijklmnop', offset: 1 }],
  ])('%s', (text, position) => {
    expect(parsePosition(text)).toEqual(position)
    expect(toPositionText(position.epoch, position.offset)).toBe(text)
  })

  test.each([
    '',
    '-',
    'a',
    'a-',
    '-1',
    'a-01',
    'a--1',
    'a-+1',
    'a-1.0',
    'a-1e3',
    'a-1 ',
    ' a-1',
    'a-1\n',
    'A-1',
    'é-1',
    'a-١',
    'a-9007199254740992',
    'abcdefghijklmnopq-1',
    'a-b-1',
    'a-12345678901234567',
  ])('%j is none', text => {
    expect(parsePosition(text)).toBeUndefined()
  })

  test('there and back; and no event id looks like one', () => {
    const epoch = fc.stringMatching(/^[0-9a-z]{1,16}$/)
    fc.assert(
      fc.property(epoch, fc.maxSafeNat(), (name, offset) => {
        const text = toPositionText(name, offset)
        expect(parsePosition(text)).toEqual({ epoch: name, offset })
        // The hub's own epochs have a digit; what people call things is free.
        if (/[0-9]/.test(name)) expect(() => checkEventId(text)).toThrow(code('invalid-event'))
        else checkEventId(text)
      }),
    )
  })
})
