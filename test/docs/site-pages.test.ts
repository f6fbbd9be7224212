import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { docs, makeSite } from '../support/site.js'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

describe.skipIf(!browserProgram)('the site of docs, in a browser', () => {
  let site = ''
  let browser: Browser
  beforeAll(async () => {
    site = await mkdtemp(join(tmpdir(), 'tidings-site-'))
    await makeSite(docs, site)
    browser = await openBrowser()
  })
  afterAll(() => rm(site, { recursive: true, force: true }))

  const open = async (path: string, width: number, colorScheme: 'light' | 'dark') => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
    const errors = watchErrors(page)
    await page.goto(pathToFileURL(join(site, path)).href)
    return { page, errors }
  }

  it.each([
    ['index.html', 1400, 'light'],
    ['ko/start.html', 390, 'light'],
    ['concepts.html', 1400, 'dark'],
    ['guide/publishing.html', 390, 'dark'],
    ['spec/http.html', 390, 'light'],
  ] as const)('%s is open to all in a window of %i pixels, %s', async (path, width, scheme) => {
    const { page, errors } = await open(path, width, scheme)
    expect(await page.evaluate('[...document.images].every(image => image.naturalWidth > 0)')).toBe(true)
    expect(errors).toEqual([])
    await page.evaluate(axe)
    const { violations } = (await page.evaluate('axe.run()')) as AxeResults
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
    await page.close()
  })

  it('is nowhere wider than the window of a phone', async () => {
    const { page } = await open('index.html', 390, 'light')
    for (const path of (await readdir(site, { recursive: true })).filter(name => name.endsWith('.html'))) {
      await page.goto(pathToFileURL(join(site, path)).href)
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 390])
    }
    await page.close()
  })

  it('has its pages behind a button on a phone, and beside the text on a desk', async () => {
    const phone = await open('start.html', 390, 'light')
    const link = phone.page.locator('#pages a', { hasText: 'How it works' })
    expect(await link.isVisible()).toBe(false)
    await phone.page.locator('button.menu').press('Enter')
    await link.click()
    await phone.page.waitForURL(/concepts\.html$/)
    await phone.page.close()
    const desk = await open('start.html', 1400, 'light')
    await desk.page.locator('#pages a', { hasText: 'How it works' }).click()
    await desk.page.waitForURL(/concepts\.html$/)
    await desk.page.close()
  })

  it('copies a block of code', async () => {
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
    const page = await context.newPage()
    await page.goto(pathToFileURL(join(site, 'start.html')).href)
    await page.locator('.code', { hasText: "curl -d 'Hello'" }).getByRole('button', { name: 'Copy' }).press('Enter')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate('navigator.clipboard.readText()')
    expect(copied).toBe("curl -d 'Hello' http://127.0.0.1:8080/events/news")
    await context.close()
  })
})
