import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { expectLooks, startExample } from '../support/example.js'
import { eventually } from '../support/hub-page.js'
import { freePort } from '../support/hub-process.js'

describe.skipIf(!browserProgram)('examples/notifications', { timeout: 90_000 }, () => {
  it('has all that is unread after a night of ticks and a restart, and all devices of a user agree', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-notifications-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const env = { LOG: join(directory, 'data'), PORT: String(await freePort()) }
    let example = await startExample('notifications', env)
    const browser = await openBrowser()
    const live = (page: Page): Promise<void> => page.locator('#state[data-state=live]').waitFor()
    const signIn = async (page: Page, name: string): Promise<void> => {
      await page.goto(example.url)
      await page.getByRole('button', { name, exact: true }).click()
      await live(page)
    }
    const device = async (name: string): Promise<{ context: BrowserContext; page: Page }> => {
      const context = await browser.newContext()
      const page = await context.newPage()
      await signIn(page, name)
      return { context, page }
    }
    const expectUnread = async (texts: readonly string[], pages: readonly Page[]): Promise<void> => {
      for (const page of pages) {
        await eventually(async () =>
          expect(await page.locator('#list li:not(.read) p').allTextContents()).toEqual(texts),
        )
        expect(await page.locator('#count').textContent()).toBe(String(texts.length))
      }
    }
    const tell = async (page: Page, text: string): Promise<void> => {
      await page.getByLabel('Tell').fill(text)
      await page.getByRole('button', { name: 'Send' }).click()
      await eventually(async () => expect(await page.getByLabel('Tell').inputValue()).toBe(''))
    }
    const firstTick = async (): Promise<number> => {
      const headers = { accept: 'application/json' }
      const response = await fetch(`${example.url}/ticker?since=earliest&limit=1`, { headers })
      const { events } = (await response.json()) as { events: { data: string }[] }
      return events[0] ? (JSON.parse(events[0].data) as { tick: number }).tick : 0
    }

    const ann = await device('Ann')
    const ben = await device('Ben')
    await tell(ben.page, 'before')
    await expectUnread(['Ben before'], [ann.page])
    await ann.page.close()

    // The night: the ticker goes far beyond what is kept of it, and the server is killed.
    const night = await firstTick()
    for (const text of ['one', '<b>둘</b>', 'three']) await tell(ben.page, text)
    await eventually(async () => expect(await firstTick()).toBeGreaterThan(night + 3_000))
    example.run.signalAll('SIGKILL')
    await example.run.ended
    example = await startExample('notifications', env)
    await live(ben.page)

    const again = await ann.context.newPage()
    const errors = [watchErrors(again)]
    await again.goto(example.url)
    await live(again)
    const other = (await device('Ann')).page
    errors.push(watchErrors(other))
    await expectUnread(['Ben three', 'Ben <b>둘</b>', 'Ben one', 'Ben before'], [again, other])
    expect(await again.locator('#gap').isVisible()).toBe(false)

    await other.locator('li', { hasText: 'one' }).getByRole('button', { name: 'Mark as read' }).press('Enter')
    await expectUnread(['Ben three', 'Ben <b>둘</b>', 'Ben before'], [again, other])
    expect(await other.evaluate('document.activeElement.textContent')).toBe('Mark as read')
    await tell(ben.page, 'last')
    await expectUnread(['Ben last', 'Ben three', 'Ben <b>둘</b>', 'Ben before'], [again, other])
    expect(await again.title()).toBe('(4) Notifications')
    await again.getByRole('button', { name: 'Mark all as read' }).click()
    await expectUnread([], [again, other, (await device('Ann')).page])
    await again.getByLabel('Show those that are read too').check()
    expect(await again.locator('#list li:visible').count()).toBe(5)

    // To Ben, nothing of it was said, and he cannot ask for it.
    expect(await ben.page.locator('#list li').count()).toBe(0)
    const asBen = { headers: { accept: 'application/json' } }
    const own = await ben.context.request.get(`${example.url}/inbox/ben`, asBen)
    expect(await own.json()).toMatchObject({ events: [] })
    expect((await ben.context.request.get(`${example.url}/inbox/ann`, asBen)).status()).toBe(403)
    const forged = await fetch(`${example.url}/inbox/ann`, { headers: { cookie: 'session=ann.AAAA' } })
    expect(forged.status).toBe(403)

    expect(errors).toEqual([[], []])

    // Signed out in one window is signed out in all of the browser; another device goes on where it was.
    await tell(ben.page, 'to other devices')
    await expectUnread(['Ben to other devices'], [again, other])
    const window = await ann.context.newPage()
    await window.goto(example.url)
    await live(window)
    await window.getByRole('button', { name: 'Sign out Ann' }).click()
    for (const page of [window, again]) {
      await page.locator('#state', { hasText: 'signed out' }).waitFor()
      expect(await page.locator('#list li').count()).toBe(0)
      await eventually(async () => expect(await page.title()).toBe('Notifications'))
    }
    expect(await window.evaluate('Object.keys(localStorage)')).toEqual([])
    await tell(ben.page, 'after')
    await expectUnread(['Ben after', 'Ben to other devices'], [other])
    expect(await again.locator('#list li').count()).toBe(0)

    await expectLooks(browser, example.url, page => signIn(page, 'Ann'))
    await example.end()
  })
})
