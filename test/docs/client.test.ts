import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest'
import { browserProgram, openBrowser, watchErrors } from '../support/browser.js'
import { blocksOf, readDocument } from '../support/document.js'
import { startHubProcess } from '../support/hub-process.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const blocks = blocksOf(await readDocument('docs/guide/client.md'))
const programs = new Map(
  blocks.flatMap(({ says, code }) => {
    const name = /^program (\S+)$/.exec(says)?.[1]
    return name === undefined ? [] : [[name, code]]
  }),
)

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidings-client-'))
  await mkdir(join(home, 'node_modules'))
  await symlink(root, join(home, 'node_modules', 'tidings'), 'junction')
})
afterAll(() => rm(home, { recursive: true, force: true }))

async function start(name: string, port: number) {
  const file = join(home, name)
  await writeFile(file, (programs.get(name) ?? '').replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`))
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { output: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said.output += text
    })
  }
  return { said, ended: new Promise<number | null>(resolve => child.once('close', resolve)) }
}

it('the programs of docs/guide/client.md are those that are run here', () => {
  expect([...programs.keys()]).toEqual(['hear.mjs', 'loop.mjs', 'publish.mjs'])
})

it('hear.mjs hears what it asks for, loop.mjs up to its end', async () => {
  const { url, port } = await startHubProcess()
  const say = (topic: string, body: string, query = '') =>
    fetch(`${url}/events/${topic}?${query}`, { method: 'POST', body })
  await say('news', 'first')
  await say('stocks/AAPL', '{"price":187.2}', 'type=trade')
  const [hear, loop] = await Promise.all([start('hear.mjs', port), start('loop.mjs', port)])
  await vi.waitFor(() => expect(hear.said.output).toBe('first\nstocks/AAPL 187.2\n'), 15_000)
  await say('news', 'over')
  await vi.waitFor(() => expect(hear.said.output).toContain('over\n'), 15_000)
  expect([await loop.ended, loop.said.output]).toEqual([0, 'first\nover\n'])
})

it('publish.mjs is heard', async () => {
  const { url, port } = await startHubProcess()
  const { said, ended } = await start('publish.mjs', port)
  expect([await ended, said.output]).toEqual([0, expect.stringMatching(/^3 \w+-3\n$/)])
  const page = await fetch(`${url}/events/host/cpu`, { headers: { accept: 'application/json' } })
  expect(((await page.json()) as { readonly events: object[] }).events).toMatchObject(
    [10, 20, 30].map(percent => ({ type: 'load', key: 'cpu', data: JSON.stringify({ percent }) })),
  )
})

it.skipIf(!browserProgram)(
  'the page without a bundler hears the hub, from an origin that the hub lists',
  async () => {
    let html = ''
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(`<!doctype html><link rel="icon" href="data:,">${html}`)
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as { readonly port: number }
    const origin = `http://127.0.0.1:${port}`
    const hub = await startHubProcess({ args: ['--allowed-origins', origin] })
    html =
      blocks
        .find(({ language, says }) => language === 'html' && says === 'page')
        ?.code.replaceAll('127.0.0.1:8080', `127.0.0.1:${hub.port}`) ?? ''
    const say = (body: string) => fetch(`${hub.url}/events/news`, { method: 'POST', body })
    await say('before')

    const page = await (await openBrowser()).newPage()
    const errors = watchErrors(page)
    await page.goto(origin)
    await page.waitForFunction('document.title === "open"')
    await page.locator('#news li', { hasText: 'news: before' }).waitFor()
    await say('after')
    await page.locator('#news li', { hasText: 'news: after' }).waitFor()
    expect(await page.locator('#news li').count()).toBe(2)
    expect(errors).toEqual([])
  },
  60_000,
)
