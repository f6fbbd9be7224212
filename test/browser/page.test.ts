import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { openHubPage, publishAll } from '../support/hub-page.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'

describe.skipIf(!browserProgram)('the page at /', { timeout: 60_000 }, () => {
  let directory = ''
  let hub: HubProcess
  let browser: Browser
  let where: { readonly port: number; readonly log: string; readonly args: readonly string[] }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-page-'))
    where = { port: await freePort(), log: `lmdb:${directory}`, args: ['--demo'] }
    hub = await startHubProcess(where)
    browser = await openBrowser()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  for (const [device, width] of [
    ['phone', 360],
    ['desk', 1440],
  ] as const) {
    it(`draws what arrives, on a ${device}, and complains of nothing`, async () => {
      const { page, errors } = await openHubPage(browser, hub.url, { viewport: { width, height: 844 } })
      await page.locator('#clock', { hasText: /^\d\d:\d\d:\d\d$/ }).waitFor()
      for (const title of ['Processor', 'Memory', 'Load']) {
        const plot = page.locator('.plot', { hasText: title })
        await plot.locator('path.first[d*="L"]').waitFor({ state: 'attached' })
        expect(await plot.locator('.value').textContent()).toMatch(/\d/)
      }
      await publishAll(hub.url, [{ topic: 'news', data: '안녕 <b>세계</b> 👋' }])
      await page.locator('#events li', { hasText: '안녕 <b>세계</b> 👋' }).first().waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      expect(errors).toEqual([])
      await page.close()
    })
  }

  it('shows the last minutes at once when it is loaded again, and what was said among the figures', async () => {
    await publishAll(hub.url, [{ topic: 'news', data: 'said before' }])
    const { page } = await openHubPage(browser, hub.url)
    const points = page.locator('.plot', { hasText: 'Load' }).locator('path.first[d*="L"]')
    await points.waitFor({ state: 'attached' })
    expect((await points.getAttribute('d'))?.split('L').length).toBeGreaterThanOrEqual(2)
    await page.locator('#events li', { hasText: 'said before' }).first().waitFor()
    await page.close()
  })

  it('leaves out of the list what the feeds say, until it is asked for', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await page.locator('#clock', { hasText: /^\d\d:\d\d:\d\d$/ }).waitFor()
    const said = page.locator('#events li', { hasText: /host\/load|clock\s*\d/ })
    expect(await said.count()).toBe(0)
    await page.locator('#feeds-too').press('Space')
    await said.first().waitFor()
    await page.locator('#feeds-too').press('Space')
    await said.first().waitFor({ state: 'detached' })
    // What others say there is no feed's.
    await publishAll(hub.url, [{ topic: 'clock', data: 'not the time' }])
    await page.locator('#events li', { hasText: 'not the time' }).first().waitFor()
    expect(await page.locator('#clock').textContent()).toMatch(/^\d\d:/)
    await page.close()
  })

  it('says how to begin where nothing was ever said, and goes on with the first event', async () => {
    const empty = await startHubProcess()
    const { page, errors } = await openHubPage(browser, empty.url)
    const first = page.locator('#empty code')
    await first.waitFor()
    expect(await first.textContent()).toBe(`curl -d 'Hello' ${empty.url}/events/news`)
    expect(await page.locator('#no-topics').textContent()).toContain('No topic yet')
    expect(await page.locator('#feeds').isVisible()).toBe(false)
    expect(await page.locator('#feeds-too').isVisible()).toBe(false)
    await fetch(`${empty.url}/events/news`, { method: 'POST', body: 'Hello' })
    await page.locator('#events li', { hasText: 'Hello' }).waitFor()
    expect(await first.isVisible()).toBe(false)
    expect(errors).toEqual([])
    await page.close()
  })

  it('says that it is cut off, and comes back by itself with all that was said', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await hub.kill()
    await page.locator('#state', { hasText: 'reconnecting' }).waitFor()
    hub = await startHubProcess(where)
    await publishAll(hub.url, [{ topic: 'news', data: 'while it was away' }])
    await page.locator('#state[data-state=live]').waitFor()
    await page.locator('#events li', { hasText: 'while it was away' }).waitFor()
    await page.close()
  })

  it('says why it is refused, and tries again', async () => {
    const page = await browser.newPage()
    const detail = 'The hub holds as many streams as it may; try again later.'
    let status = 503
    await page.route('**/events?envelope=1**', route =>
      status === 200
        ? route.continue()
        : route.fulfill({
            status,
            contentType: 'application/problem+json',
            body: JSON.stringify({ code: status === 503 ? 'overloaded' : 'origin-not-allowed', detail }),
          }),
    )
    await page.goto(`${hub.url}/`)
    await page.locator('#state[data-state=reconnecting]').waitFor()
    await page.locator('#state-detail', { hasText: 'The hub holds as many streams as it may' }).waitFor()
    status = 403
    await page.locator('#state[data-state=refused]').waitFor()
    expect(await page.locator('#state-detail').textContent()).toMatch(/^The server answered 403: The hub holds/)
    status = 200
    await page.locator('#state[data-state=live]').waitFor()
    expect(await page.locator('#state-detail').textContent()).toBe('')
    await page.close()
  })
})
