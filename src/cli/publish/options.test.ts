import { describe, expect, it } from 'vitest'
import { readPublishOptions } from './options.js'

describe('tidings publish', () => {
  it.each([
    [[], 'tidings publish TOPIC [DATA]'],
    [['a*', 'x'], 'a topic has no "*"'],
    [['$hub', 'x'], 'belong to the hub'],
    [['a', 'x', 'y'], 'one word too many, "y"'],
    [['a', 'x', '--type', 'open'], '--type: "open"'],
    [['a', '--event-id', 'x'], 'give its DATA too'],
    [['a', 'x', '--json'], 'leave out DATA'],
    [['--json', '--key', 'k'], 'leave out --key'],
    [['a', 'x', '--give-up-after', '5'], 'such as 500ms, 90s, 10m, 24h, or never'],
    [['a', 'x', '--tpye', 't'], 'Did you mean --type?'],
  ])('called wrongly: %j', (args, message) => {
    const wrong = expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(message) })
    expect(() => readPublishOptions(args)).toThrow(wrong)
  })

  it('takes an empty text for data, and a topic with --json or none', () => {
    expect(readPublishOptions(['a', ''])).toMatchObject({ topic: 'a', data: '', giveUpAfter: 90_000 })
    expect(readPublishOptions(['--json'])).toMatchObject({ topic: undefined, data: undefined })
    expect(readPublishOptions(['a', '--json', '--give-up-after', 'never'])).toMatchObject({
      topic: 'a',
      giveUpAfter: Number.POSITIVE_INFINITY,
    })
  })
})
