import { expect, vi } from 'vitest'
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy.js'
import { putBackTopic, say } from '../hubs.js'
import type { Heard, Transport } from '../transport.js'
import { type Case, dataOf, hear, hearUntil, texts } from './case.js'

/** At so many places of what a reader is sent the connection is cut, from its first byte to its last. */
const places = 40

export const resumeCases: readonly Case[] = [
  {
    title: 'a reader that is cut at any byte, and comes back by cursor, hears each event once',
    async run({ hubs, topic, transport }) {
      const hub = await hubs.usual()
      const [start = ''] = await say(hub, { topic, data: 'before' })
      const all = texts(30)
      await say(hub, ...all.map(data => ({ topic, data })))
      let allowed = Number.POSITIVE_INFINITY
      let most = 0
      const proxy = await startCuttingProxy(hub.port, {
        scheme: transport.isEncrypted ? 'https' : 'http',
        passes(bytes, passed) {
          most = Math.max(most, passed + bytes)
          return Math.max(0, allowed - passed)
        },
      })
      expect(await hearAcross(transport, proxy, { topic, from: start, last: all.at(-1) ?? '' })).toEqual(all)
      const length = most
      for (let i = 0; i < places; i++) {
        // Only the first connection of each try is cut.
        allowed = Math.floor((length * i) / (places - 1))
        const heard = hearAcross(transport, proxy, {
          ...{ topic, from: start, last: all.at(-1) ?? '' },
          onBack: () => {
            allowed = Number.POSITIVE_INFINITY
          },
        })
        expect({ cutAfter: allowed, heard: await heard }).toEqual({ cutAfter: expect.any(Number), heard: all })
      }
      expect(proxy.cuts).toBeGreaterThan(places / 2)
      proxy.close()
    },
  },
  {
    title: 'a reader that is cut while it hears live misses and repeats nothing',
    async run({ hubs, topic, transport }) {
      const hub = await hubs.usual()
      const [start = ''] = await say(hub, { topic, data: 'before' })
      const proxy = await startCuttingProxy(hub.port, { scheme: transport.isEncrypted ? 'https' : 'http' })
      const all = texts(60)
      const hearing = hearAcross(transport, proxy, { topic, from: start, last: all.at(-1) ?? '' })
      for (const [i, data] of all.entries()) {
        await say(hub, { topic, data })
        if (i % 12 === 11) proxy.cutAll()
      }
      expect(await hearing).toEqual(all)
      proxy.close()
    },
  },
  {
    title: 'a cursor before what is left is told so, and given what is left',
    async run({ hubs, topic, open }) {
      const hub = await hubs.forgetful()
      const [first] = await say(hub, ...texts(10).map(data => ({ topic, data })))
      await vi.waitFor(async () => {
        const left = await open(hub.url, { topics: [topic], since: 'earliest' })
        expect(await dataOf(left, 1)).toEqual(texts(10).slice(7, 8))
      })
      const listening = await open(hub.url, { topics: [topic], lastEventId: first })
      const [gap, ...events] = await hear(listening, 4)
      expect(toGap(gap)).toMatchObject({ reason: 'trimmed', requested: first })
      expect(events.map(({ data }) => data)).toEqual(texts(10).slice(7))
    },
  },
  {
    title: 'a cursor that is none of the hub’s is told so, and given all',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      await say(hub, ...texts(3).map(data => ({ topic, data })))
      const listening = await open(hub.url, { topics: [topic], lastEventId: 'zzzz9-7' })
      const [gap, ...events] = await hear(listening, 4)
      expect(toGap(gap)).toMatchObject({ reason: 'unknown', requested: 'zzzz9-7' })
      expect(events.map(({ data }) => data)).toEqual(texts(3))
    },
  },
  {
    title: 'a cursor into a history that the log has lost is told so',
    async run({ hubs, open }) {
      const hub = await hubs.putBack()
      const listening = await open(hub.url, { topics: [putBackTopic], lastEventId: hub.lost })
      const [gap, ...events] = await hear(listening, 3)
      expect(toGap(gap)).toMatchObject({ reason: 'rewound', requested: hub.lost })
      expect(events.map(({ data }) => data)).toEqual(['1', '2'])
    },
  },
  {
    title: 'the newest of each key comes first, and then what follows',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      await say(hub, ...['a', 'b', 'a', 'c', 'b'].map((key, i) => ({ topic, key, data: `${key}${i}` })))
      const listening = await open(hub.url, { topics: [topic], since: 'latest' })
      expect((await hear(listening, 3)).map(({ id, data }) => [id, data])).toEqual([
        [undefined, 'a2'],
        [undefined, 'c3'],
        [undefined, 'b4'],
      ])
      await vi.waitFor(() => expect(listening.cursor).toBeDefined())
      const [next] = await say(hub, { topic, key: 'a', data: 'a5' })
      expect(await hear(listening, 1)).toMatchObject([{ id: next, data: 'a5' }])
      listening.cut()
      await say(hub, { topic, key: 'a', data: 'a6' })
      const again = await open(hub.url, { topics: [topic], lastEventId: listening.cursor })
      expect(await dataOf(again, 1)).toEqual(['a6'])
    },
  },
]

/** The data that a reader hears up to `last` who comes back by cursor whenever the connection is cut. */
async function hearAcross(
  transport: Transport,
  proxy: CuttingProxy,
  {
    topic,
    from,
    last,
    onBack,
  }: { readonly topic: string; readonly from: string; readonly last: string; readonly onBack?: () => void },
): Promise<readonly string[]> {
  const heard: Heard[] = []
  let cursor = from
  while (heard.at(-1)?.data !== last) {
    try {
      const listening = await transport.open(proxy.url, { topics: [topic], lastEventId: cursor })
      heard.push(...(await hearUntil(listening, ({ data }) => data === last)))
      cursor = listening.cursor ?? cursor
      listening.cut()
    } catch (error) {
      // Cut before there was an answer.
      if (!(error instanceof Error)) throw error
    }
    onBack?.()
  }
  return heard.map(({ data }) => data)
}

function toGap(heard: Heard | undefined): unknown {
  expect(heard?.type).toBe('$gap')
  return JSON.parse(heard?.data ?? '')
}
