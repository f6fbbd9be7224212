import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Assets } from '../../../src/http/assets.js'
import type { Certificate } from '../../../src/http/certificate.js'
import { startHub } from '../../http/hub-on-http.js'
import { browserProgram, openBrowser } from '../../support/browser.js'
import { makeCertificate, openssl } from '../../support/certificate.js'
import { clientModules } from '../../support/client-modules.js'
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy.js'
import { type Accepted, firefoxProgram, showInFirefox } from '../../support/firefox.js'

const ways = ['event-stream', 'long-poll', 'websocket', 'EventSource'] as const
/** A browser may take its time to start on a busy machine. */
const patience = { timeout: 50_000, interval: 20 }

interface Told {
  /** By way. */
  readonly heard: Readonly<Record<(typeof ways)[number], readonly string[]>>
  /** What was spoken with the hub, at each request that is over. */
  readonly protocols: readonly string[]
  /** How often the browser closed its own `EventSource` for good, and the page opened another one. */
  readonly closings: number
}

/** What each page has told last, by its key. */
const told = new Map<string, Told>()
let ear: Server
let earUrl = ''
let assets: Assets

beforeAll(async () => {
  // It tells another origin what it heard.
  const headers = { 'Content-Security-Policy': "default-src * data: 'unsafe-inline'" }
  const body = await readFile(new URL('page.html', import.meta.url))
  assets = new Map([...(await clientModules()), ['/page.html', { type: 'text/html', body, headers }]])
  ear = createServer(async (request, response) => {
    told.set(request.url?.slice(1) ?? '', JSON.parse(await text(request)))
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.end()
  }).listen(0, '127.0.0.1')
  await once(ear, 'listening')
  const address = ear.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  earUrl = `http://127.0.0.1:${address.port}`
})
afterAll(() => {
  ear.closeAllConnections()
  ear.close()
})

/**
 * The page with every way is opened, hears numbers, is cut in the middle of one over each way, comes back, is cut again while nothing is said, and
 * must have heard each once. With a certificate all but the WebSocket speak HTTP/2.
 */
async function hearAcrossCuts(
  key: string,
  show: (url: string, accepted: readonly Accepted[]) => Promise<unknown>,
  certificate?: Certificate,
): Promise<void> {
  const hub = await startHub({ hub: { retryMs: 500 }, assets, certificate })
  let cutsBefore: number | undefined
  const proxy: CuttingProxy = await startCuttingProxy(hub.port, {
    scheme: certificate ? 'https' : 'http',
    passes(bytes, passed) {
      if (cutsBefore === undefined) return bytes
      // Behind the handshake of TLS: who is cut in it has not reached a hub that could cut him off.
      const isEarly = certificate && passed < 300
      return isEarly ? bytes : Math.floor(bytes / 2)
    },
  })
  const accepted = certificate ? [{ url: proxy.url, cert: certificate.cert }] : []
  await show(`${proxy.url}/page.html?tell=${encodeURIComponent(`${earUrl}/${key}`)}`, accepted)
  let said = 0
  const say = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await hub.hub.publish([{ topic: 'numbers', data: String(++said) }])
  }
  await say(10)
  await allHave(key, said)

  cutsBefore = proxy.cuts
  const enough = cutsBefore + (certificate ? 8 : ways.length)
  await say(1)
  await vi.waitFor(() => expect(proxy.cuts).toBeGreaterThanOrEqual(enough), patience)
  await say(9)
  cutsBefore = undefined
  await allHave(key, said)

  proxy.cutAll()
  await say(10)
  await allHave(key, said)
  proxy.close()
  await hub.close()
  const numbers = Array.from({ length: said }, (_, i) => String(i + 1))
  expect(told.get(key)?.heard).toEqual(Object.fromEntries(ways.map(way => [way, numbers])))
  // Firefox now and then takes a cut in the first bytes of a connection over TLS for the end.
  if (!certificate || key.startsWith('chromium')) expect(told.get(key)?.closings).toBe(0)
  expect(new Set(told.get(key)?.protocols)).toEqual(new Set([certificate ? 'h2' : 'http/1.1']))
}

async function allHave(key: string, last: number): Promise<void> {
  await vi.waitFor(() => {
    const heard = told.get(key)?.heard
    expect(ways.map(way => [way, heard?.[way].at(-1)])).toEqual(ways.map(way => [way, String(last)]))
  }, patience)
}

describe.each([
  ['HTTP/1.1', undefined],
  ['HTTP/2', makeCertificate],
] as const)('a page that hears by every way that a browser has, over %s that is cut', (http, certify) => {
  const isPossible = !certify || openssl
  const slug = http.replace(/\W/g, '')

  test.skipIf(!browserProgram || !isPossible)('hears each event once in Chromium', { timeout: 120_000 }, async () => {
    const page = await (await openBrowser(['--ignore-certificate-errors'])).newPage()
    await hearAcrossCuts(`chromium${slug}`, url => page.goto(url), await certify?.())
  })

  test.skipIf(!firefoxProgram || !isPossible)('hears each event once in Firefox', { timeout: 120_000 }, async () => {
    let close: (() => Promise<void>) | undefined
    const show = async (url: string, accepted: readonly Accepted[]): Promise<void> => {
      close = await showInFirefox([url], accepted)
    }
    try {
      await hearAcrossCuts(`firefox${slug}`, show, await certify?.())
    } finally {
      await close?.()
    }
  })
})
