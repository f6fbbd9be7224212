import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { decode as decodeByStandard } from './decode.js'
import { decodeByLooks, decode as decodeInNode } from './decode-node.js'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Lengths around which a decoder chooses another way. */
const lengths = fc.constantFrom(0, 1, 7, 8, 200, 250, 255, 256, 257, 1024, 5000)

describe.each([
  ['of the standard', decodeByStandard],
  ['of Node.js', decodeInNode],
  ['of Node.js before 24', decodeByLooks],
])('the decoder %s', (_, decode) => {
  /** Lines among other bytes, of which nothing may be read. */
  const expectAlike = (line: readonly number[]) => {
    const bytes = Uint8Array.from([0xe2, 0x82, ...line, 0x0a, 0xac, 0x80])
    const lines = bytes.subarray(2, -2)
    expect(decode(bytes, 2, bytes.length - 2)).toBe(decoder.decode(lines))
    expect(decode(lines, 0, lines.length)).toBe(decoder.decode(lines))
    expect(decode(Buffer.from(lines), 0, lines.length)).toBe(decoder.decode(lines))
  }

  // The first of all, since a decoder may take away the first BOM that it is ever given.
  test.each(['', '가'.repeat(500)])('keeps every BOM, also before %s', more => {
    const text = `\ufeff\ufeffdata: \ufeff${more}\n`
    for (let turn = 0; turn < 3; turn++) expectAlike([...new TextEncoder().encode(text)])
  })

  test('reads every character', () => {
    for (let first = 0; first < 0x110000; first += 64) {
      const text = `${String.fromCodePoint(...Array.from({ length: 64 }, (_, i) => first + i))}\n`.toWellFormed()
      const bytes = new TextEncoder().encode(text)
      expect(decode(bytes, 0, bytes.length)).toBe(text)
    }
  })

  test('makes of broken bytes what the standard does', () => {
    // Those at which UTF-8 goes another way, each side of them.
    const ways = [
      0x0d, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
    ]
    const beyond = [0xbb, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff]
    const byte = fc.oneof(fc.constantFrom(...ways, ...beyond), fc.nat(0xff))
    const said = fc.string({ unit: 'binary', maxLength: 8 }).map(text => [...new TextEncoder().encode(text)])
    const part = fc.oneof(fc.array(byte, { maxLength: 6 }), said)
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), lengths, fc.constantFrom(0x61, 0xac), (parts, length, filling) => {
        const fill = filling === 0x61 ? [0x61] : [0xe2, 0x82, 0xac]
        const before = Array.from({ length }, () => fill).flat()
        expectAlike([...before, ...parts.flat()])
      }),
      { numRuns: 3000 },
    )
  })

  test('makes of each two and three bytes what the standard does', () => {
    const edges = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff]
    for (let first = 0x80; first < 0x100; first++) {
      for (const second of edges) {
        for (const third of edges) {
          const bytes = Uint8Array.of(first, second, third, 0x80, 0x0a)
          expect(decode(bytes, 0, 5)).toBe(decoder.decode(bytes))
        }
      }
    }
  })
})

test('where Node.js has no slices, the standard decodes', async () => {
  const { prototype } = Buffer as unknown as { readonly prototype: { utf8Slice?: unknown } }
  const had = prototype.utf8Slice
  vi.resetModules()
  delete prototype.utf8Slice
  try {
    const { decode } = await import('./decode-node.js')
    prototype.utf8Slice = had
    expect(decode(new TextEncoder().encode('data: a\n'), 0, 8)).toBe('data: a\n')
  } finally {
    prototype.utf8Slice = had
  }
})
