import { describe, expect, it } from 'vitest'
import { TidingsError } from '../../wire/errors.js'
import { markData, readMark } from './marked-data.js'
import { readBenchOptions } from './options.js'

function refusal(...args: string[]): string {
  try {
    readBenchOptions(args)
  } catch (error) {
    if (error instanceof TidingsError && error.code === 'invalid-setting') return error.message
    throw error
  }
  throw new Error(`not refused: ${args.join(' ')}`)
}

describe('the options of tidings bench', () => {
  it('has defaults for all', () => {
    expect(readBenchOptions([])).toEqual({
      url: undefined,
      clients: 100,
      rate: 50,
      size: 128,
      duration: 10_000,
      topics: 1,
      transport: 'event-stream',
      json: false,
      yesLoadIt: false,
    })
  })

  it.each([
    [['--clients', '0'], 'from 1 to 200000'],
    [['--size', '31'], 'from 32 to'],
    [['--duration', '10'], 'no duration'],
    [['--transport', 'websocket'], 'event-stream, ndjson, long-poll'],
    [['--transport', 'constructor'], 'event-stream, ndjson, long-poll'],
    [['http://127.0.0.1:8080'], 'one word too many'],
  ])('says what is wrong with %j', (args, message) => {
    expect(refusal(...args)).toContain(message)
  })
})

describe('the data of an event of a bench', () => {
  it('carries its number and its time, and is as long as it is meant to be', () => {
    const data = markData(999_999_999, 86_400_000_000, 32)
    expect(data).toHaveLength(32)
    expect(readMark(data)).toEqual({ number: 999_999_999, us: 86_400_000_000 })
  })
})
