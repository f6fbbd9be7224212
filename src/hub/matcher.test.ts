import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { matchesAny, parseSelector } from '../wire/selector.js'
import { Matcher } from './matcher.js'

const segment = fc.constantFrom('a', 'b', 'ab', '', '$a', '한')
const topic = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map(segments => segments.join('/'))
  .filter(text => text !== '')
const selector = fc
  .tuple(fc.array(fc.oneof(segment, fc.constant('*')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([segments, hasRest]) => [...segments, ...(hasRest ? ['**'] : [])].join('/'))
  .filter(text => text !== '')
  .map(parseSelector)
const members = fc.array(fc.array(selector, { minLength: 1, maxLength: 3 }), { maxLength: 8 })

function matched(matcher: Matcher<number>, name: string): number[] {
  const found = new Set<number>()
  matcher.match(name, member => void found.add(member))
  return [...found].sort((a, b) => a - b)
}

describe('Matcher', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('finds just those whose selectors select the topic', () => {
    fc.assert(
      fc.property(members, topic, (selections, name) => {
        const matcher = new Matcher<number>()
        selections.forEach((selectors, member) => void matcher.add(selectors, member))
        const expected = selections.flatMap((selectors, member) => (matchesAny(selectors, name) ? [member] : []))
        expect(matched(matcher, name)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('forgets those who leave, and nobody else', () => {
    fc.assert(
      fc.property(members, topic, fc.func(fc.boolean()), (selections, name, leaves) => {
        const matcher = new Matcher<number>()
        selections.forEach((selectors, member) => void matcher.add(selectors, member))
        const stays = selections.map((_, member) => !leaves(member))
        selections.forEach((selectors, member) => {
          if (!stays[member]) matcher.remove(selectors, member)
        })
        const expected = selections.flatMap((selectors, member) =>
          stays[member] && matchesAny(selectors, name) ? [member] : [],
        )
        expect(matched(matcher, name)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('looks at as much among 20,000 selections as among two', () => {
    const lookUps = (others: number): number => {
      const matcher = new Matcher<number>()
      for (let i = 0; i < others; i++) {
        matcher.add([parseSelector(`user/${i}/*`)], i)
        matcher.add([parseSelector(`user/${i}/inbox`)], i)
      }
      const spy = vi.spyOn(Map.prototype, 'get')
      expect(matched(matcher, 'user/0/inbox')).toEqual([0])
      const calls = spy.mock.calls.length
      spy.mockRestore()
      return calls
    }
    expect(lookUps(10_000)).toBe(lookUps(1))
  })
})
