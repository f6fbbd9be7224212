import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TidingsError } from '../wire/errors.js'
import { readEventLine, readEventObjects } from './event-object.js'
import { compactJson, scanJson } from './json-scan.js'

const bounds = { maxEventBytes: 1000, maxEvents: 3, maxJsonDepth: 8 }

function refusal(text: string): TidingsError {
  try {
    readEventObjects(text, bounds)
  } catch (error) {
    if (error instanceof TidingsError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

describe('JSON', () => {
  const scans = (text: string) => {
    try {
      scanJson(text, { maxDepth: 10_000, maxElements: 10_000 })
      return true
    } catch (error) {
      if (error instanceof TidingsError && error.code === 'invalid-json') return false
      throw error
    }
  }

  test('is what JSON.parse takes, and nothing else', () => {
    const broken = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '\\', '}', ']', ':', '0', '-', '.', 'e', '\u0000', '\n', 't', ' '),
      )
      .map(([json, at, put]) => {
        const where = at % (json.length + 1)
        return json.slice(0, where) + put + json.slice(where + (at % 2))
      })
    fc.assert(
      fc.property(fc.oneof(fc.json(), broken, fc.string()), text => {
        expect(scans(text)).toBe(isJson(text))
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    '01',
    '-',
    '1.',
    '.5',
    '1e',
    '+1',
    '"\\x"',
    '"\\u12g4"',
    '"\t"',
    '[1,]',
    '{"a":1,}',
    "{'a':1}",
    'nul',
    'truee',
    '',
    ' ',
    '[',
    '{"a"}',
    'NaN',
    '\u00a01',
  ])('%j is not', text => {
    expect(isJson(text)).toBe(false)
    expect(scans(text)).toBe(false)
  })

  test('is as deep as is allowed', () => {
    expect(() => scanJson('[[[1]]]', { maxDepth: 3, maxElements: 9 })).not.toThrow()
    expect(() => scanJson('[[[[1]]]]', { maxDepth: 3, maxElements: 9 })).toThrow(/column 4: expected at most 3 levels/)
    expect(() => scanJson('['.repeat(5_000_000), { maxDepth: 64, maxElements: 9 })).toThrow(/at most 64 levels/)
  })

  test('loses only its white space when it is made compact', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(compactJson(JSON.stringify(value, null, ' \t\r\n'.slice(0, 4)))).toBe(JSON.stringify(value))
      }),
    )
  })
})

describe('what is read says the same whether it is scanned or not', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('a', 'a/b', '$a', 'é', '[', '{"a":1}', 'x'.repeat(1001)),
  )
  const value = fc.oneof({ weight: 6, arbitrary: text }, fc.jsonValue({ maxDepth: 2 }))
  const name = fc.constantFrom(
    ...['topic', 'topic', 'data', 'data', 'type', 'key', 'eventId', 'end', 'id', '__proto__', 'toString'],
  )
  const member = fc.tuple(name, value).map(([key, given]) => `${JSON.stringify(key)}:${JSON.stringify(given)}`)
  const named = fc.tuple(text, text).map(([topic, data]) => JSON.stringify({ topic, data }).slice(1, -1))
  const event = fc
    .tuple(fc.option(named), fc.array(member, { maxLength: 4 }), fc.constantFrom('', ' ', ',', '}', '"'))
    .map(([first, others, end]) => `{${[...(first === null ? [] : [first]), ...others].join(',')}${end}}`)
  const plain = named.map(members => `{${members}}`)
  const array = fc
    .array(fc.oneof({ weight: 4, arbitrary: plain }, event), { maxLength: 4 })
    .map(all => `[${all.join(',')}]`)

  test.each([
    { what: 'a line', written: event, read: (line: string): unknown => readEventLine(line, 7, bounds) },
    { what: 'an array', written: array, read: (body: string): unknown => readEventObjects(body, bounds) },
  ])('$what', ({ written, read }) => {
    const outcome = (body: string) => {
      try {
        return { said: read(body) }
      } catch (error) {
        if (error instanceof TidingsError) return { code: error.code, message: error.message.replace(/column \d+/, '') }
        throw error
      }
    }
    let taken = 0
    fc.assert(
      fc.property(written, body => {
        const found = outcome(body)
        if ('said' in found) taken++
        // So much white space is scanned, and says nothing.
        expect(found).toEqual(outcome(body + ' '.repeat(16 * 1024)))
      }),
      { numRuns: 1500 },
    )
    expect(taken).toBeGreaterThan(50)
  })
})

describe('an event object', () => {
  test('says all that a publisher may say', () => {
    const one = '{"topic":"a/b","data":"x","type":"t","key":"k","eventId":"e","end":true}'
    expect(readEventObjects(one, bounds)).toEqual({ events: [JSON.parse(one)], isArray: false })
    expect(readEventObjects('[{"topic":"a","data":""},{"topic":"b","data":"","end":false}]', bounds)).toEqual({
      events: [
        { topic: 'a', data: '' },
        { topic: 'b', data: '' },
      ],
      isArray: true,
    })
    expect(readEventObjects('[]', bounds)).toEqual({ events: [], isArray: true })
  })

  test('may have any JSON as its data', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), value => {
        const text = JSON.stringify({ topic: 'a', data: value })
        const data = typeof value === 'string' ? value : JSON.stringify(value)
        fc.pre(data.isWellFormed() && data.length < 300)
        expect(readEventObjects(text, bounds).events[0]?.data).toBe(data)
      }),
    )
  })

  test('keeps numbers that a double does not hold', () => {
    const dataOf = (data: string) => readEventObjects(`{"topic":"a", "data": ${data} }`, bounds).events[0]?.data
    expect(dataOf('{"id": 9007199254740993}')).toBe('{"id":9007199254740993}')
    expect(dataOf('1e400')).toBe('1e400')
    expect(dataOf('[ 1e-400, "a b" ]')).toBe('[1e-400,"a b"]')
    expect(dataOf('3.141592653589793')).toBe('3.141592653589793')
    expect(dataOf('[1.0, 1e2, 0e5, -0.5]')).toBe('[1,100,0,-0.5]')
    expect(readEventObjects('{"d\\u0061ta": 12345678901234567890, "topic":"a"}', bounds).events[0]?.data).toBe(
      '12345678901234567890',
    )
  })

  test.each<[string, TidingsError['code'], RegExp]>([
    ['{"topic":"a","dta":"x"}', 'unknown-member', /"dta", did you mean "data"/],
    ['{"topic":"a","data":"x","id":"1"}', 'unknown-member', /given by the hub/],
    ['{"topic":"a","data":"x","__proto__":{"type":"t"}}', 'unknown-member', /__proto__/],
    ['{"topic":"a","data":"x","constructor":1}', 'unknown-member', /constructor/],
    ['{"topic":"a","topic":"b","data":"x"}', 'invalid-event', /more than once/],
    ['{"topic":"a","data":"x","d\\u0061ta":"y"}', 'invalid-event', /more than once/],
    ['{"data":"x"}', 'invalid-event', /"topic"/],
    ['{"topic":"a"}', 'invalid-event', /"data"/],
    ['{"topic":1,"data":"x"}', 'invalid-event', /"topic" is a text/],
    ['{"topic":"a","data":"x","type":null}', 'invalid-event', /"type" is a text/],
    ['{"topic":"a","data":"x","end":1}', 'invalid-event', /"end"/],
    ['{"topic":"a","data":"x","type":"a\\nb"}', 'invalid-event', /type/],
    ['{"topic":"a","data":"x","type":"error"}', 'invalid-event', /EventSource/],
    ['{"topic":"a","data":"x","type":"$end"}', 'invalid-event', /hub/],
    ['{"topic":"a","data":"\\ud800"}', 'invalid-event', /surrogate/],
    ['{"topic":"a\\u0000","data":"x"}', 'invalid-topic', /control/],
    ['{"topic":"a/*","data":"x"}', 'invalid-topic', /\*/],
    ['{"topic":"$a","data":"x"}', 'reserved-topic', /\$/],
    ['{"topic":"a","data":"x","eventId":"ab1-1"}', 'invalid-event', /position/],
    ['null', 'invalid-event', /object/],
    ['"a"', 'invalid-event', /object/],
    ['[{"topic":"a","data":"x"},7]', 'invalid-event', /^\[1\]: /],
    ['[[]]', 'invalid-event', /^\[0\]: /],
    ['[1,2,3,4]', 'too-many-events', /at most 3/],
    [`{"topic":"a","data":[${'[],'.repeat(8000)}[]]}`, 'too-large', /1000 bytes/],
    [`{"topic":"a","data":"${'é'.repeat(501)}"}`, 'too-large', /1000 bytes/],
    ['{"topic":"a",\n "data":}', 'invalid-json', /line 2, column 9/],
    ['{"topic":"a","data":"x"', 'invalid-json', /ends/],
    ['{"topic":"a","data":[[[[[[[[1]]]]]]]]}', 'invalid-json', /8 levels/],
  ])('%s is refused as %s', (text, code, message) => {
    const error = refusal(text)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  test('is never one of more than there may be, however many are sent', () => {
    // Parsed, this would be a gigabyte.
    expect(refusal(`[${'{},'.repeat(5_000_000)}{}]`).code).toBe('too-many-events')
  })

  test('of a line is no array', () => {
    for (const text of ['[]', ' [{"topic":"a","data":""}]', '[1,2]']) {
      expect(() => readEventLine(text, 2, bounds)).toThrow(/^Line 2: A line is one event object/)
    }
  })

  test('of a line names the line', () => {
    expect(() => readEventLine('{"topic":"a","data":"x","x":1}', 17, bounds)).toThrow(/^Line 17: /)
    expect(() => readEventLine('{"topic"', 17, bounds)).toThrow(/line 17, column 9/)
  })
})
