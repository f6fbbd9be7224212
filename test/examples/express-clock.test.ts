import { describe, expect, it } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { expectLooks, startExample } from '../support/example.js'
import { eventually } from '../support/hub-page.js'

describe.skipIf(!browserProgram)('examples/express-clock', { timeout: 90_000 }, () => {
  it('shows the time every five seconds, and after a cut what was said meanwhile, once', async () => {
    const example = await startExample('express-clock', {})
    const browser = await openBrowser()
    const page = await browser.newPage()
    await page.goto(example.url)
    const said = (): Promise<number[]> =>
      page
        .locator('#list li')
        .evaluateAll(items => items.map(item => Date.parse(item.getAttribute('data-said') ?? '')).reverse())
    const expectCount = (count: number) =>
      eventually(async () => expect((await said()).length).toBeGreaterThanOrEqual(count))
    await expectCount(1)
    await page.getByRole('button', { name: 'Pull the plug' }).click()
    // While nobody listens, the others do: this page's looks take their time, and the clock goes on.
    const before = Date.now()
    await expectLooks(browser, example.url, other => other.locator('[data-state=live]').waitFor())
    await eventually(() => expect(Date.now() - before).toBeGreaterThan(11_000))
    expect((await said()).length).toBe(1)
    await page.getByRole('button', { name: 'Put it back' }).click()
    await expectCount(4)
    await page.locator('#list li', { hasText: 'caught up' }).first().waitFor()
    const times = await said()
    for (const [i, time] of times.slice(1).entries()) {
      expect(time - (times[i] ?? 0)).toSatisfy((gap: number) => gap > 4_000 && gap < 7_500)
    }
    await example.end()
    expect(example.run.output()).not.toMatch(/error/i)
  })
})
