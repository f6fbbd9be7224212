import { describe, expect, it } from 'vitest'
import { TidingsError } from '../wire/errors.js'
import { toText } from './log-text.js'
import { createLogger, toReport } from './logger.js'

function collect(level: 'info' | 'warn' = 'info') {
  const lines: string[] = []
  const logger = createLogger(level, { write: line => void lines.push(line) })
  return { logger, lines, objects: () => lines.map(line => JSON.parse(line) as Record<string, unknown>) }
}

const plain = { isShort: false, paint: (_: string, text: string) => text }

describe('the log as JSON', () => {
  it('is one object a line: level by name, time, what else is given, message', () => {
    const { logger, lines, objects } = collect()
    logger.info({ url: 'http://127.0.0.1:8080' }, 'Listening.')
    logger.warn('Careful.')
    expect(lines.every(line => line.endsWith('}\n') && !line.slice(0, -1).includes('\n'))).toBe(true)
    expect(objects()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        url: 'http://127.0.0.1:8080',
        msg: 'Listening.',
      },
      { level: 'warn', time: expect.any(String), msg: 'Careful.' },
    ])
  })

  it('says less when it is told to, also later', () => {
    const { logger, objects } = collect('warn')
    logger.info('not heard')
    logger.level = 'info'
    logger.info('heard')
    expect(objects().map(({ msg }) => msg)).toEqual(['heard'])
  })

  it('tells an error by message, code and cause, with the stack only of a surprise, and nothing that hangs on it', () => {
    const { logger, objects } = collect()
    const report = toReport(logger)
    const cause = Object.assign(new Error('EIO'), { code: 'EIO', secret: 'hunter2' })
    report('The log failed.', new TidingsError('log-unavailable', 'It cannot be written.', { cause }))
    report('A request failed.', Object.assign(new Error('boom'), { rawPacket: 'hunter2' }))
    report('No error.')
    report('A thrown text.', 'boom')
    expect(objects().map(({ level, msg, err }) => ({ level, msg, err }))).toEqual([
      {
        level: 'warn',
        msg: 'The log failed.',
        err: {
          message: 'It cannot be written.',
          code: 'log-unavailable',
          cause: { message: 'EIO', code: 'EIO', stack: expect.stringContaining('logger.test') },
        },
      },
      {
        level: 'error',
        msg: 'A request failed.',
        err: { message: 'boom', stack: expect.stringContaining('logger.test') },
      },
      { level: 'warn', msg: 'No error.', err: undefined },
      { level: 'error', msg: 'A thrown text.', err: { message: 'boom' } },
    ])
    expect(JSON.stringify(objects())).not.toContain('hunter2')
  })
})

describe('the log as text', () => {
  const text = (fields: object, options: Partial<Parameters<typeof toText>[1]> = {}) =>
    toText(JSON.stringify({ level: 'warn', time: '2026-11-23T10:00:00.123Z', msg: 'Careful.', ...fields }), {
      ...plain,
      ...options,
    })

  it('is time, level, message, and what else is given', () => {
    expect(text({ count: 3, url: 'http://x/', why: 'two words', list: ['a'] })).toBe(
      '2026-11-23T10:00:00.123Z warn  Careful. count=3 url=http://x/ why="two words" list="[\\"a\\"]"\n',
    )
  })

  it('has the time of day alone for those who look on', () => {
    expect(text({}, { isShort: true })).toMatch(/^\d\d:\d\d:00 warn {2}Careful\.\n$/)
  })

  it('has an error below, line by line', () => {
    expect(text({ err: { message: 'm', stack: 'Error: m\n    at x (y:1)', cause: { message: 'c' } } })).toBe(
      '2026-11-23T10:00:00.123Z warn  Careful.\n      Error: m\n      at x (y:1)\n      because: c\n',
    )
    expect(text({ err: { message: 'It is full.', code: 'log-full' } })).toMatch(/\n {6}It is full\.\n$/)
  })

  it('shows what would move the cursor', () => {
    const line = text({ msg: 'a\u001b[2Jb\nc\u202ed', value: '\u001b[31m' })
    expect(line).not.toMatch(/[\u001b\u202e]|\n./)
    expect(line).toContain('a\\u{1b}[2Jb\\u{a}c\\u{202e}d')
  })

  it('is coloured by the level, where colours are taken', () => {
    const painted = text({}, { paint: (colour, words) => `<${colour}>${words}</>` })
    expect(painted).toBe('<dim>2026-11-23T10:00:00.123Z</> <yellow>warn </> Careful.\n')
  })
})
