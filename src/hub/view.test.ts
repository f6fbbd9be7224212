import { describe, expect, it } from 'vitest'
import type { LogEvent } from '../log/log.js'
import { Recent } from './recent.js'
import type { Encoding } from './sink.js'
import { joinFrames } from './view.js'

const plain: Encoding = {
  name: 'plain',
  event: ({ data }) => Buffer.from(data),
  hubEvent: () => new Uint8Array(),
}

/** Packs into brackets, and says how often it did. */
function packed(hasTime: boolean): Encoding & { readonly calls: string[] } {
  const calls: string[] = []
  const pack = (frames: Uint8Array): Uint8Array => {
    calls.push(String(frames))
    return Buffer.from(`(${frames})`)
  }
  return {
    ...{ name: 'packed', calls, event: () => new Uint8Array(), hubEvent: () => new Uint8Array() },
    packing: { of: plain, pack, packTogether: frames => (hasTime ? pack(frames) : undefined), packAfter: pack },
  }
}

function pushAll(recent: Recent, data: readonly string[]) {
  return data.map((text, offset) => {
    const event: LogEvent = {
      ...{ offset: offset + 1, time: 0, topic: 't', data: text, type: '', key: '', eventId: '', end: false },
    }
    return recent.push(event, `e-${offset + 1}`)
  })
}

describe('frames of one write', () => {
  const recent = () => new Recent(0, { maxBytes: 1 << 20, maxEvents: 1_000 })

  it('stand one after the other', () => {
    const kept = recent()
    expect(String(joinFrames(pushAll(kept, ['a', 'b', 'c']), plain, kept))).toBe('abc')
  })

  it('are packed together, and one alone once for all views', () => {
    const kept = recent()
    const events = pushAll(kept, ['a', 'b'])
    const encoding = packed(true)
    expect(String(joinFrames(events, encoding, kept))).toBe('(ab)')
    for (let view = 0; view < 3; view++) expect(String(joinFrames(events.slice(1), encoding, kept))).toBe('(b)')
    expect(encoding.calls).toEqual(['ab', 'b'])
  })

  it('are packed each by itself, once for all views, where there is no time to do so together', () => {
    const kept = recent()
    const events = pushAll(kept, ['a', 'b', 'c'])
    const encoding = packed(false)
    for (let view = 0; view < 3; view++) expect(String(joinFrames(events, encoding, kept))).toBe('(a)(b)(c)')
    expect(encoding.calls).toEqual(['a', 'b', 'c'])
  })

  it('are as they are packed, and not kept, where they are many', () => {
    const kept = recent()
    const events = pushAll(
      kept,
      Array.from({ length: 65 }, () => 'a'),
    )
    const before = kept.bytes
    expect(String(joinFrames(events, packed(false), kept))).toBe(`(${'a'.repeat(65)})`)
    expect(kept.bytes).toBe(before + 65)
  })
})
