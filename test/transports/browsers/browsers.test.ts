import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join, normalize } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { browserProgram, openBrowser } from '../../support/browser.js'
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy.js'
import { firefoxProgram, showInFirefox } from '../../support/firefox.js'
import { startTunedHub, type TunedHub } from '../../support/tuned-hub.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const ways = ['event-stream', 'long-poll', 'websocket', 'EventSource'] as const
/** A browser may take its time to start on a busy machine. */
const patience = { timeout: 50_000, interval: 20 }

type Heard = Readonly<Record<(typeof ways)[number], readonly string[]>>

/** What each page has heard last, by its key. */
const told = new Map<string, Heard>()
let pages: Server
let pagesUrl = ''

beforeAll(async () => {
  pages = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://pages')
    const key = /^\/heard\/(\w+)$/.exec(pathname)?.[1]
    if (key !== undefined) {
      told.set(key, JSON.parse(await text(request)))
      response.end()
      return
    }
    const file =
      pathname === '/' ? fileURLToPath(new URL('page.html', import.meta.url)) : join(root, normalize(pathname))
    response.setHeader('Content-Type', file.endsWith('.html') ? 'text/html' : 'text/javascript')
    response.end(await readFile(file))
  }).listen(0, '127.0.0.1')
  await once(pages, 'listening')
  const address = pages.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  pagesUrl = `http://127.0.0.1:${address.port}`
})
afterAll(() => {
  pages.closeAllConnections()
  pages.close()
})

/**
 * The page with every way is opened, hears numbers, is cut in the middle of one over each way, comes back, is cut again while nothing is said, and
 * must have heard each once.
 */
async function hearAcrossCuts(key: string, show: (url: string) => Promise<unknown>): Promise<void> {
  const hub = await startTunedHub({ hub: { retryMs: 500 }, settings: { allowedOrigins: [pagesUrl] } })
  let isCutting = false
  const proxy = await startCuttingProxy(hub.port, {
    passes: bytes => (isCutting ? Math.floor(bytes / 2) : bytes),
  })
  await show(`${pagesUrl}/?key=${key}&hub=${encodeURIComponent(proxy.url)}`)
  let said = 0
  const say = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await fetch(`${hub.url}/events/numbers`, { method: 'POST', body: String(++said) })
    }
  }
  await say(10)
  await allHave(key, said)

  isCutting = true
  const before = proxy.cuts
  await say(1)
  await vi.waitFor(() => expect(proxy.cuts).toBeGreaterThanOrEqual(before + ways.length), patience)
  await say(9)
  isCutting = false
  await allHave(key, said)

  proxy.cutAll()
  await say(10)
  await allHave(key, said)
  await end(hub, proxy)
  const numbers = Array.from({ length: said }, (_, i) => String(i + 1))
  expect(told.get(key)).toEqual(Object.fromEntries(ways.map(way => [way, numbers])))
}

async function allHave(key: string, last: number): Promise<void> {
  await vi.waitFor(() => {
    const heard = told.get(key)
    expect(ways.map(way => [way, heard?.[way].at(-1)])).toEqual(ways.map(way => [way, String(last)]))
  }, patience)
}

async function end(hub: TunedHub, proxy: CuttingProxy): Promise<void> {
  proxy.close()
  await hub.kill()
}

describe('a page that hears by every way that a browser has, over a connection that is cut', () => {
  test.skipIf(!browserProgram)('hears each event once in Chromium', { timeout: 120_000 }, async () => {
    const page = await (await openBrowser()).newPage()
    await hearAcrossCuts('chromium', url => page.goto(url))
  })

  test.skipIf(!firefoxProgram)('hears each event once in Firefox', { timeout: 120_000 }, async () => {
    let close: (() => Promise<void>) | undefined
    try {
      await hearAcrossCuts('firefox', async url => {
        close = await showInFirefox(url)
      })
    } finally {
      await close?.()
    }
  })
})
