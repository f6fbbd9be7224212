import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type HubOnHttp, startHub } from '../http/hub-on-http.js'
import { browserProgram, openBrowser } from '../support/browser.js'
import { makeCertificate, openssl } from '../support/certificate.js'

const patience = { timeout: 20_000, interval: 50 }
const count = 150

describe.skipIf(!browserProgram || !openssl)('a page over HTTP/2', () => {
  let hub: HubOnHttp
  let page: Page
  beforeAll(async () => {
    const body = '<!doctype html><title>Many</title><link rel="icon" href="data:,">'
    hub = await startHub({
      certificate: await makeCertificate(),
      hub: { retryMs: 500 },
      assets: new Map([['/', { type: 'text/html', body }]]),
    })
    page = await (await openBrowser(['--ignore-certificate-errors'])).newPage()
    await page.goto(`${hub.url}/`)
  }, 60_000)
  afterAll(() => hub?.close())

  const heard = (): Promise<readonly string[]> =>
    page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard)

  test('has 150 EventSources and asks for other things, all over one connection', async () => {
    await page.evaluate(async n => {
      const heard: string[] = Array.from({ length: n }, () => '')
      const open = heard.map((_, i) => {
        const source = new EventSource(`/events?topic=all&topic=${i}`)
        source.onmessage = ({ data }) => {
          heard[i] += `${data} `
        }
        return new Promise(resolve => source.addEventListener('$cursor', resolve, { once: true }))
      })
      Object.assign(globalThis, { heard })
      await Promise.all(open)
    }, count)
    expect(hub.hub.status.subscriptions).toBe(count)
    const answers = await page.evaluate(() =>
      Promise.all([
        fetch('/healthz').then(answer => answer.status),
        fetch('/events/all', { method: 'POST', body: 'first' }).then(answer => answer.status),
        fetch('/events/all', { headers: { accept: 'application/json' } }).then(answer => answer.status),
        fetch('/events/a?wait=60&since=now', { headers: { accept: 'application/json' } }).then(answer => answer.json()),
        fetch('/events/all', { method: 'POST', body: 'second' }).then(() =>
          fetch('/events/a', { method: 'POST', body: 'for the long poll' }).then(answer => answer.status),
        ),
      ]),
    )
    expect(answers).toMatchObject([200, 200, 200, { events: [{ data: 'for the long poll' }] }, 200])
    await vi.waitFor(
      async () => expect((await heard()).every(text => text.includes('first') && text.includes('second'))).toBe(true),
      patience,
    )
    const protocols = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(entry => (entry as unknown as { nextHopProtocol: string }).nextHopProtocol),
    )
    expect(new Set(protocols)).toEqual(new Set(['h2']))
    // A connection that was opened ahead of need may still be there.
    await vi.waitFor(async () => {
      expect(await hub.server.status()).toMatchObject({ connections: 1, streams: count })
    }, patience)
  }, 60_000)

  test('opens a WebSocket beside it, on a connection of its own', async () => {
    const text = await page.evaluate(
      url =>
        new Promise<string>((resolve, reject) => {
          const socket = new WebSocket(url)
          socket.onmessage = ({ data }) => {
            resolve(data)
            socket.close()
          }
          socket.onerror = () => reject(new Error('no WebSocket'))
        }),
      `${hub.url.replace('https', 'wss')}/events/talk`,
    )
    expect(text).toContain('$cursor')
  }, 60_000)

  test('comes back after a restart, and misses nothing', async () => {
    const { port } = hub
    const { log } = hub
    await hub.hub.publish([{ topic: 'all', data: 'before' }])
    await vi.waitFor(async () => expect((await heard()).every(text => text.includes('before'))).toBe(true), patience)
    await hub.server.drain(10_000)
    await hub.hub.close()
    await log.append([{ topic: 'all', data: 'meanwhile' }])
    hub = await startHub({ certificate: await makeCertificate(), log, settings: { port } })
    await vi.waitFor(() => expect(hub.hub.status.subscriptions).toBe(count), patience)
    await hub.hub.publish([{ topic: 'all', data: 'after' }])
    await vi.waitFor(async () => {
      expect(new Set(await heard())).toEqual(new Set(['first second before meanwhile after ']))
    }, patience)
    expect(await hub.server.status()).toMatchObject({ connections: 1, streams: count })
  }, 60_000)
})
