import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { subpaths } from '../package/subpaths.js'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { startHubProcess } from '../support/hub-process.js'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A page of another origin than the hub's. */
async function serveElsewhere(html: string): Promise<string> {
  server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(html)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}/`
}

describe('/tidings.js', () => {
  it('is a module that every origin may load, kept and asked for again', async () => {
    const hub = await startHubProcess()
    const address = `${hub.url}/tidings.js`
    const foreign = { origin: 'https://elsewhere.example' }
    const answer = await fetch(address, { headers: foreign })
    expect(answer.status).toBe(200)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'no-cache',
      etag: expect.stringMatching(/^"/),
    })
    const again = await fetch(address, { headers: { ...foreign, 'if-none-match': answer.headers.get('etag') ?? '' } })
    expect([again.status, again.headers.get('access-control-allow-origin')]).toEqual([304, '*'])
    // The page beside it is for the hub's own origin alone.
    expect((await fetch(`${hub.url}/`, { headers: foreign })).status).toBe(403)
  })

  it('is all of tidings/client in one file, with nothing of Node.js in it', async () => {
    const hub = await startHubProcess()
    const answer = await fetch(`${hub.url}/tidings.js`, { headers: { 'accept-encoding': 'identity' } })
    const code = await answer.text()
    const client: Record<string, unknown> = await import(`data:text/javascript,${encodeURIComponent(code)}`)
    expect(Object.keys(client).sort()).toEqual(subpaths['./client']?.values)
    expect(code).not.toMatch(/node:|\bprocess\b|\bBuffer\b|\bimport\(|\brequire\b/)
    // 11.9 kB when this was written.
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(16_000)
  })

  it.skipIf(!browserProgram)('lets a page of another origin hear the hub', async () => {
    const hub = await startHubProcess({ args: ['--demo'] })
    const page = await (await openBrowser()).newPage()
    const errors = watchErrors(page)
    await page.goto(
      await serveElsewhere(`<!doctype html><link rel="icon" href="data:,"><ul id="heard"></ul><script type="module">
        import { EventSource } from '${hub.url}/tidings.js'
        const source = new EventSource('${hub.url}/events/clock')
        source.addEventListener('$cursor', () => { document.title = 'listening' }, { once: true })
        source.onmessage = ({ data }) => {
          const line = document.createElement('li')
          line.textContent = data
          heard.append(line)
        }
      </script>`),
    )
    await page.waitForFunction('document.title === "listening"')
    await fetch(`${hub.url}/events/clock`, { method: 'POST', body: '안녕 🕰️' })
    await page.locator('#heard li', { hasText: '안녕 🕰️' }).waitFor()
    expect(errors).toEqual([])
  })

  it.skipIf(!browserProgram)('connects a page of a listed origin by each transport', { timeout: 60_000 }, async () => {
    const origin =
      await serveElsewhere(`<!doctype html><link rel="icon" href="data:,"><ul id="heard"></ul><script type="module">
      const hub = new URLSearchParams(location.search).get('hub')
      const { connect } = await import(hub + '/tidings.js')
      for (const transport of ['event-stream', 'long-poll', 'websocket']) {
        const connection = connect(hub + '/events', { topics: ['news'], transports: [transport] })
        connection.onState(({ state }) => { if (state === 'open') document.title += transport + ' ' })
        connection.on('news', ({ data }) => {
          const line = document.createElement('li')
          line.textContent = transport + ': ' + data
          heard.append(line)
        })
      }
    </script>`)
    const hub = await startHubProcess({ args: ['--allowed-origins', new URL(origin).origin] })
    const page = await (await openBrowser()).newPage()
    const errors = watchErrors(page)
    await page.goto(`${origin}?hub=${encodeURIComponent(hub.url)}`)
    const transports = ['event-stream', 'long-poll', 'websocket']
    for (const transport of transports) await page.waitForFunction(`document.title.includes('${transport}')`)
    await fetch(`${hub.url}/events/news`, { method: 'POST', body: '안녕 🕰️' })
    for (const transport of transports) await page.locator('#heard li', { hasText: `${transport}: 안녕 🕰️` }).waitFor()
    expect(errors).toEqual([])
  })
})
