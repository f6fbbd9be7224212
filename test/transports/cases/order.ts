import { expect } from 'vitest'
import { say } from '../hubs.js'
import { type Case, dataOf, hear, texts } from './case.js'

export const orderCases: readonly Case[] = [
  {
    title: 'what several publish at once comes in the order of their ids, each once',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic] })
      const publishers = ['a', 'b', 'c'].map(async name => {
        const said: { data: string; id: string | undefined }[] = []
        for (let i = 0; i < 20; i++) {
          const batch = texts(3, `${name} ${i} `).map(data => ({ topic, data }))
          const ids = await say(hub, ...batch)
          said.push(...batch.map(({ data }, at) => ({ data, id: ids[at] })))
        }
        return said
      })
      const said = (await Promise.all(publishers)).flat()
      const place = (id: string | undefined): number => Number(id?.split('-')[1])
      const inOrder = said.sort((a, b) => place(a.id) - place(b.id))
      const heard = await hear(listening, said.length)
      expect(heard.map(({ data, id }) => ({ data, id }))).toEqual(inOrder)
    },
  },
  {
    title: 'the past goes over into what is published meanwhile without a seam',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const all = texts(360)
      await say(hub, ...all.slice(0, 300).map(data => ({ topic, data })))
      const listening = await open(hub.url, { topics: [topic], since: 'earliest' })
      const saying = (async () => {
        for (const data of all.slice(300)) await say(hub, { topic, data })
      })()
      expect(await dataOf(listening, all.length)).toEqual(all)
      await saying
    },
  },
  {
    title: 'several topics come in one order, by one cursor',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const [a, b, other] = [`${topic}/a`, `${topic}/b`, `${topic}/c`]
      const listening = await open(hub.url, { topics: [a, b] })
      const ids = await say(hub, ...[a, other, b, other, a].map((name, i) => ({ topic: name, data: `${i}` })))
      const heard = (await hear(listening, 3)).map(({ topic: name, data }) => [name, data])
      expect(heard).toEqual([
        [a, '0'],
        [b, '2'],
        [a, '4'],
      ])
      const again = await open(hub.url, { topics: [a, b], lastEventId: ids[0] })
      expect(await dataOf(again, 2)).toEqual(['2', '4'])
    },
  },
  {
    title: 'a glob is one segment, or the rest, and nothing of the hub’s own',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const one = await open(hub.url, { topics: [`${topic}/*`] })
      const rest = await open(hub.url, { topics: [`${topic}/x/**`] })
      const names = ['', '/x', '/x/y', '/z', '/x/y/z', 'x/y'].map(end => topic + end)
      await say(hub, ...names.map(name => ({ topic: name, data: name })))
      expect((await hear(one, 2)).map(heard => heard.topic)).toEqual([`${topic}/x`, `${topic}/z`])
      expect((await hear(rest, 3)).map(heard => heard.topic)).toEqual([`${topic}/x`, `${topic}/x/y`, `${topic}/x/y/z`])
    },
  },
]
