import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matches, parseSelector } from '../wire/selector.js'
import type { RetentionRule } from './log.js'
import { compileRetention, eventBytes, inheritFloors } from './retention.js'

const rulesOf = (...selectors: string[]) => compileRetention(selectors.map(selector => ({ selector })))
const select = (...texts: string[]) => texts.map(parseSelector)
const noRecord = () => undefined

describe('ruleOf', () => {
  it('is the first rule whose selector matches', () => {
    const retention = rulesOf('stocks/*', 'news/today', 'news/**', 'stocks/AAPL')
    expect(retention.ruleOf('stocks/AAPL')).toBe(0)
    expect(retention.ruleOf('news/today')).toBe(1)
    expect(retention.ruleOf('news/world/korea')).toBe(2)
    expect(retention.ruleOf('weather')).toBeUndefined()
  })

  it('leaves the topics of the hub out of wildcards', () => {
    expect(rulesOf('**').ruleOf('$hub')).toBeUndefined()
    expect(rulesOf('**', '$hub').ruleOf('$hub')).toBe(1)
  })

  const segment = fc.constantFrom('a', 'b', '*')
  const selector = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([segments, rest]) => [...segments, ...(rest ? ['**'] : [])].join('/'))
  const topic = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))

  it('agrees with trying the rules one by one, and is always among the rules for a selector of the topic', () => {
    fc.assert(
      fc.property(fc.array(selector, { maxLength: 6 }), topic, selector, (texts, name, text) => {
        const retention = rulesOf(...texts)
        const first = texts.findIndex(rule => matches(parseSelector(rule), name))
        expect(retention.ruleOf(name)).toBe(first < 0 ? undefined : first)
        const governing = first < 0 ? texts.length : first
        expect(retention.rulesFor(undefined)).toContain(governing)
        if (matches(parseSelector(text), name)) expect(retention.rulesFor(select(text))).toContain(governing)
        expect(retention.rulesFor(select(name))).toContain(governing)
      }),
    )
  })
})

describe('rulesFor', () => {
  const retention = rulesOf('ticker/**', 'night/*', '**', 'never/reached')

  it('stops at the rule that covers the selector', () => {
    expect(retention.rulesFor(select('ticker/**'))).toEqual([0])
    expect(retention.rulesFor(select('night/*'))).toEqual([1])
    expect(retention.rulesFor(select('night/**'))).toEqual([1, 2])
    expect(retention.rulesFor(select('**'))).toEqual([0, 1, 2])
    expect(retention.rulesFor(select('night/mail', 'ticker/AAPL'))).toEqual([0, 1])
  })

  it('names what no rule governs by the index after the last', () => {
    expect(rulesOf('a/*').rulesFor(select('b'))).toEqual([1])
    expect(rulesOf('a/*').rulesFor(select('**'))).toEqual([0, 1])
    expect(rulesOf().rulesFor(undefined)).toEqual([0])
  })
})

describe('floorFor', () => {
  const retention = rulesOf('ticker/**', 'night/**')
  const floors = [900, 40, 0]

  it('does not declare a night of notifications lost because the ticker beside it was trimmed', () => {
    expect(retention.floorFor(select('night/*'), floors, noRecord)).toBe(40)
    expect(retention.floorFor(select('night/*', 'ticker/AAPL'), floors, noRecord)).toBe(900)
    expect(retention.floorFor(select('elsewhere'), floors, noRecord)).toBe(0)
    expect(retention.floorFor(undefined, floors, noRecord)).toBe(900)
  })

  it('asks the record of an exact topic first, and its rule if there is none', () => {
    const record = (topic: string) => (topic === 'ticker/quiet' ? 7 : undefined)
    expect(retention.floorFor(select('ticker/quiet'), floors, record)).toBe(7)
    expect(retention.floorFor(select('ticker/quiet', 'night/mail'), floors, record)).toBe(40)
    expect(retention.floorFor(select('ticker/AAPL'), floors, record)).toBe(900)
  })
})

describe('inheritFloors', () => {
  it('keeps the floors while the rules stand', () => {
    expect(inheritFloors({ selectors: ['a/**', '**'], floors: [5, 9, 0] }, rulesOf('a/**', '**'))).toEqual([5, 9, 0])
  })

  it('hands a floor to every rule that may govern the topics now', () => {
    const left = { selectors: ['a/**', 'b/**'], floors: [5, 9, 2] }
    expect(inheritFloors(left, rulesOf('a/x', 'b/**', 'c/**'))).toEqual([5, 9, 2, 5])
    expect(inheritFloors(left, rulesOf())).toEqual([9])
  })
})

describe('validation', () => {
  const refused = (rules: readonly unknown[]) => {
    try {
      compileRetention(rules as readonly RetentionRule[])
    } catch (error) {
      return error
    }
    return undefined
  }

  it.each([
    [[{ selector: '**' }, { selector: '**', ageMS: 5 }], 'retention[1].ageMS is unknown'],
    [[{ selector: '**', ageMs: -1 }], 'retention[0].ageMs is a whole number'],
    [[{ selector: '**', count: 1.5 }], 'retention[0].count is a whole number'],
    [[{ selector: '**', bytes: '64' }], 'retention[0].bytes is a whole number'],
    [[{ selector: '**', bytes: Number.NaN }], 'retention[0].bytes is a whole number'],
    [[{ selector: '**', keepLatest: 1 }], 'retention[0].keepLatest is true or false'],
    [[{ selector: 'a/**/b' }], 'retention[0].selector is no selector'],
    [[{ count: 1 }], 'retention[0].selector is the text'],
    [[null], 'retention[0] is no object'],
    [['**'], 'retention[0] is no object'],
    [[{ selector: '**', keepLatest: true, ephemeral: true }], 'retention[0] has keepLatest and ephemeral'],
    [Array.from({ length: 101 }, () => ({ selector: '**' })), 'retention has 101 rules'],
  ])('says where %j is wrong', (rules, message) => {
    expect(refused(rules)).toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(message) })
  })

  it('takes limits of 0, and members that are undefined', () => {
    expect(refused([{ selector: 'a', ageMs: 0, count: 0, bytes: 0, keepLatest: undefined }])).toBeUndefined()
  })
})

describe('eventBytes', () => {
  it('is the length of the names and the data as UTF-8', () => {
    expect(eventBytes({ topic: 'abc', data: 'defg' })).toBe(7)
    expect(eventBytes({ topic: '한', data: '🙂', key: 'é', type: 't', eventId: 'id' })).toBe(3 + 4 + 2 + 1 + 2)
  })
})
