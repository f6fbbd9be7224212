import { expect } from 'vitest'
import { say } from '../hubs.js'
import { Refused } from '../transport.js'
import { type Case, dataOf, type Scene } from './case.js'

type Ask = Parameters<Scene['open']>[1]

/** A request that every transport refuses alike. */
function refused(title: string, status: number, code: string, ask: (topic: string) => Ask): Case {
  return {
    title: `${title}: ${status}, ${code}`,
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      await expect(open(hub.url, ask(topic))).rejects.toMatchObject({ status, code })
    },
  }
}

export const limitCases: readonly Case[] = [
  refused('too many selectors', 400, 'too-many-topics', topic => ({
    topics: Array.from({ length: 101 }, (_, i) => `${topic}/${i}`),
  })),
  refused('an unknown parameter', 400, 'unknown-parameter', topic => ({ topics: [topic], query: { sinc: 'now' } })),
  refused('too long a URL', 414, 'uri-too-long', topic => ({ topics: [topic], query: { _: 'x'.repeat(17_000) } })),
  refused('a selector that is none', 400, 'invalid-selector', topic => ({ topics: [`${topic}/**/x`] })),
  refused('a name that is not the hub’s', 403, 'host-not-allowed', topic => ({
    topics: [topic],
    headers: { Host: 'evil.example' },
  })),
  refused('a page of a foreign origin', 403, 'origin-not-allowed', topic => ({
    topics: [topic],
    headers: { Origin: 'https://evil.example' },
  })),
  {
    title: 'a page of an origin that is listed hears',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const listening = await open(hub.url, { topics: [topic], headers: { Origin: 'https://app.example' } })
      await say(hub, { topic, data: 'for all' })
      expect(await dataOf(listening, 1)).toEqual(['for all'])
    },
  },
  {
    title: 'as many selectors as there may be are heard',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const topics = Array.from({ length: 100 }, (_, i) => `${topic}/${i}`)
      const listening = await open(hub.url, { topics })
      await say(hub, { topic: `${topic}/0`, data: 'first' }, { topic: `${topic}/99`, data: 'last' })
      expect(await dataOf(listening, 2)).toEqual(['first', 'last'])
    },
  },
  {
    title: 'nobody speaks in the hub’s name, and nothing of that is heard',
    async run({ hubs, topic, open }) {
      const hub = await hubs.usual()
      const own = `$hub/${topic}`
      const listening = await open(hub.url, { topics: ['**', own] })
      await expect(say(hub, { topic: own, data: 'forged' })).rejects.toThrow('403 (reserved-topic)')
      await say(hub, { topic, data: 'mine' })
      expect(await dataOf(listening, 1)).toEqual(['mine'])
    },
  },
  {
    title: 'a full hub says when to come again',
    async run({ hubs, topic, transport, open }) {
      const hub = await hubs.full()
      if (transport.whenFull === 'served') {
        const listening = await open(hub.url, { topics: [topic] })
        await say(hub, { topic, data: 'heard' })
        expect(await dataOf(listening, 1)).toEqual(['heard'])
        return
      }
      // The first request of a long poll asks where to begin; it is the one that waits that is refused.
      const hearing = open(hub.url, { topics: [topic] }).then(listening => dataOf(listening, 1))
      const refusal: unknown = await hearing.catch(error => error)
      const status = transport.whenFull === 503 ? 503 : 200
      expect(refusal).toBeInstanceOf(Refused)
      expect(refusal).toMatchObject({ status, code: 'overloaded', retryMs: expect.any(Number) })
      expect((refusal as Refused).retryMs).toBeGreaterThanOrEqual(500)
    },
  },
]
