import { expect } from 'vitest'
import { say } from '../hubs.js'
import { type Case, dataOf, hear } from './case.js'

const maxEventBytes = 256 * 1024

export const dataCases: readonly Case[] = [
  {
    title: 'Korean and emoji come as they were, in topic, type, key and data',
    async run({ hubs, topic, transport, open }) {
      const hub = await hubs.usual()
      const korean = `${topic}/서울/날씨 🌦️`
      const listening = await open(hub.url, { topics: [korean] })
      const said = { topic: korean, type: '예보 ☔', key: '강남구 🏙️', data: '비가 와요 👩‍👩‍👧 𝕊 \u{10ffff}' }
      const [id] = await say(hub, said)
      expect(await hear(listening, 1)).toEqual([{ id, ...said, key: transport.showsKey ? said.key : undefined }])
    },
  },
  {
    title: 'data of no characters, of spaces and of what looks like a field come as they were',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic] })
      const all = ['', ' ', '  x ', 'id: 7', ': comment', '{"type":"$end"}', '\ufeff', '\u0000\u2028']
      await say(hub, ...all.map(data => ({ topic, data })))
      expect(await dataOf(listening, all.length)).toEqual(all)
    },
  },
  {
    title: 'every kind of line break comes, and breaks nothing',
    async run({ hubs, topic, transport, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic] })
      const all = ['a\nb', 'a\rb', 'a\r\nb', '\n', '\r\n\r\n', 'a\n\nevent: $end\ndata: x\n\n', '\n\r', 'end\n']
      await say(hub, ...all.map(data => ({ topic, data })))
      const asLf = (text: string): string => text.replaceAll(/\r\n|\r/g, '\n')
      expect(await dataOf(listening, all.length)).toEqual(transport.breaks === 'kept' ? all : all.map(asLf))
    },
  },
  {
    title: 'an event of the greatest size comes whole; a greater one is refused, and disturbs nobody',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic] })
      // Three bytes a character.
      const greatest = `${'가'.repeat(Math.floor(maxEventBytes / 3))}x`
      expect(Buffer.byteLength(greatest)).toBe(maxEventBytes)
      await say(hub, { topic, data: greatest })
      await expect(say(hub, { topic, data: `${greatest}y` })).rejects.toThrow('413 (too-large)')
      await say(hub, { topic, data: 'after' })
      const [first, second] = await dataOf(listening, 2)
      expect(first === greatest).toBe(true)
      expect(second).toBe('after')
    },
  },
]
