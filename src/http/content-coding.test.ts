import { describe, expect, it } from 'vitest'
import { negotiateCoding } from './content-coding.js'

describe('Accept-Encoding', () => {
  it.each([
    'gzip',
    'GZIP',
    'x-gzip',
    'gzip, deflate, br, zstd',
    'deflate, gzip;q=1.0, *;q=0.5',
    'gzip;q=0.001',
    'gzip;q=0.5, identity;q=0.5',
    'identity;q=0, *',
    '*, identity;q=0.5',
    'br;q=1, gzip ; q=0.2',
    'nonsense/, gzip',
  ])('"%s" asks for gzip', header => {
    expect(negotiateCoding(header)).toBe('gzip')
  })

  it.each([
    undefined,
    '',
    'identity',
    '*',
    'br, deflate',
    'gzip;q=0',
    'gzip;q=0.000, *',
    'gzip;q=0.5, identity',
    'gzip;q=0.5, *;q=0.8',
    'gzip;q=2',
    'gzip;level=9',
    '*;q=0',
    'gzip;q=0, gzip',
  ])('"%s" does not', header => {
    expect(negotiateCoding(header)).toBeUndefined()
  })
})
