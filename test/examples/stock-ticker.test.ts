import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { expectLooks, startExample } from '../support/example.js'
import { eventually } from '../support/hub-page.js'

interface Figures {
  readonly published: number
  readonly heldBytes: number
}

/** What is the newest, as the server has it. */
async function newest(url: string): Promise<{ prices: Record<string, string>; figures: Figures }> {
  const response = await fetch(`${url}/market?since=latest&limit=1000`, { headers: { accept: 'application/json' } })
  const { events } = (await response.json()) as { events: { topic: string; data: string }[] }
  const of = (topic: string) => events.filter(event => event.topic === topic).map(({ data }) => JSON.parse(data))
  const stocks = of('stocks') as { symbol: string; price: string }[]
  return {
    prices: Object.fromEntries(stocks.map(({ symbol, price }) => [symbol, price])),
    figures: of('figures').at(-1) ?? { published: 0, heldBytes: 0 },
  }
}

async function untilPublished(url: string, more: number): Promise<void> {
  const { published } = (await newest(url)).figures
  await eventually(async () => expect((await newest(url)).figures.published).toBeGreaterThan(published + more))
}

/** The price in each row of the page. */
async function shown(page: Page): Promise<Record<string, string>> {
  const rows = await page.locator('#rows tr').allTextContents()
  return Object.fromEntries(rows.map(row => /^([A-Z]+)\W*(\d+\.\d\d)/.exec(row)?.slice(1) ?? []))
}

/** A reader that takes its head and nothing more, until it is told to read on: then all prices as it heard them last. */
async function openStalledReader(url: string) {
  const request = get(`${url}/stocks?conflate=0`, { headers: { accept: 'application/x-ndjson' } })
  onTestFinished(() => void request.destroy())
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.pause().setEncoding('utf8')
  const prices: Record<string, string> = {}
  const heard = { prices, events: 0 }
  return (): typeof heard => {
    let rest = ''
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const { type, key, data } of lines.map(line => JSON.parse(line))) {
        if (type !== 'stock') continue
        heard.prices[key] = JSON.parse(data).price
        heard.events++
      }
    })
    response.resume()
    return heard
  }
}

describe.skipIf(!browserProgram)('examples/stock-ticker', { timeout: 90_000 }, () => {
  it('has the newest of 500 stocks with every reader, and holds back no more for one that stops reading', async () => {
    const example = await startExample('stock-ticker', {})
    const { url } = example
    const readOn = await openStalledReader(url)
    const begin = (await newest(url)).figures.published
    const browser = await openBrowser()
    const page = await browser.newPage()
    const errors = watchErrors(page)
    await page.goto(url)
    await eventually(async () => expect(Object.keys(await shown(page)).length).toBe(500))

    // Of many updates of a stock in a second, one comes here.
    await page.getByLabel('Of each stock').selectOption('1000')
    await eventually(async () => {
      const texts = await page.locator('#all-published, #all-received').allTextContents()
      const [published = 0, received = 0] = texts.map(text => Number(text.replaceAll(',', '')))
      expect(published).toBeGreaterThan(5_000)
      expect(received).toBeGreaterThan(0)
      expect(received).toBeLessThan(published / 2)
    })
    await page.locator('#symbol').selectOption('SAM')
    expect(await page.locator('tr.chosen').textContent()).toContain('SAM')
    await page.getByRole('button', { name: 'stops reading' }).click()
    await page.getByText('It reads nothing').waitFor()

    // What the system takes of it is full, and then nothing grows.
    await eventually(async () => expect((await newest(url)).figures.heldBytes).toBeGreaterThan(0))
    await untilPublished(url, 5_000)
    expect((await newest(url)).figures.heldBytes).toBeLessThan(1024 * 1024)
    await page.getByRole('button', { name: 'read on' }).click()
    await page.getByText(/It is at the newest: given [1-9]/).waitFor()

    await page.getByRole('button', { name: 'Pause' }).click()
    await page.locator('#state[data-state=paused]').waitFor()
    const { prices, figures } = await newest(url)
    expect(Object.keys(prices).length).toBe(500)
    await eventually(async () => expect(await shown(page)).toEqual(prices))
    const heard = readOn()
    await eventually(() => expect(heard.prices).toEqual(prices))
    expect(heard.events).toBeLessThan(figures.published - begin)

    await expectLooks(browser, url, other => eventually(async () => expect(await shown(other)).toEqual(prices)))
    expect(errors.filter(error => !error.endsWith('ERR_ABORTED'))).toEqual([])
    await example.end()
    expect(example.run.output()).not.toMatch(/error/i)
  })
})
