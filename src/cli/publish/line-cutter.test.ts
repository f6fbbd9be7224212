import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputLineCutter } from './line-cutter.js'

/** The lines of an input that comes in such pieces; nothing for one that is too long. */
function linesOf(pieces: readonly Uint8Array[], maxLineBytes: number): (string | undefined)[] {
  const cutter = new InputLineCutter(maxLineBytes)
  const lines = pieces.flatMap(piece => [...cutter.cut(piece)])
  const rest = cutter.rest()
  if (rest) lines.push(rest)
  expect(lines.map(({ number }) => number)).toEqual(lines.map((_, i) => i + 1))
  return lines.map(({ bytes }) => bytes && Buffer.from(bytes).toString('latin1'))
}

describe('the lines of an input', () => {
  it('end with LF, CRLF or the input; a longer one than is taken is passed over, and counted', () => {
    const input = Buffer.from('a\r\n\n12345\r\n123456\n12\r3\nxxxxxxxxxxxx\r\nz')
    expect(linesOf([input], 5)).toEqual(['a', '', '12345', undefined, '12\r3', undefined, 'z'])
    expect(linesOf([Buffer.from('123456')], 5)).toEqual([undefined])
    expect(linesOf([Buffer.from('a\n')], 5)).toEqual(['a'])
    expect(linesOf([], 5)).toEqual([])
  })

  it('are the same however the input is cut', () => {
    const text = fc.array(fc.constantFrom('\n', '\r', '\r\n', 'a', 'bcd', 'efghij', '\xff\0'), { maxLength: 40 })
    fc.assert(
      fc.property(text, fc.array(fc.nat(6), { minLength: 1, maxLength: 20 }), (parts, sizes) => {
        const input = Buffer.from(parts.join(''), 'latin1')
        const pieces: Buffer[] = []
        for (let at = 0, i = 0; at < input.length; i++) {
          const size = 1 + (sizes[i % sizes.length] ?? 0)
          pieces.push(input.subarray(at, at + size))
          at += size
        }
        const whole = input.toString('latin1').split('\n')
        if (whole.at(-1) === '') whole.pop()
        const wanted = whole.map(line => line.replace(/\r$/, '')).map(line => (line.length > 5 ? undefined : line))
        expect(linesOf(pieces, 5)).toEqual(wanted)
      }),
      { numRuns: 500 },
    )
  })

  it('of a line that does not end, hold no more than is taken', () => {
    const cutter = new InputLineCutter(10)
    for (let i = 0; i < 1000; i++) expect([...cutter.cut(Buffer.alloc(100, 'x'))]).toEqual([])
    expect(cutter.isUnfinished).toBe(true)
    expect([...cutter.cut(Buffer.from('\nok\n'))].map(({ number, bytes }) => [number, bytes?.length])).toEqual([
      [1, undefined],
      [2, 2],
    ])
  })
})
