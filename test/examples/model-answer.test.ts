import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { type Example, expectLooks, startExample } from '../support/example.js'
import { eventually } from '../support/hub-page.js'
import { freePort } from '../support/hub-process.js'

/** What the stand-in says to a question, whole. */
async function wholeAnswer({ url }: Example, content: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content }] }),
  })
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
  return choices[0]?.message.content ?? ''
}

const textOf = async (page: Page): Promise<string> => (await page.locator('#text').textContent()) ?? ''
const saysAtTheEnd = (page: Page, words: string): Promise<void> =>
  page.locator('#state[data-state=over]', { hasText: words }).waitFor()
const expectLonger = (page: Page, than: string): Promise<void> =>
  eventually(async () => expect((await textOf(page)).length).toBeGreaterThan(than.length + 20))

async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel('Question').fill(question)
  const before = page.url()
  await page.getByRole('button', { name: 'Ask', exact: true }).click()
  await page.waitForURL(url => url.href !== before)
  await expectLonger(page, '')
}

describe.skipIf(!browserProgram)('examples/model-answer', { timeout: 90_000 }, () => {
  it('shows an answer whole over a cut, a reload and in a second window, and how it ended', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-answer-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const env = { LOG: join(directory, 'log'), PORT: String(await freePort()) }
    let example = await startExample('model-answer', env)
    const browser = await openBrowser()
    const context = await browser.newContext()
    const page = await context.newPage()
    const errors = watchErrors(page)
    await page.goto(example.url)

    const question = 'Is <b>this</b> 안녕?'
    const whole = await wholeAnswer(example, question)
    await ask(page, question)
    await page.getByRole('button', { name: 'Cut the line' }).click()
    const before = await textOf(page)
    // It goes on meanwhile, as a second window sees.
    const [second] = await Promise.all([context.waitForEvent('page'), page.getByText('second window').click()])
    await expectLonger(second, before)
    expect(await textOf(page)).toBe(before)
    await page.getByRole('button', { name: 'Put it back' }).click()
    await expectLonger(page, before)
    await second.reload()
    await expectLonger(second, before)
    expect(await page.locator('#state').getAttribute('data-state')).toBe('live')
    for (const each of [page, second]) {
      await saysAtTheEnd(each, 'complete')
      expect(await textOf(each)).toBe(whole)
      expect(await each.locator('#asked').textContent()).toBe(question)
    }
    expect(before).toBe(whole.slice(0, before.length))
    expect(before.length).toBeLessThan(whole.length)

    // Stopped in one window, it is for both, and a reload says so too.
    await ask(page, question)
    await second.goto(page.url())
    await expectLonger(second, '')
    await page.getByRole('button', { name: 'Stop' }).click()
    for (const each of [page, second]) await saysAtTheEnd(each, 'Stopped')
    const stopped = await textOf(page)
    expect(await textOf(second)).toBe(stopped)
    expect(stopped).toBe(whole.slice(0, stopped.length))
    expect(stopped.length).toBeLessThan(whole.length)
    await page.reload()
    await saysAtTheEnd(page, 'Stopped')
    expect(await textOf(page)).toBe(stopped)

    await page.getByRole('button', { name: 'fail' }).click()
    await saysAtTheEnd(page, 'broke off')
    await eventually(() => expect(example.run.output()).toContain("The model's service broke off."))
    expect(await textOf(page)).not.toContain('stand-in')
    // A source that the page closed is a request that was aborted.
    expect(errors.filter(error => !error.endsWith('ERR_ABORTED'))).toEqual([])

    // Whoever knows one answer's name hears that one, and nobody hears all.
    expect((await fetch(`${example.url}/answers/*`)).status).toBe(404)

    await ask(page, question)
    example.run.signalAll('SIGKILL')
    await example.run.ended
    await page.locator('#state', { hasText: 'coming back' }).waitFor()
    example = await startExample('model-answer', env)
    await saysAtTheEnd(page, 'gone')
    expect(whole.startsWith(await textOf(page))).toBe(true)
    await expectLooks(browser, page.url(), other => saysAtTheEnd(other, 'gone'))
    await example.end()
  })
})
