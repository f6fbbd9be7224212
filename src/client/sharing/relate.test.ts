import { describe, expect, it } from 'vitest'
import { relate } from './relate.js'

describe('a flow', () => {
  it.each([
    ['a1-5', 'a1-9', 'a1-5', 'next'],
    ['a1-5', 'a1-9', 'a1-7', 'part'],
    ['a1-5', 'a1-9', 'a1-9', 'seen'],
    ['a1-5', 'a1-9', 'a1-12', 'seen'],
    ['a1-5', 'a1-9', 'a1-4', 'apart'],
    ['a1-5', 'a1-5', 'a1-5', 'next'],
    // Into another history, which begins behind the first.
    ['a1-5', 'b2-9', 'a1-5', 'next'],
    ['a1-5', 'b2-9', 'b2-7', 'part'],
    ['a1-5', 'b2-9', 'b2-9', 'seen'],
    ['a1-5', 'b2-9', 'a1-7', 'apart'],
    ['a1-5', 'a1-9', 'b2-7', 'apart'],
    // Nothing is known of what is no position.
    ['x', 'y', 'x', 'next'],
    ['x', 'y', 'y', 'seen'],
    ['x', 'y', 'z', 'apart'],
    ['a1-5', 'a1-9', '', 'apart'],
  ])('from %s to %s is to a cursor at %s: %s', (from, through, cursor, relation) => {
    expect(relate({ from, through }, cursor)).toBe(relation)
  })
})
