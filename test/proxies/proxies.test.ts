import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { browserProgram, openBrowser } from '../support/browser.js'
import { openssl } from '../support/certificate.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'
import { type Caller, createCaller, type Reading, type Versions } from './read-through.js'
import { type ProxyKind, proxyKinds, type RunningProxy, startProxy } from './start-proxy.js'

const started = /event: \$cursor\n/
const patience = { timeout: 10_000, interval: 10 }

describe.each(proxyKinds)('behind $name', (kind: ProxyKind) => {
  const isMissing = !kind.program || !openssl
  let hub: HubProcess
  let proxy: RunningProxy
  let directory: string

  /** A hub on the same log and, after the first, at the same port. */
  const startHub = async (args: readonly string[] = []): Promise<void> => {
    hub = await startHubProcess({
      log: `lmdb:${join(directory, 'log')}`,
      port: hub?.port ?? 0,
      args: ['--retry-ms', '500', ...args],
    })
  }

  const restartHub = async (args: readonly string[]): Promise<void> => {
    await hub.terminate()
    await startHub(args)
  }

  beforeAll(async () => {
    if (isMissing) return
    directory = await mkdtemp(join(tmpdir(), 'tidings-behind-'))
    await startHub()
    proxy = await startProxy(kind, hub.port)
  }, 40_000)
  afterAll(async () => {
    await proxy?.stop()
    if (directory) await rm(directory, { recursive: true, force: true })
  })

  const say = async (topic: string, data: string): Promise<void> => {
    const answer = await fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data })
    expect(answer.status).toBe(200)
  }
  const subscribers = async (topic: string): Promise<unknown> => {
    const answer = (await (await fetch(`${hub.url}/topics/${topic}`)).json()) as { readonly subscribers: number }
    return answer.subscribers
  }

  describe.each<Versions>(['HTTP/1.1', 'HTTP/2'])('over %s', version => {
    let caller: Caller
    beforeAll(() => {
      if (!isMissing) caller = createCaller(version, proxy.url, proxy.said)
    })
    afterAll(() => caller?.close())
    const stream = (topic: string, headers: Readonly<Record<string, string>> = {}): Reading =>
      caller.ask(`/events/${topic}`, { headers: { accept: 'text/event-stream', ...headers } })
    const place = version === 'HTTP/2' ? 'two' : 'one'

    // The next heartbeat is fifteen seconds away: what is held back does not come in time.
    it.skipIf(isMissing)('each event passes before the next is published, unchanged', async () => {
      const reader = stream(`news/${place}`)
      await reader.until(started)
      for (const data of ['first', '두 번째 🎈', 'x'.repeat(20_000)]) {
        await say(`news/${place}`, data)
        await reader.until(new RegExp(`\ndata: ${data}\n\n$`))
      }
      expect(reader.status()).toBe(200)
      expect(reader.header('content-type')).toBe('text/event-stream')
      expect(reader.header('content-encoding')).toBeUndefined()
      reader.close()
    })

    it.skipIf(isMissing)('a reader that was cut goes on where it was', async () => {
      const topic = `letters/${place}`
      const reader = stream(topic)
      await reader.until(started)
      await say(topic, 'before')
      await reader.until(/data: before\n\n$/)
      const lastId = [...reader.text().matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? ''
      reader.close()
      await say(topic, 'meanwhile')
      const again = stream(topic, { 'last-event-id': lastId })
      await again.until(/data: meanwhile\n\n/)
      expect(again.text()).not.toContain('data: before')
      again.close()
    })

    it.skipIf(isMissing)('pages and streams of lines pass', async () => {
      const topic = `lines/${place}`
      const reader = caller.ask(`/events/${topic}`, { headers: { accept: 'application/x-ndjson' } })
      await reader.until(/"\$cursor"/)
      await say(topic, 'on a line')
      await reader.until(/"on a line".*\n$/)
      reader.close()
      const page = caller.ask(`/events/${topic}`, {
        headers: { accept: 'application/json', 'accept-encoding': 'identity' },
      })
      await page.until(/"on a line"/)
      await page.over()
    })

    it.skipIf(isMissing)('nobody publishes, and nothing but the events is shown', async () => {
      const post = caller.ask('/events/news', { method: 'POST' })
      await post.over()
      expect(post.status()).toBe(403)
      const topics = caller.ask('/topics')
      await topics.over()
      expect(topics.text()).not.toContain('"topics"')
    })

    // On a connection of its own: on the others' Apache still works for those who have left, until the next heartbeat.
    it.skipIf(isMissing)('many streams at once', async () => {
      const many = Array.from({ length: Math.min(20, kind.streams) }, (_, i) => `many/${place}/${i}`)
      const caller = createCaller(version, proxy.url, proxy.said)
      const readers = many.map(topic => caller.ask(`/events/${topic}`))
      await Promise.all(readers.map(reader => reader.until(started)))
      for (const topic of many) await say(topic, `for ${topic}`)
      await Promise.all(readers.map((reader, i) => reader.until(new RegExp(`data: for ${many[i]}\n\n$`))))
      for (const reader of readers) reader.close()
      caller.close()
    })
  })

  it.skipIf(isMissing)('a WebSocket is opened, heard and spoken to, from inside only', async () => {
    const url = proxy.url.replace('https', 'wss')
    const refused = new WebSocket(`${url}/events/talk`, { rejectUnauthorized: false, localAddress: '127.0.0.2' })
    const status = await new Promise(resolve => {
      refused.on('unexpected-response', (_, response) => resolve(response.statusCode))
      refused.on('open', () => resolve('open'))
    })
    refused.on('error', () => undefined).terminate()
    expect(status).toBe(403)

    const socket = new WebSocket(`${url}/events/talk`, { rejectUnauthorized: false })
    const heard: Record<string, unknown>[] = []
    socket.on('message', data => void heard.push(JSON.parse(String(data))))
    await vi.waitFor(() => expect(heard).toMatchObject([{ type: '$cursor' }]), patience)
    await say('talk', 'from the hub')
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ data: 'from the hub' }), patience)
    socket.send(JSON.stringify({ ref: 1, publish: { topic: 'talk', data: 'from the page' } }))
    await vi.waitFor(
      () => expect(heard).toEqual(expect.arrayContaining([expect.objectContaining({ data: 'from the page' })])),
      patience,
    )
    expect(await subscribers('talk')).toBe(1)
    socket.close()
    await vi.waitFor(async () => expect(await subscribers('talk')).toBe(0), patience)
  })

  it.skipIf(isMissing)(`a client that leaves is noticed ${kind.leaving}`, async () => {
    if (kind.leaving === 'at a heartbeat') await restartHub(['--heartbeat-ms', '400'])
    await say('leaving', 'said before')
    for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
      const caller = createCaller(version, proxy.url, proxy.said)
      const reader = caller.ask('/events/leaving')
      await reader.until(started)
      expect(await subscribers('leaving')).toBe(1)
      reader.close()
      // Where the hub's next heartbeat is fifteen seconds away, nothing else makes it so.
      await vi.waitFor(async () => expect(await subscribers('leaving')).toBe(0), patience)
      caller.close()
    }
  })

  it.skipIf(isMissing)('a quiet stream is sent its heartbeats', async () => {
    await restartHub(['--heartbeat-ms', '400'])
    for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
      const caller = createCaller(version, proxy.url, proxy.said)
      await caller.ask('/events/quiet').until(/(?:event: \$cursor\n.*){4}/s)
      caller.close()
    }
  })

  it.skipIf(isMissing)('what the hub has compressed passes as it is, each event at once', async () => {
    await restartHub(['--compression', 'gzip'])
    for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
      const caller = createCaller(version, proxy.url, proxy.said)
      const topic = `gzip/${version}`
      const reader = caller.ask(`/events/${topic}`, { headers: { accept: 'text/event-stream' } })
      await reader.until(started)
      expect(reader.header('content-encoding')).toBe('gzip')
      for (const data of ['first', '두 번째 🎈', 'the order was shipped; '.repeat(1_000)]) {
        await say(topic, data)
        await reader.until(new RegExp(`\ndata: ${data}\n\n$`))
      }
      caller.close()
      reader.close()
    }
  })

  describe('a restart of the hub', () => {
    it.skipIf(isMissing)('is told to streams as a time to come again, and to all else as it is', async () => {
      await hub.terminate()
      try {
        for (const version of ['HTTP/1.1', 'HTTP/2'] as const) {
          const caller = createCaller(version, proxy.url, proxy.said)
          const stream = caller.ask('/events/news', { headers: { accept: 'text/event-stream' } })
          await stream.over()
          expect([stream.status(), stream.header('content-type')]).toEqual([200, 'text/event-stream'])
          expect(stream.text()).toMatch(/^retry: \d+\n: .*\n\n$/)
          const page = caller.ask('/events/news', { headers: { accept: 'application/json' } })
          await page.over()
          expect(page.status()).toBeGreaterThanOrEqual(502)
          caller.close()
        }
      } finally {
        await startHub()
      }
    })

    describe('in Chromium', () => {
      let page: Page
      beforeAll(async () => {
        if (isMissing || !browserProgram) return
        const context = await (await openBrowser()).newContext({ ignoreHTTPSErrors: true })
        page = await context.newPage()
        await page.route(`${proxy.url}/`, route => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
        await page.goto(`${proxy.url}/`)
      }, 40_000)

      it.skipIf(isMissing || !browserProgram)('does not end an EventSource, which misses nothing', async () => {
        await page.evaluate(() => {
          const heard: string[] = []
          const source = new EventSource('/events/restart')
          let errors = 0
          source.onmessage = ({ data }) => void heard.push(data)
          source.onerror = () => void errors++
          Object.assign(globalThis, { look: () => ({ heard, errors, state: source.readyState }) })
        })
        const look = () => page.evaluate('look()') as Promise<{ heard: string[]; errors: number; state: number }>
        await vi.waitFor(async () => expect(await look()).toMatchObject({ state: 1 }), patience)
        await say('restart', 'before')
        await vi.waitFor(async () => expect(await look()).toMatchObject({ heard: ['before'] }), patience)
        await hub.kill()
        // It has come twice in vain, and been told to come again.
        await vi.waitFor(async () => expect((await look()).errors).toBeGreaterThanOrEqual(3), patience)
        expect(await look()).not.toMatchObject({ state: 2 })
        await startHub()
        await say('restart', 'meanwhile')
        await vi.waitFor(async () => expect((await look()).heard).toEqual(['before', 'meanwhile']), patience)
        await say('restart', 'after')
        await vi.waitFor(async () => expect((await look()).heard).toEqual(['before', 'meanwhile', 'after']), patience)
      })
    })
  })
})
