import { describe, expect, it } from 'vitest'
import { TidingsError } from '../../wire/errors.js'
import { readCheckCall } from './options.js'

function refusal(...args: string[]): string {
  try {
    readCheckCall(args)
  } catch (error) {
    if (error instanceof TidingsError && error.code === 'invalid-setting') return error.message
    throw error
  }
  throw new Error(`not refused: ${args.join(' ')}`)
}

describe('what tidings check is asked', () => {
  it.each<[string[], object]>([
    [[], { task: 'examine', directory: undefined, quick: false, json: false }],
    [['--config', 'hub.json'], { task: 'settings', config: 'hub.json' }],
    [['--config', 'hub.json', 'log'], { task: 'examine', directory: 'log', config: 'hub.json' }],
    [['--quick', '--json', 'log'], { task: 'examine', directory: 'log', quick: true, json: true }],
    [['--backup', 'to'], { task: 'backup', backup: 'to', directory: undefined }],
    [['log', '--config', 'hub.json', '--backup=to'], { task: 'backup', backup: 'to', directory: 'log' }],
    [['--restore', 'from', 'log', '--replace'], { task: 'restore', restore: 'from', directory: 'log', replace: true }],
  ])('%j', (args, call) => {
    expect(readCheckCall(args)).toMatchObject(call)
  })

  it('may be help', () => {
    expect(readCheckCall(['--backup', 'to', '--help'])).toBe('help')
  })

  it.each([
    [['--bakup', 'x'], 'Did you mean --backup?'],
    [['--backup'], '--backup needs a value: --backup TO'],
    [['--backup', 'a', '--restore', 'b'], 'two things'],
    [['--replace'], 'belongs to --restore'],
    [['--backup', 'a', '--replace'], 'belongs to --restore'],
    [['--backup', 'a', '--quick'], '--quick belongs to an examination'],
    [['--config', 'hub.json', '--quick'], 'name the directory of a log too'],
    [['a', 'b'], 'one word too many, "b"'],
    [[''], 'has no name'],
  ])('%j is refused', (args, message) => {
    expect(refusal(...args)).toContain(message)
  })
})
