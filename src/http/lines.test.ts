import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Gather } from './gather.js'
import { LineCutter } from './lines.js'

test('lines are the same whatever the chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\n', 'a', 'é', '\r')), fc.array(fc.nat(6)), (letters, sizes) => {
      const body = Buffer.from(letters.join(''))
      const cutter = new LineCutter(1000)
      const lines: string[] = []
      let from = 0
      for (const size of [...sizes, body.length]) {
        for (const line of cutter.cut(body.subarray(from, from + size))) lines.push(line.text ?? '?')
        from += size
      }
      const rest = cutter.rest()
      if (rest) lines.push(rest.text ?? '?')
      const expected = body.toString().split('\n')
      if (expected.at(-1) === '') expected.pop()
      expect(lines).toEqual(expected)
    }),
  )
})

test('a line that drips in byte by byte costs its length', () => {
  const cutter = new LineCutter(1_000_000)
  const byte = Buffer.from('a')
  for (let i = 0; i < 1_000_000; i++) [...cutter.cut(byte)]
  expect(cutter.isTooLong).toBe(false)
  expect(cutter.size).toBe(1_000_000)
  ;[...cutter.cut(byte)]
  expect(cutter.isTooLong).toBe(true)
})

test('lines before one that is too long are cut', () => {
  const cutter = new LineCutter(3)
  expect([...cutter.cut(Buffer.from('ab\ncd\nefgh\nij\n'))].map(line => [line.number, line.text])).toEqual([
    [1, 'ab'],
    [2, 'cd'],
  ])
  expect(cutter.isTooLong).toBe(true)
  expect(cutter.number).toBe(3)
})

test('what is no UTF-8 concerns its line', () => {
  const cutter = new LineCutter(100)
  const lines = [...cutter.cut(Buffer.from('a\nbé\n\xff\nd\n', 'latin1'))]
  expect(lines).toEqual([
    { number: 1, text: 'a', size: 1 },
    { number: 2, text: undefined, size: 2 },
    { number: 3, text: undefined, size: 1 },
    { number: 4, text: 'd', size: 1 },
  ])
})

test('what counts of a line is its bytes', () => {
  const cutter = new LineCutter(4)
  expect([...cutter.cut(Buffer.from('a\néé\nééé\na\n'))].map(line => line.size)).toEqual([1, 4])
  expect(cutter.isTooLong).toBe(true)
  expect(cutter.number).toBe(3)
})

test('what is gathered is what was given, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 5000, size: 'max' }), parts => {
      const gather = new Gather()
      for (const part of parts) gather.add(part)
      const whole = Buffer.concat(parts)
      expect(gather.size).toBe(whole.length)
      expect(whole.equals(gather.take())).toBe(true)
      expect(gather.size).toBe(0)
      expect(gather.take().length).toBe(0)
    }),
    { numRuns: 30 },
  )
})
