import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { openssl } from '../support/certificate.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'
import { createCaller } from './read-through.js'
import { proxyKinds, type RunningProxy, startProxy } from './start-proxy.js'

const started = /event: \$cursor\n/
const patience = { timeout: 10_000, interval: 10 }

/** What docs/guide/proxies.md says to change, so that the proxy speaks HTTP/2 to the hub. */
const edits = {
  caddy: (config: string) =>
    config.replace(
      /reverse_proxy (127\.0\.0\.1:8080 {.*?\n\t\t})/s,
      '@events header Accept *text/event-stream*\n\t\treverse_proxy @events h2c://$1\n\n\t\t$&',
    ),
  haproxy: (config: string) =>
    config.replaceAll(/ {2}(server hub 127.0.0.1:8080)/g, '  http-reuse always\n  $1 proto h2 ws h1'),
} as const

describe.each(proxyKinds.filter(({ name }) => name in edits))('$name speaks HTTP/2 to the hub', kind => {
  const isMissing = !kind.program || !openssl
  let hub: HubProcess
  let proxy: RunningProxy
  beforeAll(async () => {
    if (isMissing) return
    hub = await startHubProcess()
    proxy = await startProxy(kind, hub.port, edits[kind.name as keyof typeof edits])
  }, 40_000)
  afterEach(() => vi.restoreAllMocks())
  afterAll(() => proxy?.stop())

  const figure = async (name: string): Promise<number> => {
    const text = await (await fetch(`${hub.url}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
  }
  const say = (topic: string, data: string) => fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data })

  it.skipIf(isMissing)(
    'many streams share few connections, each event passes at once, and who leaves is noticed',
    async () => {
      const caller = createCaller('HTTP/2', proxy.url, proxy.said)
      const topics = Array.from({ length: 40 }, (_, i) => `many/${i}`)
      const readers = topics.map(topic => caller.ask(`/events/${topic}`, { headers: { accept: 'text/event-stream' } }))
      await Promise.all(readers.map(reader => reader.until(started)))
      expect(await figure('tidings_streams')).toBe(40)
      // Those of the proxy, and those by which this is asked.
      expect(await figure('tidings_connections')).toBeLessThan(10)
      for (const topic of topics) {
        await say(topic, `for ${topic}`)
        await readers[topics.indexOf(topic)]?.until(new RegExp(`data: for ${topic}\n\n$`))
      }
      readers[0]?.close()
      await vi.waitFor(async () => expect(await figure('tidings_streams')).toBe(39), patience)
      const page = caller.ask('/events/many/1', { headers: { accept: 'application/json' } })
      await page.until(/"for many\/1"/)
      caller.close()
      await vi.waitFor(async () => expect(await figure('tidings_streams')).toBe(0), patience)
    },
  )

  it.skipIf(isMissing)('a WebSocket still passes', async () => {
    const socket = new WebSocket(`${proxy.url.replace('https', 'wss')}/events/talk`, { rejectUnauthorized: false })
    const heard: string[] = []
    socket.on('message', data => void heard.push(String(data)))
    socket.on('error', error => void heard.push(String(error)))
    await vi.waitFor(() => expect(heard.join()).toContain('$cursor'), patience)
    socket.send(JSON.stringify({ publish: { topic: 'talk', data: 'from the page' } }))
    await vi.waitFor(() => expect(heard.join()).toContain('from the page'), patience)
    socket.terminate()
  })

  it.skipIf(isMissing)('a hub that ends lets its streams go', async () => {
    const caller = createCaller('HTTP/2', proxy.url, proxy.said)
    const reader = caller.ask('/events/last', { headers: { accept: 'text/event-stream' } })
    await reader.until(started)
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
    await reader.over()
    expect(reader.text()).toMatch(/retry: \d+\n+$/)
    caller.close()
  })
})
