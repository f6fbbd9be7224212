import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'

describe.skipIf(!browserProgram)('the page at /', () => {
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
    ['phone', 390],
    ['desk', 1280],
  ] as const) {
    it(`draws what arrives, on a ${device}, and complains of nothing`, async () => {
      const page = await browser.newPage({ viewport: { width, height: 844 } })
      const errors = watchErrors(page)
      await page.goto(`${hub.url}/`)
      await page.locator('#state[data-state=live]').waitFor()
      await page.locator('#clock', { hasText: /^\d\d:\d\d:\d\d$/ }).waitFor()
      for (const title of ['Processor', 'Memory', 'Load']) {
        const plot = page.locator('.plot', { hasText: title })
        await plot.locator('path.first[d*="L"]').waitFor({ state: 'attached' })
        expect(await plot.locator('.value').textContent()).toMatch(/\d/)
      }
      const text = '안녕 <b>세계</b> 👋'
      await fetch(`${hub.url}/events/news`, { method: 'POST', body: text })
      await page.locator('#newest li', { hasText: text }).first().waitFor()
      expect(await page.locator('#lines code').allTextContents()).toEqual([
        `curl -N ${hub.url}/events/news`,
        `curl -d 'Hello' ${hub.url}/events/news`,
      ])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      expect(errors).toEqual([])
      await page.close()
    })
  }

  it('shows the last minutes at once when it is loaded again', async () => {
    const page = await browser.newPage()
    await page.goto(`${hub.url}/`)
    const points = page.locator('.plot', { hasText: 'Load' }).locator('path.first[d*="L"]')
    await points.waitFor({ state: 'attached' })
    expect((await points.getAttribute('d'))?.split('L').length).toBeGreaterThanOrEqual(2)
    await page.close()
  })

  it('holds the newest events still while it is paused, with the keyboard', async () => {
    const page = await browser.newPage()
    await page.goto(`${hub.url}/`)
    const rows = page.locator('#newest li')
    await page.locator('#figures').press('Space')
    await rows.filter({ hasText: 'host/load' }).first().waitFor()
    await page.locator('#pause').focus()
    await page.keyboard.press('Enter')
    await page.locator('#pause[aria-pressed=true]').waitFor()
    await fetch(`${hub.url}/events/news`, { method: 'POST', body: 'while paused' })
    // Drawn after it: what is said later than the news.
    const line = page.locator('.plot', { hasText: 'Load' }).locator('path.first')
    const before = await line.getAttribute('d')
    await vi.waitFor(async () => expect(await line.getAttribute('d')).not.toBe(before), { timeout: 10_000 })
    expect(await rows.filter({ hasText: 'while paused' }).count()).toBe(0)
    await page.keyboard.press('Enter')
    await rows.filter({ hasText: 'while paused' }).first().waitFor()
    await page.close()
  })

  it('says so where nobody feeds it', async () => {
    const quiet = await startHubProcess()
    const page = await browser.newPage()
    await page.clock.install()
    await page.goto(`${quiet.url}/`)
    await page.locator('#state[data-state=live]').waitFor()
    await page.clock.runFor(15_000)
    await page.locator('#unfed', { hasText: '--demo' }).waitFor()
    await page.close()
  })

  it('says that it is cut off, and comes back by itself', async () => {
    const page = await browser.newPage()
    await page.goto(`${hub.url}/`)
    await page.locator('#state[data-state=live]').waitFor()
    await hub.kill()
    await page.locator('#state', { hasText: 'reconnecting' }).waitFor()
    hub = await startHubProcess(where)
    await page.locator('#state[data-state=live]').waitFor()
    await page.close()
  })
})
