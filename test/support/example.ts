import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { expect } from 'vitest'
import { type Run, run } from './command-line.js'
import { blocksOf, readDocument } from './document.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A program of `examples/`, as its README starts it. */
export interface Example {
  /** Without a slash at the end. */
  readonly url: string
  readonly run: Run
  /** Ends it as Ctrl+C does. */
  end(): Promise<void>
}

/** Starts `examples/name` with the first command of its README, with `env` in front of it. Resolves when it says where its page is. */
export async function startExample(name: string, env: Readonly<Record<string, string>>): Promise<Example> {
  const command = blocksOf(await readDocument(`examples/${name}/README.md`))[0]?.code.trim() ?? ''
  expect(command).toBe(`npm run example ${name}`)
  const variables = Object.entries({ PORT: '0', ...env }).map(([key, value]) => `${key}=${value}`)
  const program = run('env', [...variables, ...command.split(' ')], root)
  const [, url = ''] = await program.until(/^Open (http:\/\/\S+)$/m)
  return {
    url,
    run: program,
    async end() {
      program.signalAll('SIGINT')
      await program.ended
    },
  }
}

/** Holds that the page is for everybody, on desk and phone, light and dark: what axe finds, and nothing is wider than the screen. */
export async function expectLooks(
  browser: Browser,
  url: string,
  ready: (page: Page) => Promise<unknown>,
): Promise<void> {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  for (const viewport of [
    { width: 360, height: 740 },
    { width: 1440, height: 900 },
  ]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport, colorScheme })
      await page.goto(url)
      await ready(page)
      await page.evaluate(axe)
      const found = await page.evaluate(`axe.run(document).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ' at ' + target)))`)
      expect(found).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
      await page.close()
    }
  }
}
