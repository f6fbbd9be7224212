import { expect } from 'vitest'
import { say } from '../hubs.js'
import { type Case, hear, hearUntil, texts } from './case.js'

export const endingCases: readonly Case[] = [
  {
    title: 'a topic that ends is heard to its end, which is said, and is over after that',
    async run({ hubs, topic, transport, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic] })
      await say(hub, { topic, data: 'one' })
      const [end] = await say(hub, { topic, data: 'last', end: true })
      const heard = await hearUntil(listening, () => false)
      expect(heard.map(({ type, data }) => [type, data])).toEqual([
        ['', 'one'],
        ['', 'last'],
        ['$end', expect.any(String)],
      ])
      expect(listening.ending?.closeCode).toBe(transport.whenOver === 4409 ? 4409 : undefined)

      const again = open(hub.url, { topics: [topic], lastEventId: end })
      if (transport.whenOver === 204) {
        await expect(again).rejects.toMatchObject({ status: 204 })
        return
      }
      const over = await again
      const rest = await hearUntil(over, () => false)
      if (transport.whenOver === 4409) expect(over.ending?.closeCode).toBe(4409)
      else expect(rest.map(({ type }) => type)).toEqual(['$end'])
    },
  },
  {
    title: 'a hub that drains gives what it has answered for, says goodbye in its way, and takes nobody more',
    async run({ hubs, topic, transport, open }) {
      const hub = await hubs.another()
      const listening = await open(hub.url, { topics: [topic] })
      const all = texts(100)
      await say(hub, ...all.map(data => ({ topic, data })))
      const heard = hear(listening, all.length)
      // A page hears what it asks for, and nobody answers when the hub is gone.
      if (transport.whenFull === 'served') await heard
      const ended = await hub.terminate()
      expect(ended.code).toBe(0)
      expect((await heard).map(({ data }) => data)).toEqual(all)
      expect(await listening.next()).toEqual({ value: undefined, done: true })
      const { closeCode, retryMs = 0 } = listening.ending ?? {}
      if (transport.whenDrained === 1001) expect(closeCode).toBe(1001)
      // Three to six times the 3 seconds that it is else: not all come back at once.
      if (transport.whenDrained === 'retry') expect(retryMs).toBeGreaterThan(8_000)
      await expect(open(hub.url, { topics: [topic], lastEventId: listening.cursor })).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      })
    },
  },
]
