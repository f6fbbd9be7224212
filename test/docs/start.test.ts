import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { blocksOf, readDocument } from '../support/document.js'
import { freePort, startHubProcess } from '../support/hub-process.js'

const documents = ['docs/start.md', 'docs/ko/start.md']
const [english = '', korean = ''] = await Promise.all(documents.map(readDocument))

describe('docs/start.md', () => {
  it('says the same to type in Korean', () => {
    expect(blocksOf(korean)).toEqual(blocksOf(english))
  })

  it('names the package as npm pack does', async () => {
    const { name, version } = JSON.parse(await readDocument('package.json')) as Readonly<Record<string, string>>
    expect(english).toContain(`npm install ./${name}-${version}.tgz`)
  })

  it.skipIf(!browserProgram)(
    'has a page that goes on by itself when the hub was killed',
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'tidings-start-'))
      onTestFinished(() => rm(directory, { recursive: true, force: true }))
      const args = /^npm start -- (.*)$/m.exec(english)?.[1]?.split(' ') ?? []
      const where = { port: await freePort(), log: `lmdb:${join(directory, 'log')}`, args: ['--demo', ...args] }
      let hub = await startHubProcess(where)
      const html = blocksOf(english).find(({ says }) => says === 'page')?.code ?? ''
      const file = join(directory, 'page.html')
      await writeFile(file, html.replace('127.0.0.1:8080', `127.0.0.1:${hub.port}`))
      const page = await (await openBrowser()).newPage()
      const answered = page.waitForResponse(/events\/news/)
      await page.goto(pathToFileURL(file).href)
      await answered

      const say = async (data: string): Promise<void> => {
        expect((await fetch(`${hub.url}/events/news`, { method: 'POST', body: data })).status).toBe(200)
      }
      const shown = (): Promise<string[]> => page.locator('#news li').allTextContents()
      const heard = (texts: readonly string[]) =>
        vi.waitFor(async () => expect(await shown()).toEqual(texts), { timeout: 20_000, interval: 100 })
      await say('Hello')
      await heard(['Hello'])
      await hub.kill()
      hub = await startHubProcess(where)
      await say('Are you there?')
      await say('I was gone for a moment.')
      await heard(['Hello', 'Are you there?', 'I was gone for a moment.'])
      await say('And on it goes.')
      await heard(['Hello', 'Are you there?', 'I was gone for a moment.', 'And on it goes.'])
    },
    60_000,
  )
})
