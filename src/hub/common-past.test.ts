import { describe, expect, it } from 'vitest'
import { CommonPast, PastRoom, type Walker } from './common-past.js'
import type { Packing } from './sink.js'

/** Packs into what it was made of. */
const packing: Packing = {
  of: { name: 'plain', event: () => new Uint8Array(), hubEvent: () => new Uint8Array() },
  pack: frames => frames,
  packTogether: frames => frames,
  packAfter: (past, frames) => Buffer.from(`${Buffer.from(past)}>${Buffer.from(frames)}`),
}

function walkers(count: number): Walker[] {
  return Array.from({ length: count }, () => ({ step: 0 }))
}

/** A turn as the live flow has it; what those in step are given, and how many are not. */
function turn(past: CommonPast, members: Walker[], text: string, by: Packing = packing): [string | undefined, number] {
  const packed = past.pack(members, Buffer.from(text), by)
  const strays = members.filter(({ step }) => step !== past.step)
  if (packed) for (const stray of strays) stray.step = 0
  else for (const member of members) member.step = past.step
  return [packed && Buffer.from(packed).toString(), packed ? strays.length : members.length]
}

describe('a common past', () => {
  it('begins with what all are given alone, and goes on with what all of them have', () => {
    const past = new CommonPast(new PastRoom())
    const members = walkers(3)
    expect(turn(past, members, 'a')).toEqual([undefined, 3])
    expect(turn(past, members, 'b')).toEqual(['a>b', 0])
    expect(turn(past, members, 'c')).toEqual(['ab>c', 0])
  })

  it('gives those alone who are out of step, and begins again when they have cost as much as that does', () => {
    const past = new CommonPast(new PastRoom())
    const members = walkers(4)
    turn(past, members, 'a')
    ;(members[2] as Walker).step = 0
    expect(turn(past, members, 'b')).toEqual(['a>b', 1])
    expect(turn(past, members, 'c')).toEqual(['ab>c', 1])
    members.push({ step: 0 })
    expect(turn(past, members, 'd')).toEqual(['abc>d', 2])
    expect(turn(past, members, 'e')).toEqual([undefined, 5])
    expect(turn(past, members, 'f')).toEqual(['e>f', 0])
  })

  it('begins again at once when nobody is in step any more', () => {
    const past = new CommonPast(new PastRoom())
    const members = walkers(2)
    turn(past, members, 'a')
    for (const member of members) member.step = 0
    expect(turn(past, members, 'b')).toEqual([undefined, 2])
  })

  it('begins again after 64 turns, so that who is one of very many is not left out', () => {
    const past = new CommonPast(new PastRoom())
    const members = walkers(1_000)
    turn(past, members, 'a')
    ;(members[7] as Walker).step = 0
    const alone = Array.from({ length: 70 }, () => turn(past, members, 'b')[1])
    expect(alone).toEqual([...Array(64).fill(1), 1_000, ...Array(5).fill(0)])
  })

  it('of one member alone there is none, nor for more views than there is room for', () => {
    const room = new PastRoom()
    const alone = new CommonPast(room)
    const [member] = walkers(1)
    for (const text of ['a', 'b']) expect(turn(alone, [member as Walker], text)[0]).toBeUndefined()
    const pasts = Array.from({ length: 513 }, () => ({ past: new CommonPast(room), members: walkers(2) }))
    for (const { past, members } of pasts) turn(past, members, 'a')
    expect(pasts.map(({ past, members }) => turn(past, members, 'b')[0])).toEqual([
      ...Array(512).fill('a>b'),
      undefined,
    ])
    pasts[0]?.past.forget()
    const last = pasts[512] as (typeof pasts)[0]
    turn(last.past, last.members, 'c')
    expect(turn(last.past, last.members, 'd')[0]).toBe('c>d')
    pasts[1]?.members.pop()
    expect(turn(pasts[1]?.past as CommonPast, pasts[1]?.members ?? [], 'c')[0]).toBeUndefined()
    expect(room.take()).toBe(true)
    expect(room.take()).toBe(false)
  })

  it('remembers 8 KiB, in memory of its own', () => {
    const past = new CommonPast(new PastRoom())
    const members = walkers(2)
    const seen: Uint8Array[] = []
    const watching: Packing = {
      ...packing,
      packAfter: (text, frames) => {
        seen.push(text)
        return frames
      },
    }
    turn(past, members, `${'x'.repeat(100_000)}end`, watching)
    turn(past, members, 'more', watching)
    turn(past, members, 'last', watching)
    expect(seen.map(({ length }) => length)).toEqual([8192, 8192])
    expect(Buffer.from(seen[1] as Uint8Array).toString()).toMatch(/^x+endmore$/)
    expect(seen.every(({ buffer }) => buffer.byteLength < 20_000)).toBe(true)
  })

  it('begins again where there was no time to pack', () => {
    const past = new CommonPast(new PastRoom())
    const members = walkers(2)
    turn(past, members, 'a')
    expect(turn(past, members, 'b', { ...packing, packAfter: () => undefined })).toEqual([undefined, 2])
    expect(turn(past, members, 'c')).toEqual(['b>c', 0])
  })
})
