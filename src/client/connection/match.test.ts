import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matches, parseSelector } from '../../wire/selector.js'
import { toMatch } from './match.js'

const event = (type: string, topic: string) => ({ type, topic, id: '', data: '' })
const segment = fc.constantFrom('a', 'b', '', '$a', '한', '*', '**', 'a*')
const names = fc.array(segment, { minLength: 1, maxLength: 4 }).map(segments => segments.join('/'))
const topics = names.filter(name => !name.includes('*') && name !== '')

test('topics are selected as by a hub', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(names, topics, (name, topic) => {
      let wanted: boolean
      try {
        // `**` are all events, also those about the hub.
        wanted = name === '**' || matches(parseSelector(name), topic)
      } catch {
        if (name.includes('*'))
          expect(() => toMatch(name)).toThrow(expect.objectContaining({ code: 'invalid-selector' }))
        seen.add('refused')
        return
      }
      expect(toMatch(name)(event('message', topic))).toBe(wanted)
      seen.add(`${wanted}`)
    }),
    { numRuns: 5_000 },
  )
  expect(seen).toEqual(new Set(['refused', 'true', 'false']))
})

describe('what is no topic', () => {
  test.each([
    ['a type', 'trade', event('trade', ''), true],
    ['another type', 'trade', event('order', ''), false],
    ['no topic, to a wildcard', '*', event('trade', ''), false],
    ['no topic, to all', '**', event('trade', ''), true],
    ['what the hub says, to all', '**', event('$gap', ''), false],
    ['what the hub says, by its name', '$gap', event('$gap', ''), true],
    ['no topic, to no name', '', event('trade', ''), false],
  ])('%s', (_, name, given, wanted) => {
    expect(toMatch(name)(given)).toBe(wanted)
  })
})
