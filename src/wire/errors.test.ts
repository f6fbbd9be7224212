import { expect, test } from 'vitest'
import { errorCodes, TidingsError } from './errors.js'

test.each(Object.entries(errorCodes))('%s has a status of an error, or none, and a title', (code, [status, title]) => {
  expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
  expect(status === 0 || (status >= 400 && status < 600)).toBe(true)
  expect(title).toMatch(/^[A-Z].*[^.]$/)
})

test('an error keeps its code and its cause', () => {
  const cause = new RangeError('below')
  const error = new TidingsError('log-full', 'The disk is full.', { cause })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'TidingsError', code: 'log-full', message: 'The disk is full.', cause })
  expect('cause' in new TidingsError('internal', 'No cause.')).toBe(false)
})
