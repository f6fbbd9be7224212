import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { eventually, openHubPage, publishAll } from '../support/hub-page.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'

describe.skipIf(!browserProgram)('the topics on the page', { timeout: 60_000 }, () => {
  let hub: HubProcess
  let browser: Browser

  beforeAll(async () => {
    browser = await openBrowser()
    hub = await startHubProcess()
    await publishAll(hub.url, [
      ...Array.from({ length: 30 }, () => ({ topic: 'busy', data: 'x' })),
      { topic: 'quiet/one', data: 'x' },
      { topic: 'quiet/two', data: 'x' },
      { topic: 'over', data: 'x', end: true },
    ])
  })

  const rows = (page: Page) => page.locator('#topic-rows tr')
  const cells = async (page: Page, topic: string) =>
    (await rows(page).filter({ hasText: topic }).locator('th, td').allTextContents()).map(text => text.trim())
  const names = (page: Page) => rows(page).locator('button').allTextContents()

  it('stand with their rates, subscribers and events, and are kept fresh', async () => {
    const { page, errors } = await openHubPage(browser, hub.url)
    // This page is the one that hears it.
    await eventually(async () => expect(await cells(page, 'busy')).toEqual(['busy', expect.anything(), '1', '30']))
    expect(await names(page)).toEqual(['busy', 'over', 'quiet/one', 'quiet/two'])
    expect(await rows(page).filter({ hasText: 'over' }).locator('.chip').textContent()).toBe('ended')
    await publishAll(hub.url, [
      { topic: 'busy', data: 'x' },
      { topic: 'new', data: 'x' },
    ])
    await eventually(async () => expect((await cells(page, 'busy')).at(3)).toBe('31'))
    await rows(page).filter({ hasText: 'new' }).waitFor()
    await eventually(async () => expect(Number((await cells(page, 'busy')).at(1))).toBeGreaterThan(0))
    expect(errors).toEqual([])
    await page.close()
  }, 90_000)

  it('are ordered by what is asked for, and found by a part of their names', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await rows(page).first().waitFor()
    await page.getByRole('button', { name: 'Kept' }).press('Enter')
    expect((await names(page))[0]).toBe('busy')
    expect(await page.locator('th[aria-sort]').allTextContents()).toEqual(['Kept'])
    await page.locator('#topic-filter').fill('IET/')
    expect((await names(page)).toSorted()).toEqual(['quiet/one', 'quiet/two'])
    await page.locator('#topic-filter').fill('*')
    expect(await names(page)).not.toContain('quiet/one')
    await page.locator('#topic-filter').fill('no such')
    expect(await page.locator('#no-topics').textContent()).toBe('No topic is called so.')
    await page.close()
  })

  it('lead to their events', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await page.getByRole('button', { name: 'quiet/one' }).press('Enter')
    await eventually(async () => expect(await page.locator('#events li').count()).toBe(1))
    expect(await page.locator('#event-filter').inputValue()).toBe('quiet/one')
    expect(await page.locator('#announcement').textContent()).toContain('quiet/one')
    await page.close()
  })

  it('are not asked for while nobody looks', async () => {
    const page = await browser.newPage()
    await page.clock.install()
    await page.addInitScript(`
      Object.defineProperty(document, 'visibilityState', { get: () => globalThis.isUnseen ? 'hidden' : 'visible' })
    `)
    let asked = 0
    page.on('request', request => {
      if (request.url().includes('/topics?')) asked++
    })
    await page.goto(`${hub.url}/`)
    await page.locator('#state[data-state=live]').waitFor()
    await eventually(async () => expect((await cells(page, 'busy')).at(2)).toBe('1'))
    const look = (isUnseen: boolean) =>
      page.evaluate(`globalThis.isUnseen = ${isUnseen}; document.dispatchEvent(new Event('visibilitychange'))`)
    await look(true)
    let before = asked
    await page.clock.runFor(600_000)
    expect(asked).toBe(before)
    // So long a silence ends a connection; one that comes back when somebody looks asks, too.
    await eventually(async () => {
      await page.clock.runFor(1_000)
      expect(await page.locator('#state').getAttribute('data-state')).toBe('live')
    })
    expect(asked).toBe(before)

    // Nor does an answer that comes when nobody looks any more begin it again.
    let release = (): void => undefined
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    await page.route('**/topics?*', async route => {
      await held
      await route.continue()
    })
    await look(false)
    await eventually(() => expect(asked).toBe(before + 1))
    await look(true)
    const answered = page.waitForEvent('requestfinished', request => request.url().includes('/topics?'))
    release()
    await answered
    before = asked
    await page.clock.runFor(600_000)
    expect(asked).toBe(before)
    await page.close()
  })

  it('do not hurt by their number: few are drawn, all can be found', async () => {
    const full = await startHubProcess()
    const many = Array.from({ length: 6000 }, (_, i) => ({ topic: `many/${String(i).padStart(4, '0')}`, data: 'x' }))
    await publishAll(full.url, [...many, { topic: 'zebra', data: 'x' }])
    const { page, errors } = await openHubPage(browser, full.url, { viewport: { width: 360, height: 740 } })
    await page.locator('#topics-note', { hasText: 'The first 5,000 topics of more' }).waitFor()
    expect(await rows(page).count()).toBe(50)
    await page.locator('#more-topics').press('Enter')
    expect(await rows(page).count()).toBe(100)
    expect(await page.locator('#topic-rows :focus').textContent()).toBe('many/0050')
    await page.locator('#topic-filter').fill('many/4321')
    expect(await names(page)).toEqual(['many/4321'])
    // Beyond those that were looked at.
    await page.locator('#topic-filter').fill('zeb')
    await eventually(async () => expect(await names(page)).toEqual(['zebra']))
    await page.locator('#topic-filter').fill('many/5999')
    await eventually(async () => expect(await names(page)).toEqual(['many/5999']))
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360)
    expect(errors).toEqual([])
    await page.close()
  })
})
