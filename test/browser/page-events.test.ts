import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { eventually, openHubPage, publishAll } from '../support/hub-page.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'

const flood = 20_000

describe.skipIf(!browserProgram)('the newest events on the page', { timeout: 60_000 }, () => {
  let hub: HubProcess
  let browser: Browser

  beforeAll(async () => {
    hub = await startHubProcess()
    browser = await openBrowser()
  })

  const row = (page: Page, text: string) => page.locator('#events li', { hasText: text })
  const say = (topic: string, data: string) => publishAll(hub.url, [{ topic, data }])

  it('shows what publishers say as text, of every type, with all of it behind a fold', async () => {
    const { page, errors } = await openHubPage(browser, hub.url)
    const data = `<img src=x onerror="document.title='forged'">\n\u202eturned\r\n${'long '.repeat(500)}the end of it`
    await publishAll(hub.url, [{ topic: 'fold/<i>', type: 'note', key: 'k1', eventId: 'e:1', data }])
    const line = row(page, 'fold/<i>')
    await line.waitFor()
    expect(await line.locator('.chip').textContent()).toBe('note')
    expect(await line.locator('.data').textContent()).toBe(`<img src=x onerror="document.title='forged'">`)
    expect(await line.locator('.size').textContent()).toBe('2.6 kB')
    expect(await page.getByText('the end of it').count()).toBe(0)
    await line.locator('summary').click()
    const whole = line.locator('.whole')
    await whole.waitFor()
    // What the element holds: the browser makes one line end of the three on its way out only.
    expect(await whole.locator('pre').evaluate(element => element.textContent)).toBe(data)
    expect(await whole.locator('dd').allTextContents()).toEqual(
      expect.arrayContaining(['fold/<i>', 'note', 'k1', 'e:1']),
    )
    expect(await page.title()).toBe('Tidings')
    // Who reads is not disturbed.
    expect(await page.locator('#pause').getAttribute('aria-pressed')).toBe('true')
    expect(errors).toEqual([])
    await page.close()
  })

  it('is walked and unfolded with the arrow keys, as one stop of the Tab key', async () => {
    await publishAll(
      hub.url,
      ['one', 'two', 'three'].map(data => ({ topic: 'walk', data })),
    )
    const { page } = await openHubPage(browser, hub.url)
    await page.locator('#event-filter').fill('walk')
    await eventually(async () => expect(await page.locator('#events li').count()).toBe(3))
    await page.locator('#event-filter').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    const focused = page.locator('summary:focus')
    expect(await focused.textContent()).toContain('two')
    await page.keyboard.press('End')
    expect(await focused.textContent()).toContain('one')
    // Nothing is taken away under the focus.
    await say('walk', 'four')
    await page.locator('#waiting', { hasText: 'Show 1 newer' }).waitFor()
    expect(await row(page, 'four').count()).toBe(0)
    await page.keyboard.press('Enter')
    await page.locator('#events details[open]', { hasText: 'one' }).waitFor()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Home')
    expect(await focused.textContent()).toContain('three')
    await page.keyboard.press('Tab')
    expect(await page.locator('#events :focus').count()).toBe(0)
    await page.close()
  })

  it('holds still while it is paused, says how many wait, and goes on where it is told to', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await page.locator('#pause').focus()
    await page.keyboard.press('Enter')
    await page.locator('#pause[aria-pressed=true]').waitFor()
    await say('pause', 'while paused 1')
    await say('pause', 'while paused 2')
    await page.locator('#waiting', { hasText: 'Show 2 newer' }).waitFor()
    expect(await row(page, 'while paused').count()).toBe(0)
    await page.keyboard.press('Enter')
    await row(page, 'while paused 1').waitFor()
    expect(await page.locator('#waiting').isVisible()).toBe(false)
    await page.locator('#pause').click()
    await say('pause', 'while paused 3')
    await page.locator('#waiting').click()
    await row(page, 'while paused 3').waitFor()
    expect(await page.locator('#pause').getAttribute('aria-pressed')).toBe('false')
    await page.close()
  })

  it('holds still for who has scrolled back, until they are at the top again', async () => {
    const many = Array.from({ length: 60 }, (_, i) => ({ topic: 'scroll', data: `scrolled ${i}` }))
    await publishAll(hub.url, many)
    const { page } = await openHubPage(browser, hub.url)
    const list = page.locator('#events')
    await row(page, 'scrolled 59').waitFor()
    await list.evaluate(element => element.scrollTo({ top: 300 }))
    await say('scroll', 'meanwhile')
    await page.locator('#waiting', { hasText: 'Show 1 newer' }).waitFor()
    expect(await row(page, 'meanwhile').count()).toBe(0)
    await list.evaluate(element => element.scrollTo({ top: 0 }))
    await row(page, 'meanwhile').waitFor()
    expect(await page.locator('#waiting').isVisible()).toBe(false)
    await page.close()
  })

  it('hears what a selector matches, before and after, and says why it cannot', async () => {
    await say('filter/a/1', 'early and wanted')
    await say('filters/b', 'early and unwanted')
    const { page, errors } = await openHubPage(browser, hub.url)
    await row(page, 'early and unwanted').waitFor()
    await page.locator('#event-filter').fill('filter/**')
    await row(page, 'early and unwanted').waitFor({ state: 'detached' })
    await row(page, 'early and wanted').waitFor()
    await say('filters/b', 'late and unwanted')
    // Of what the page hears in any case.
    await say('clock', 'heard and unwanted')
    await say('filter/b', 'late and wanted')
    await row(page, 'late and wanted').waitFor()
    expect(await row(page, 'unwanted').count()).toBe(0)
    // It lets go of the stream that it had.
    expect(
      errors.filter(error => !/envelope=1&topic=\*\*(&lastEventId=[\w-]+)?: net::ERR_ABORTED$/.test(error)),
    ).toEqual([])

    await page.locator('#event-filter').fill('filter/x*')
    await page.locator('#filter-fault', { hasText: 'a whole segment' }).waitFor()
    expect(await page.locator('#event-filter').getAttribute('aria-invalid')).toBe('true')

    await page.locator('#event-filter').fill('')
    await row(page, 'late and unwanted').waitFor()
    expect(await page.locator('#filter-fault').textContent()).toBe('')
    // Once each, though what was read and what streams overlap.
    expect(await row(page, 'late and wanted').count()).toBe(1)
    await page.close()
  })

  it('shows once what is said while it turns to other topics', async () => {
    const { page } = await openHubPage(browser, hub.url)
    const said: string[] = []
    const sayNext = (when: string) => {
      said.push(`${when} page ${said.length}`)
      return say('turn/to', said.at(-1) ?? '')
    }
    await page.route('**/events?topic=turn*limit=*', async route => {
      await sayNext('before')
      const response = await route.fetch()
      await sayNext('after')
      await route.fulfill({ response })
    })
    const turned = page.waitForResponse(response => /events\?envelope=1&topic=clock.*turn/.test(response.url()))
    await page.locator('#event-filter').fill('turn/**')
    await page.locator('#event-filter').press('Enter')
    await turned
    await sayNext('after the last')
    await eventually(async () =>
      expect((await page.locator('#events .data').allTextContents()).toReversed()).toEqual(said),
    )
    expect(said.length).toBeGreaterThan(2)
    await page.close()
  })

  it('stays small and calm however much is said', async () => {
    const { page } = await openHubPage(browser, hub.url)
    await page.evaluate(`
      globalThis.draws = 0
      new MutationObserver(() => { globalThis.draws++ }).observe(document.getElementById('events'), { childList: true })
      globalThis.begun = performance.now()
    `)
    for (let from = 0; from < flood; from += 500) {
      await publishAll(
        hub.url,
        Array.from({ length: 500 }, (_, i) => ({ topic: `flood/${i % 40}`, data: `event ${from + i} of many` })),
      )
    }
    await row(page, `event ${flood - 1} of many`).waitFor()
    expect(await page.locator('#events li').count()).toBe(100)
    expect(await row(page, `event ${flood - 100} of many`).count()).toBe(1)
    expect(await page.evaluate(`document.querySelectorAll('*').length`)).toBeLessThan(2000)
    const perSecond = await page.evaluate('(globalThis.draws - 1) * 1000 / (performance.now() - globalThis.begun)')
    expect(perSecond).toBeLessThanOrEqual(6)
    await page.close()
  })

  it('gathers in a tab that nobody sees, and shows it to who comes back', async () => {
    const page = await browser.newPage()
    // A driven browser takes every tab for seen; a tab that is not gets no frames.
    await page.addInitScript(`
      const frame = globalThis.requestAnimationFrame.bind(globalThis)
      const held = []
      globalThis.requestAnimationFrame = draw => (globalThis.isUnseen ? held.push(draw) : frame(draw))
      globalThis.heldFrames = () => held.length
      globalThis.comeBack = () => {
        globalThis.isUnseen = false
        for (const draw of held.splice(0)) frame(draw)
      }
    `)
    await page.goto(`${hub.url}/`)
    await page.locator('#state[data-state=live]').waitFor()
    await say('unseen', 'still seen')
    await row(page, 'still seen').waitFor()
    await page.evaluate('globalThis.isUnseen = true')
    const all = Array.from({ length: 5000 }, (_, i) => ({ topic: 'unseen', data: `unseen ${i}` }))
    await publishAll(hub.url, all)
    await eventually(async () => expect(await page.evaluate('globalThis.heldFrames()')).toBe(1))
    expect(await row(page, 'unseen 0').count()).toBe(0)
    await page.evaluate('globalThis.comeBack()')
    await row(page, 'unseen 4999').waitFor()
    expect(await page.locator('#events li').count()).toBe(100)
    await page.close()
  })
})
