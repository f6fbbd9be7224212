import { expect, it } from 'vitest'
import { readSubscribeOptions } from './options.js'

it.each([
  [[], "'**' for all"],
  [['a/*b'], '"*" stands for a whole segment'],
  [['a', '--since', 'yesterday'], '--since: "yesterday" is no such place'],
  [['a', '--since', '1h', '--latest'], 'give one of them'],
  [['a', '--count', '0'], '--count: "0"'],
  [['a', '--conflate', '2m'], 'It is too long'],
  [Array.from({ length: 101 }, (_, i) => `t${i}`), 'at most 100 selectors'],
])('tidings subscribe, called wrongly: %j', (args, message) => {
  const wrong = expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(message) })
  expect(() => readSubscribeOptions(args)).toThrow(wrong)
})
