import { describe, expect, test } from 'vitest'
import { TidingsError } from '../wire/errors.js'
import { type KnownParameters, parseParameters } from './parameters.js'
import { parseSince } from './since.js'

const known: KnownParameters = {
  names: ['topic', 'since', 'conflate'],
  repeated: ['topic'],
  elsewhere: { names: ['wait'], hint: 'is for pages.' },
}

function refusal(run: () => unknown): TidingsError {
  try {
    run()
  } catch (error) {
    if (error instanceof TidingsError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a query', () => {
  test('is read as forms send it', () => {
    const parameters = parseParameters('topic=a+b%2Bc&&topic=d=e&since=&_=1&_cache=x', known)
    expect(parameters.all('topic')).toEqual(['a b+c', 'd=e'])
    expect(parameters.one('since')).toBe('')
    expect(parameters.one('conflate')).toBeUndefined()
  })

  test('with an unknown name is refused, and told the known ones', () => {
    const { code, message } = refusal(() => parseParameters('topci=a', known))
    expect(code).toBe('unknown-parameter')
    expect(message).toBe('Unknown parameter "topci", did you mean "topic". There are: topic, since, conflate.')
    expect(refusal(() => parseParameters('wait=1', known)).message).toBe('"wait" is for pages.')
    expect(refusal(() => parseParameters(`${'x'.repeat(10_000)}=1`, known)).message.length).toBeLessThan(200)
  })

  test('that says one thing twice is refused', () => {
    expect(refusal(() => parseParameters('since=now&since=now', known)).code).toBe('invalid-parameter')
  })

  test.each(['-1', '1.5', '1e3', '', ' 1', '0x1', '60001', '99999999999'])('with %j is out of bounds', text => {
    const parameters = parseParameters(`conflate=${text}`, known)
    expect(refusal(() => parameters.wholeNumber('conflate', 0, 60_000)).code).toBe('invalid-parameter')
  })
})

describe('since', () => {
  const now = Date.UTC(2026, 10, 23, 10)

  test.each([
    ['now', { kind: 'now' }],
    ['earliest', { kind: 'earliest' }],
    ['latest', { kind: 'latest' }],
    ['k3x9-1041', { kind: 'position', position: 'k3x9-1041' }],
    ['500ms', { kind: 'time', time: now - 500 }],
    ['90s', { kind: 'time', time: now - 90_000 }],
    ['10m', { kind: 'time', time: now - 600_000 }],
    ['24h', { kind: 'time', time: now - 86_400_000 }],
    ['7d', { kind: 'time', time: now - 7 * 86_400_000 }],
    ['999999999999d', { kind: 'time', time: 0 }],
    ['2026-11-23T09:00:00Z', { kind: 'time', time: now - 3_600_000 }],
    ['2026-11-23T18:00:00.25+09:00', { kind: 'time', time: now - 3_600_000 + 250 }],
    // A plus sign that was not encoded comes as a space.
    ['2026-11-23T18:00:00 09:00', { kind: 'time', time: now - 3_600_000 }],
    ['2026-11-23t05:30:00-03:30', { kind: 'time', time: now - 3_600_000 }],
    ['2016-12-31T23:59:60Z', { kind: 'time', time: Date.UTC(2017, 0, 1) }],
  ])('%s', (text, since) => {
    expect(parseSince(text, now)).toEqual(since)
  })

  test.each([
    '',
    'yesterday',
    '10',
    '10w',
    '-5m',
    '1.5h',
    '2026-11-23',
    '2026-11-23T10:00:00',
    '2026-02-30T10:00:00Z',
    '2026-11-23T24:00:00Z',
    '2026-11-23T10:00:00+24:00',
    'NOW',
    'k3x9-',
  ])('%j is none', text => {
    expect(refusal(() => parseSince(text, now)).code).toBe('invalid-parameter')
  })
})
