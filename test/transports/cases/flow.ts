import { expect, vi } from 'vitest'
import { say } from '../hubs.js'
import { type Case, dataOf, hear, hearUntil } from './case.js'

/** More than a socket takes whose reader does not read. */
const much = { events: 120, bytes: 100_000 }
/** What the hub may hold for such a reader, and some more. */
const heldBytes = 2 * 1024 * 1024

export const flowCases: readonly Case[] = [
  {
    title: 'conflation leaves out what was superseded, never the newest, and keeps the order',
    async run({ hubs, topic, transport, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic], conflate: 100 })
      const all = Array.from({ length: 200 }, (_, i) => ({ topic, key: i % 2 ? 'a' : 'b', data: `${i}` }))
      await say(hub, ...all)
      await say(hub, { topic, key: 'last', data: 'last' })
      const heard = (await hearUntil(listening, ({ data }) => data === 'last')).map(({ data }) => data)
      if (!transport.conflates) {
        expect(heard).toEqual([...all.map(({ data }) => data), 'last'])
        return
      }
      expect(heard.length).toBeLessThan(all.length)
      expect(heard.slice(-3)).toEqual(['198', '199', 'last'])
      expect(heard.slice(0, -1).map(Number)).toEqual(
        heard
          .slice(0, -1)
          .map(Number)
          .sort((a, b) => a - b),
      )
    },
  },
  {
    title: 'a reader that stops costs the hub little, and hears all when it reads on',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic] })
      listening.pause()
      const all = Array.from({ length: much.events }, (_, i) => `${i} ${'x'.repeat(much.bytes)}`)
      for (let i = 0; i < all.length; i += 40) await say(hub, ...all.slice(i, i + 40).map(data => ({ topic, data })))
      // Another one does not wait for it.
      const other = await open(hub.url, { topics: [`${topic}/other`] })
      await say(hub, { topic: `${topic}/other`, data: 'meanwhile' })
      expect(await dataOf(other, 1)).toEqual(['meanwhile'])
      expect((await hub.status()).heldBytes).toBeLessThan(heldBytes)
      listening.resume()
      const heard = await dataOf(listening, all.length)
      expect(heard.length).toBe(all.length)
      expect(heard.every((data, i) => data === all[i])).toBe(true)
    },
  },
  {
    title: 'a reader that stops for longer than the log remembers is told of what it missed, and hears the rest',
    async run({ hubs, topic, open }) {
      const hub = await hubs.forgetful()
      const listening = await open(hub.url, { topics: [topic] })
      const first = await say(hub, { topic, data: '0' })
      expect((await hear(listening, 1))[0]?.id).toBe(first[0])
      listening.pause()
      const data = (i: number): string => `${i} ${'x'.repeat(much.bytes)}`
      for (let i = 1; i <= much.events; i += 40) {
        await say(hub, ...Array.from({ length: 40 }, (_, at) => ({ topic, data: data(i + at) })))
      }
      // The rules have been applied when a newcomer is given no more than they keep.
      await vi.waitFor(async () => {
        const left = await open(hub.url, { topics: [topic], since: 'earliest' })
        expect(Number.parseInt((await dataOf(left, 1))[0] ?? '', 10)).toBe(much.events - 2)
      })
      listening.resume()
      const heard = [...(await hearUntil(listening, ({ type }) => type === '$gap'))]
      await say(hub, { topic, data: 'last' })
      heard.push(...(await hearUntil(listening, ({ data: text }) => text === 'last')))
      expect(heard.pop()?.data).toBe('last')
      let previous = 0
      let isBehindGap = false
      for (const { type, data: text } of heard) {
        const number = Number.parseInt(text, 10)
        if (type === '$gap') isBehindGap = true
        else {
          // In order, and without a hole but behind a `$gap`.
          if (isBehindGap) expect(number).toBeGreaterThan(previous)
          else expect(number).toBe(previous + 1)
          previous = number
          isBehindGap = false
        }
      }
      expect(heard.length).toBeLessThan(much.events)
      expect(heard.some(({ type }) => type === '$gap')).toBe(true)
    },
  },
]
