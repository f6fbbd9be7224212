import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { eventually, openHubPage, publishAll } from '../support/hub-page.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'

const viewports = { phone: { width: 360, height: 740 }, desk: { width: 1440, height: 900 } } as const

describe.skipIf(!browserProgram)('the page, to eyes, fingers and screen readers', { timeout: 60_000 }, () => {
  let hub: HubProcess
  let browser: Browser
  let axe = ''

  beforeAll(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    hub = await startHubProcess({ args: ['--demo'] })
    browser = await openBrowser()
    await publishAll(hub.url, [
      { topic: 'long', type: 'note', key: 'k', data: `${'unbroken'.repeat(200)}\nsecond line` },
      { topic: `deep/${'segment-without-end'.repeat(20)}`, data: 'x' },
      { topic: 'over', data: 'x', end: true },
    ])
  })

  /** What axe finds, by rule and place. */
  async function violations(page: Page): Promise<readonly string[]> {
    await page.evaluate(axe)
    return page.evaluate(`axe.run(document).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ' at ' + target)))`)
  }
  const isWithinWidth = (page: Page) => page.evaluate('document.documentElement.scrollWidth <= innerWidth')

  for (const device of ['phone', 'desk'] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`is for everybody, on a ${device} that is ${colorScheme}`, async () => {
        const { page, errors } = await openHubPage(browser, hub.url, {
          viewport: viewports[device],
          colorScheme,
          reducedMotion: 'reduce',
        })
        await page.locator('#clock', { hasText: /^\d\d:/ }).waitFor()
        await page.locator('#topic-rows', { hasText: 'over' }).waitFor()
        await page.locator('#events li', { hasText: 'unbroken' }).locator('summary').click()
        await page.locator('#events .whole pre').waitFor()
        await publishAll(hub.url, [{ topic: 'news', data: 'it waits' }])
        await page.locator('#waiting', { hasText: 'newer' }).waitFor()
        await page.locator('#event-filter').fill('not*whole')
        await page.locator('#filter-fault', { hasText: 'whole segment' }).waitFor()
        await page.locator('#topic').fill('a*b')
        await page.locator('#say').click()
        await page.locator('#answer.refused').waitFor()
        expect(await violations(page)).toEqual([])
        expect(await isWithinWidth(page)).toBe(true)

        await page.locator('#topic').fill('news')
        await page.locator('#say').click()
        await page.locator('#answer.kept').waitFor()
        await page.locator('#topic-filter').fill('no such')
        expect(await violations(page)).toEqual([])
        expect(await page.evaluate('getComputedStyle(document.body).colorScheme')).toBe('light dark')
        // A browser says so of every refusal; two were asked for.
        expect(errors.filter(error => !error.includes('400 (Bad Request)'))).toEqual([])
        await page.close()
      })
    }
  }

  it('is for everybody while nothing was ever said', async () => {
    const empty = await startHubProcess()
    const { page } = await openHubPage(browser, empty.url, { viewport: viewports.phone })
    await page.locator('#empty').waitFor()
    expect(await violations(page)).toEqual([])
    expect(await isWithinWidth(page)).toBe(true)
    await page.close()
  })

  it('is dark for those who like it dark', async () => {
    const { page } = await openHubPage(browser, hub.url, { colorScheme: 'dark' })
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const dark = await ground()
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await ground()).not.toBe(dark)
    await page.close()
  })

  it('has no motion for those who want none', async () => {
    const moving = `document.getAnimations().length`
    const { page } = await openHubPage(browser, hub.url, { reducedMotion: 'no-preference' })
    await page.locator('#events li').first().waitFor()
    const greet = async () => {
      await publishAll(hub.url, [{ topic: 'news', data: 'greeted' }])
      await page.locator('#events li.greeted').first().waitFor()
    }
    await greet()
    await eventually(async () => {
      await greet()
      expect(await page.evaluate(moving)).toBeGreaterThan(0)
    })
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await greet()
    expect(await page.evaluate(moving)).toBe(0)
    await page.close()
  })

  it('is walked with the Tab key from its beginning to its end, with a visible focus', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await page.locator('#topic-rows', { hasText: 'over' }).waitFor()
    await page.locator('#events li').first().waitFor()
    const focused = () =>
      page.evaluate(`(() => {
        const { activeElement } = document
        if (activeElement === document.body) return undefined
        const { outlineStyle, outlineWidth } = getComputedStyle(activeElement)
        const section = activeElement.closest('section')?.className ?? 'nav'
        return { section, isSeen: outlineStyle !== 'none' && outlineWidth !== '0px' }
      })()`) as Promise<{ readonly section: string; readonly isSeen: boolean } | undefined>
    const sections: string[] = []
    let stops = 0
    for (; stops < 200; stops++) {
      await page.keyboard.press('Tab')
      const stop = await focused()
      if (!stop) break
      expect(stop.isSeen).toBe(true)
      if (stop.section !== sections.at(-1)) sections.push(stop.section)
    }
    expect(sections).toEqual(['nav', 'events', 'publish', 'topics', 'lines'])
    // The list is one stop, however long.
    expect(stops).toBeLessThan(60)
    await page.close()
  })

  it('lets the keyboard skip to each part', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await page.locator('#topic-rows', { hasText: 'over' }).waitFor()
    for (const [link, next] of [
      ['Skip to publishing', 'topic'],
      ['Skip to the topics', 'topic-filter'],
    ] as const) {
      await page.getByRole('link', { name: link }).focus()
      expect(
        await page.getByRole('link', { name: link }).evaluate(element => element.getBoundingClientRect().top >= 0),
      ).toBe(true)
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.id')).toBe(next)
    }
    await page.close()
  })
})
