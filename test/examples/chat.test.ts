import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { expectLooks, startExample } from '../support/example.js'
import { eventually } from '../support/hub-page.js'
import { freePort } from '../support/hub-process.js'

describe.skipIf(!browserProgram)('examples/chat', { timeout: 90_000 }, () => {
  it('has each word once with everybody, those that were said while the server was killed too', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-chat-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const env = { LOG: join(directory, 'log'), PORT: String(await freePort()) }
    let example = await startExample('chat', env)
    const browser = await openBrowser()
    const enter = async (name: string): Promise<Page> => {
      const page = await (await browser.newContext()).newPage()
      await page.goto(example.url)
      await page.locator('[data-state=live]').waitFor()
      await page.getByLabel('Name').fill(name)
      return page
    }
    const say = async (page: Page, text: string): Promise<void> => {
      await page.getByLabel('Say').fill(text)
      await page.getByRole('button', { name: 'Send' }).click()
    }
    const heard = (page: Page): Promise<string[]> => page.locator('#list li:not(.pending) span').allTextContents()
    const expectHeard = async (texts: readonly string[], pages: readonly Page[]): Promise<void> => {
      for (const page of pages) await eventually(async () => expect(await heard(page)).toEqual(texts))
    }

    const ann = await enter('Ann')
    const ben = await enter('Ben')
    await say(ann, 'Hello')
    await expectHeard(['Hello'], [ann, ben])
    await say(ben, '<b>안녕</b>')
    await expectHeard(['Hello', '<b>안녕</b>'], [ann, ben])

    example.run.signalAll('SIGKILL')
    await example.run.ended
    await say(ann, 'Are you there?')
    await ann.locator('.pending', { hasText: 'Are you there?' }).waitFor()
    expect(await heard(ann)).toEqual(['Hello', '<b>안녕</b>'])
    example = await startExample('chat', env)
    const all = ['Hello', '<b>안녕</b>', 'Are you there?']
    await expectHeard(all, [ann, ben, await enter('Cleo')])
    expect(await ann.locator('.pending').count()).toBe(0)

    // An answer that was lost: the same again, with its key.
    const again = { name: 'Ben', text: 'Once', key: 'the-same' }
    for (let time = 1; time <= 2; time++) {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify(again)
      expect((await fetch(`${example.url}/rooms/lobby`, { method: 'POST', headers, body })).status).toBe(204)
    }
    for (const room of ['*', '**', 'a%2Fb', 'a%00b'])
      expect((await fetch(`${example.url}/rooms/${room}`)).status).toBe(404)
    const headers = { 'content-type': 'application/json' }
    const wrong = JSON.stringify({ ...again, key: '열쇠' })
    expect((await fetch(`${example.url}/rooms/lobby`, { method: 'POST', headers, body: wrong })).status).toBe(400)
    await say(ben, 'Last')
    await expectHeard([...all, 'Once', 'Last'], [ann, ben])
    await expectLooks(browser, example.url, page => page.locator('#list li', { hasText: 'Last' }).waitFor())
    await example.end()
  })
})
