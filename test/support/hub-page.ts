import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { watchErrors } from './browser.js'

/** The page at `/` of a hub, open and live. */
export interface HubPage {
  readonly page: Page
  /** What it has complained about: console errors, exceptions, requests that failed. */
  readonly errors: readonly string[]
}

/** Opens the page of the hub at `url`, and resolves when it hears. */
export async function openHubPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<HubPage> {
  const page = await browser.newPage(options)
  const errors = watchErrors(page)
  await page.goto(`${url}/`)
  await page.locator('#state[data-state=live]').waitFor()
  return { page, errors }
}

/** Publishes event objects, as many as one likes. */
export async function publishAll(url: string, events: readonly object[]): Promise<void> {
  const response = await fetch(`${url}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: events.map(event => JSON.stringify(event)).join('\n'),
  })
  expect(response.status).toBe(200)
}

/** Resolves when `check` no longer throws; rejects as it does after 25 seconds: a browser on a busy machine is slow. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 25_000 })
}
