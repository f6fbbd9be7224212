import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { describe, expect, it, vi } from 'vitest'
import type { ConnectOptions } from '../../src/entry/client.js'
import { browserProgram, openBrowser } from '../support/browser.js'
import { openHub } from './listen.js'
import { serve } from './way.js'

const dist = fileURLToPath(new URL('../../dist/', import.meta.url))

/** A page that hears a hub, of an origin of its own, and another one beside it. */
async function openPage(isKept: boolean, options: ConnectOptions = {}) {
  let hubUrl = ''
  const site = await serve(async (request, answer) => {
    const path = request.url ?? '/'
    const isScript = path.startsWith('/dist/') && !path.includes('..')
    answer.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    if (isScript) answer.end(await readFile(dist + path.slice('/dist/'.length)))
    else if (path !== '/') answer.end('<!doctype html><title>other</title><link rel="icon" href="data:,">')
    else {
      answer.end(`<!doctype html><title>hearing</title><link rel="icon" href="data:,">
        <script type="importmap">{ "imports": { "#decode": "/dist/wire/decode.js" } }</script>
        <script type="module">
        import { connect } from '/dist/entry/client.js'
        window.heard = []
        window.states = []
        window.connection = connect('${hubUrl}/events', {
          topics: ['news'], onState: ({ state }) => window.states.push(state), ...${JSON.stringify(options)},
        })
        window.connection.on('news', event => window.heard.push(event.data))
      </script>`)
    }
  })
  const hub = await openHub({ settings: { allowedOrigins: [site] } })
  hubUrl = hub.url
  const browser = await openBrowser([], isKept ? ['--disable-back-forward-cache'] : [])
  const page = await (await browser.newContext()).newPage()
  await page.goto(site)
  await page.waitForFunction('connection.state === "open"')
  return { ...hub, site, page }
}

const heardBy = (page: Page) => page.evaluate<string[]>('heard')

describe.skipIf(!browserProgram)('a connection of a page', () => {
  it('comes back at once when the network is back', async () => {
    const { page, say, server } = await openPage(false, { backoffMs: 3_600_000, maxBackoffMs: 3_600_000 })
    await say('news', 'before')
    await page.context().setOffline(true)
    await page.evaluate('connection.reconnect()')
    await page.waitForFunction('connection.state === "waiting"')
    await say('news', 'meanwhile')
    // By chance it would wait for anything up to an hour.
    await page.evaluate('states.length = 0')
    await page.context().setOffline(false)
    await vi.waitFor(async () => expect(await heardBy(page)).toEqual(['before', 'meanwhile']), 10_000)
    expect(await page.evaluate('states')).toEqual(['connecting', 'open'])
    expect((await server.status()).streams).toBe(1)
  })

  it('is let go when the page is left for a while, and made anew when it comes out of the cache', async () => {
    const { page, say, server, site } = await openPage(true)
    await page.evaluate('window.marker = "the same page"')
    await page.evaluate(`location.href = '${site}/other'`)
    await vi.waitFor(async () => expect(await page.title()).toBe('other'), 10_000)
    await vi.waitFor(async () => expect((await server.status()).streams).toBe(0), 10_000)
    await say('news', 'meanwhile')
    await page.evaluate('history.back()').catch(() => undefined)
    await vi.waitFor(async () => expect(await page.title()).toBe('hearing'), 10_000)
    await vi.waitFor(async () => expect(await heardBy(page)).toEqual(['meanwhile']), 10_000)
    expect(await page.evaluate('marker')).toBe('the same page')
    expect(await page.evaluate('states')).toEqual(['open', 'paused', 'connecting', 'open'])
  })
})
