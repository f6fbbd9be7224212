import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { eventually, openHubPage } from '../support/hub-page.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'

describe.skipIf(!browserProgram)('publishing from the page', { timeout: 60_000 }, () => {
  let hub: HubProcess
  let browser: Browser

  beforeAll(async () => {
    // Open, so that it may be called by a name that is no loopback name.
    hub = await startHubProcess({ args: ['--open'] })
    browser = await openBrowser(['--host-resolver-rules=MAP hub.test 127.0.0.1'])
  })

  async function kept(topic: string): Promise<readonly { readonly id: string }[]> {
    const response = await fetch(`${hub.url}/events/${topic}`, { headers: { accept: 'application/json' } })
    const page: { readonly events: readonly { readonly id: string }[] } = JSON.parse(await response.text())
    return page.events
  }
  const answer = (page: Page) => page.locator('#answer')

  it('keeps exactly what was typed, with the keyboard alone', async () => {
    const { page, errors } = await openHubPage(browser, hub.url)
    await page.locator('#topic').fill('said/a b?#%2F 세계')
    await page.keyboard.press('Tab')
    await page.keyboard.type('note')
    await page.keyboard.press('Tab')
    await page.keyboard.type('k 1')
    await page.keyboard.press('Tab')
    await page.keyboard.type('first')
    await page.keyboard.press('Enter')
    await page.keyboard.type(' second "<b>')
    await page.keyboard.press('Control+Enter')
    await answer(page).filter({ hasText: 'Kept as' }).waitFor()
    const event = { topic: 'said/a b?#%2F 세계', type: 'note', key: 'k 1', data: 'first\n second "<b>' }
    const events = await kept(encodeURIComponent(event.topic))
    expect(events).toEqual([{ id: expect.any(String), time: expect.any(Number), ...event }])
    expect(await answer(page).textContent()).toBe(`Kept as ${events[0]?.id}`)
    // The next one is typed over it.
    await page.keyboard.type('next')
    await page.keyboard.press('Control+Enter')
    await eventually(async () =>
      expect(await kept(encodeURIComponent(event.topic))).toMatchObject([{}, { data: 'next' }]),
    )
    await page.locator('#events li', { hasText: 'next' }).waitFor()
    expect(errors).toEqual([])
    await page.close()
  })

  it('says in place what is wrong, with which field, and forgets it when it is right', async () => {
    const { page } = await openHubPage(browser, hub.url)
    const right = { topic: 'right', type: '', key: '', data: 'right' }
    const wrong = page.locator('[aria-invalid=true]')
    for (const [field, text, detail] of [
      ['topic', 'a*b', 'a topic has no "*"'],
      ['topic', '$hub', 'belong to the hub'],
      ['topic', '', 'at least one character'],
      ['type', 'error', 'EventSource uses itself'],
      ['key', 'k'.repeat(257), '256 bytes'],
      ['data', 'x'.repeat(300_000), 'at most'],
    ] as const) {
      await page.locator(`#${field}`).fill(text)
      await page.locator('#say').click()
      await answer(page).filter({ hasText: detail }).waitFor()
      expect(await wrong.evaluateAll(found => found.map(element => element.id))).toEqual([field])
      expect(await page.evaluate('document.activeElement.id')).toBe(field)
      expect(await wrong.getAttribute('aria-describedby')).toBe('answer')
      await page.locator(`#${field}`).fill(right[field])
      await page.locator('#say').click()
      await answer(page).filter({ hasText: 'Kept as' }).waitFor()
      expect(await wrong.count()).toBe(0)
    }
    expect(await kept('right')).toHaveLength(6)
    await page.close()
  })

  it('keeps once what was sent again after its answer was lost', async () => {
    const { page } = await openHubPage(browser, hub.url)
    let isLost = true
    await page.route('**/events', async route => {
      if (!isLost) return route.continue()
      isLost = false
      await route.fetch()
      return route.abort('connectionreset')
    })
    await page.locator('#topic').fill('once')
    await page.locator('#data').fill('only once')
    await page.locator('#say').click()
    await answer(page).filter({ hasText: 'did not answer' }).waitFor()
    await page.locator('#say').click()
    await answer(page).filter({ hasText: 'Kept as' }).waitFor()
    expect(await kept('once')).toHaveLength(1)
    // Said again after its answer, it is another event.
    await page.locator('#say').click()
    await eventually(async () => expect(await kept('once')).toHaveLength(2))
    await page.close()
  })

  it('copies the lines, with the address of this hub', async () => {
    const { page } = await openHubPage(browser, hub.url)
    const codes = page.locator('#lines code')
    const lines = await codes.allTextContents()
    expect(lines.slice(0, 2)).toEqual([`curl -N ${hub.url}/events/news`, `curl -d 'Hello' ${hub.url}/events/news`])
    expect(lines.every(line => line.includes(hub.url))).toBe(true)
    await copyAndPaste(page, `curl -d 'Hello' ${hub.url}/events/news`)
    await page.close()
  })

  it('copies, publishes and hears from another machine over plain HTTP too', async () => {
    const { page, errors } = await openHubPage(browser, `http://hub.test:${hub.port}`)
    expect(await page.evaluate('[isSecureContext, navigator.clipboard]')).toEqual([false, undefined])
    await copyAndPaste(page, `curl -d 'Hello' http://hub.test:${hub.port}/events/news`)
    await page.locator('#data').fill('from afar')
    await page.locator('#say').click()
    await answer(page).filter({ hasText: 'Kept as' }).waitFor()
    await page.locator('#events li', { hasText: 'from afar' }).waitFor()
    expect(errors).toEqual([])
    await page.close()
  })

  /** Copies a line, and looks at what is pasted into the form. */
  async function copyAndPaste(page: Page, line: string): Promise<void> {
    const button = page.getByRole('button', { name: 'Copy: Say something on it' })
    await button.focus()
    await page.keyboard.press('Enter')
    await button.filter({ hasText: 'Copied' }).waitFor()
    expect(await page.locator('#announcement').textContent()).toBe('Copied')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Copied')
    await page.locator('#data').fill('')
    await page.locator('#data').focus()
    await page.keyboard.press('Control+V')
    await eventually(async () => expect(await page.locator('#data').inputValue()).toBe(line))
    await button.filter({ hasText: /^Copy$/ }).waitFor()
  }
})
