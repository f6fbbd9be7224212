import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, type ExpectStatic, it, vi } from 'vitest'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'

const timeOfDay = /^\d\d:\d\d:\d\d$/

describe.skipIf(!browserProgram)('the page of any tutorial, unchanged', () => {
  let directory = ''
  let hub: HubProcess
  let browser: Browser
  let html = ''
  let server: Server | undefined

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-tutorial-'))
    hub = await startHubProcess({ log: `lmdb:${join(directory, 'log')}`, args: ['--demo'] })
    const page = await readFile(new URL('tutorial.html', import.meta.url), 'utf8')
    html = page.replace('localhost:8080', `localhost:${hub.port}`)
    browser = await openBrowser()
  })

  afterAll(async () => {
    server?.close()
    await rm(directory, { recursive: true, force: true })
  })

  // At once, since both wait for the clock.
  it.concurrent('shows the time from a page of another origin', async ({ expect }) => {
    server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(html)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    await expectTime(expect, `http://127.0.0.1:${address.port}/`)
  })

  it.concurrent('shows the time from a file', async ({ expect }) => {
    const file = join(directory, 'tutorial.html')
    await writeFile(file, html)
    await expectTime(expect, pathToFileURL(file).href)
  })

  async function expectTime(expect: ExpectStatic, address: string): Promise<void> {
    const page = await browser.newPage()
    const errors = watchErrors(page)
    await page.goto(address)
    // The demo feed says it at every fifth second; beside it stands what the other page's test says.
    const times = async (): Promise<string[]> => (await shown(page)).filter(text => timeOfDay.test(text))
    await vi.waitFor(async () => expect((await times()).length).toBeGreaterThanOrEqual(2), {
      timeout: 15_000,
      interval: 100,
    })
    const [first = '', second = ''] = await times()
    expect(seconds(second) - seconds(first)).toSatisfy((gap: number) => gap === 5 || gap === 5 - 86_400)
    await fetch(`${hub.url}/events/clock`, { method: 'POST', body: '지금은 몇 시 🕰️' })
    await vi.waitFor(async () => expect(await shown(page)).toContain('지금은 몇 시 🕰️'))
    expect(errors).toEqual([])
    await page.close()
  }
})

function shown(page: Page): Promise<string[]> {
  return page.locator('#list li').allTextContents()
}

function seconds(time: string): number {
  return time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
}
