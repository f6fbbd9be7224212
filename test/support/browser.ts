import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll } from 'vitest'
import { requireProgram } from './programs.js'

/** Where the browser is; nothing if there is none: its tests are skipped then. */
export const browserProgram: string | undefined = requireProgram('chromium', 'apt-get install chromium')

const running = new Set<Browser>()

afterAll(async () => {
  for (const browser of running) await browser.close()
})

/**
 * Starts a browser with a new profile, further `args`, and without some that it is started with otherwise. It is closed when the file's tests are done.
 */
export async function openBrowser(args: readonly string[] = [], without: readonly string[] = []): Promise<Browser> {
  if (!browserProgram) throw new Error('There is no browser.')
  const browser = await chromium.launch({
    executablePath: browserProgram,
    headless: true,
    ignoreDefaultArgs: [...without],
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  })
  running.add(browser)
  return browser
}

/** Everything that a page complains about from now on: console errors, exceptions, requests that failed. */
export function watchErrors(page: Page): readonly string[] {
  const errors: string[] = []
  page.on('console', message => {
    if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', error => errors.push(String(error)))
  page.on('requestfailed', request => errors.push(`${request.url()}: ${request.failure()?.errorText ?? 'failed'}`))
  return errors
}
