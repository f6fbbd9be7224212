import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { browserProgram, openBrowser } from '../support/browser.js'
import { blocksOf, readDocument } from '../support/document.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'

const blocks = blocksOf(await readDocument('docs/guide/hearing.md'))

/** What is said once the page of a block listens, and what its console shows then. */
const pages: Readonly<Record<string, { readonly before?: string; readonly say: string[]; readonly shows: RegExp[] }>> =
  {
    news: { say: ['news Hello'], shows: [/^Hello \w+-\d+$/] },
    types: { say: ['stocks/AAPL?type=trade {"price":187.2}'], shows: [/^a trade at 187\.2$/] },
    envelope: {
      say: ['news Hello', 'stocks/MSFT?type=trade {"price":402.6}', 'chat no'],
      shows: [/^news Hello$/, /^stocks\/MSFT \{"price":402\.6\}$/],
    },
    since: { before: 'news yesterday', say: ['news today'], shows: [/^yesterday$/, /^today$/] },
    latest: {
      before: 'stocks/AAPL?type=trade {"price":1}',
      say: ['stocks/AAPL?type=trade {"price":2}'],
      shows: [/^now at 1$/, /^now at 2$/],
    },
    hub: { say: ['news?end=true The end'], shows: [/^the topic has ended$/] },
  }

async function say(hub: HubProcess, what: string): Promise<void> {
  const [topic = '', data = ''] = what.split(/ (.*)/)
  const { status } = await fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data })
  expect(status).toBe(200)
}

describe.skipIf(!browserProgram)('the pages of docs/guide/hearing.md', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })

  const codes = new Map(
    blocks.flatMap(({ says, code }) => (says.startsWith('page ') ? [[says.slice('page '.length), code]] : [])),
  )
  it('are those that are tried here', () => {
    expect([...codes.keys()]).toEqual(Object.keys(pages))
  })

  it.each(Object.entries(pages))('%s', async (name, { before, say: said, shows }) => {
    const hub = await startHubProcess()
    if (before !== undefined) await say(hub, before)
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(`${hub.url}/healthz`)
    const shown: string[] = []
    page.on('console', message => {
      if (message.type() === 'log') shown.push(message.text())
    })
    const answered = page.waitForResponse(/\/events/)
    // In a function of its own, as in a script: what it declares is not the page's.
    await page.evaluate(`(() => { ${codes.get(name)} })()`)
    await answered
    if (before !== undefined) await vi.waitFor(() => expect(shown).toHaveLength(1), { timeout: 10_000 })
    for (const what of said) await say(hub, what)
    await vi.waitFor(() => expect(shown).toEqual(shows.map(pattern => expect.stringMatching(pattern))), {
      timeout: 10_000,
    })
  })

  it('hub: says that something may be missing', async () => {
    const hub = await startHubProcess()
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.goto(`${hub.url}/healthz`)
    const shown: string[] = []
    page.on('console', message => {
      if (message.type() === 'log') shown.push(message.text())
    })
    const code = codes.get('hub')?.replace('/events/news', '/events/news?lastEventId=other1-7') ?? ''
    await page.evaluate(`(() => { ${code} })()`)
    await vi.waitFor(() => expect(shown).toEqual(['something may be missing: unknown']), { timeout: 10_000 })
  })
})

describe('the long poll of docs/guide/hearing.md', () => {
  it('is told of every event once, though the hub is killed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-poll-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const where = { port: await freePort(), log: `lmdb:${join(directory, 'log')}` }
    let hub = await startHubProcess(where)
    const file = join(directory, 'poll.mjs')
    const code = blocks.find(({ says }) => says === 'program poll.mjs')?.code ?? ''
    await writeFile(file, code.replaceAll('127.0.0.1:8080', `127.0.0.1:${hub.port}`))
    await say(hub, 'news one')
    const poll = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => {
      poll.kill('SIGKILL')
    })
    let output = ''
    let errors = ''
    poll.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    poll.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    const heard = (text: string) =>
      vi.waitFor(() => expect({ output, errors }).toMatchObject({ output: text }), { timeout: 15_000 })
    await heard('news one\n')
    await say(hub, 'news two')
    await heard('news one\nnews two\n')
    await hub.kill()
    await vi.waitFor(() => expect(errors).not.toBe(''), { timeout: 10_000 })
    hub = await startHubProcess(where)
    await say(hub, 'news three')
    await heard('news one\nnews two\nnews three\n')
    const ended = new Promise(resolve => poll.once('close', resolve))
    await say(hub, 'news?end=true four')
    await heard('news one\nnews two\nnews three\nnews four\n')
    expect(await ended).toBe(0)
  }, 60_000)
})
