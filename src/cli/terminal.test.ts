import { PassThrough } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createProgressLine } from './terminal.js'

beforeEach(() => void vi.stubEnv('TERM', 'xterm'))
afterEach(() => void vi.unstubAllEnvs())

/** What is written to a terminal of so many columns. */
function sayOn(columns: number, text: string): string {
  const stream = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns })
  createProgressLine(stream as unknown as WriteStream).say(text)
  return String(stream.read())
}

it.each([
  [100, 99],
  [0, 79],
  [5, 20],
])('a line on a terminal of %d columns has %d characters at most', (columns, length) => {
  expect(sayOn(columns, 'x'.repeat(200))).toBe(`\r\x1b[K${'x'.repeat(length)}`)
})
