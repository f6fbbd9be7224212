import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Reading, read } from '../app/client.js'
import { ApplicationFolder, programsOf, startListening } from '../support/application-folder.js'
import { browserProgram, openBrowser } from '../support/browser.js'
import { blocksOf, readDocument } from '../support/document.js'
import { installListed } from '../support/installed.js'

const programs = await programsOf('docs/guide/moving.md')
const scripts = blocksOf(await readDocument('docs/guide/moving.md')).filter(({ says }) => says === 'script')

/** As much of the client of socket.io as is used. */
type Connect = (
  url: string,
  options: { readonly auth: object },
) => { on(event: string, heard: (value: unknown) => void): unknown; close(): unknown }

describe('the programs of docs/guide/moving.md', () => {
  let folder: ApplicationFolder
  let installed = ''
  beforeAll(async () => {
    installed = await installListed('docs/moving')
    folder = await ApplicationFolder.make(['express', 'better-sse'], installed)
  }, 120_000)
  afterAll(() => folder.remove())

  const start = async (name: string) => {
    const code = programs.get(name) ?? ''
    expect(code).toContain('8080')
    return (await startListening(folder, name, code)).url
  }
  const open = (url: string): Promise<Reading> => vi.waitFor(() => read(url), { timeout: 15_000 })
  const note = (url: string, value: unknown) =>
    fetch(`${url}/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    })

  it('are those that are run here', () => {
    expect([...programs.keys()]).toEqual([
      'loop-before.mjs',
      'loop.mjs',
      'better-sse-before.mjs',
      'socket-io-before.mjs',
      'socket-io.mjs',
    ])
  })

  it.each(['loop-before.mjs', 'better-sse-before.mjs', 'loop.mjs'])('a page hears the same of %s', async name => {
    const url = await start(name)
    const reading = await open(`${url}/events`)
    const value = { text: 'two\nlines' }
    // All three know of a reader before its answer begins, or in the same turn.
    expect((await note(url, value)).status).toBe(204)
    await reading.until('"}\n\n')
    const [block = ''] = reading.text.split('\n\n').filter(each => /^data:/m.test(each) && /note/.test(each))
    expect(JSON.parse(/^data: ?(.*)$/m.exec(block)?.[1] ?? '')).toEqual(value)
    expect(/^event: ?(.*)$/m.exec(block)?.[1]).toBe('note')
  })

  it('loop.mjs gives a page what it missed', async () => {
    const url = await start('loop.mjs')
    const first = await open(`${url}/events`)
    await note(url, { n: 'one' })
    await first.until('data: {"n":"one"}\n')
    const id = /^id: (\S+)\nevent: note/m.exec(first.text)?.[1] ?? ''
    first.leave()
    await note(url, { n: 'two' })
    const second = await read(`${url}/events`, { 'last-event-id': id })
    expect(await second.until('"two"}\n')).not.toContain('"one"')
  })

  it('socket-io-before.mjs gives each what is in his rooms', async () => {
    const url = await start('socket-io-before.mjs')
    await vi.waitFor(() => fetch(url), { timeout: 15_000 })
    const { io }: { readonly io: Connect } = createRequire(join(installed, 'package.json'))('socket.io-client')
    const heard = await Promise.all(
      ['ann', 'bob'].map(async user => {
        const socket = io(url, { auth: { user } })
        onTestFinished(() => void socket.close())
        const events: string[] = []
        for (const name of ['price', 'note']) {
          socket.on(name, value => void events.push(`${name} ${JSON.stringify(value)}`))
        }
        await new Promise(resolve => socket.on('connect', resolve))
        return events
      }),
    )
    expect((await fetch(`${url}/say`, { method: 'POST' })).status).toBe(204)
    const [price, note] = ['price {"symbol":"AAPL","price":187.2}', 'note {"text":"Hello"}']
    await vi.waitFor(() => expect(heard).toEqual([[price, note], [price]]), { timeout: 15_000 })
  })

  it.skipIf(!browserProgram)('a page hears socket-io.mjs by the script', async () => {
    const url = await start('socket-io.mjs')
    await vi.waitFor(() => fetch(url), { timeout: 15_000 })
    const page = await (await openBrowser()).newPage()
    const body = '<!doctype html><title>Notes</title>'
    await page.route(`${url}/page`, route => route.fulfill({ contentType: 'text/html', body }))
    await page.goto(`${url}/page`)
    const script = scripts[0]?.code ?? ''
    expect(script).toContain("'/events'")
    // The user of this page comes from its address, there being no session.
    await page.evaluate(
      `window.shown = []; window.show = note => shown.push(note); window.events = (() => {
        ${script.replace("'/events'", "'/events?user=ann'")}
        return events })(); new Promise(resolve => { events.onopen = resolve })`,
    )
    expect((await fetch(`${url}/say`, { method: 'POST' })).status).toBe(204)
    await page.waitForFunction('shown.length > 0')
    expect(await page.evaluate('shown')).toEqual([{ text: 'Hello' }])
  })

  it('socket-io.mjs gives each what is in his rooms', async () => {
    const url = await start('socket-io.mjs')
    const [ann, bob] = [await open(`${url}/events?user=ann`), await open(`${url}/events?user=bob`)]
    expect((await fetch(`${url}/say`, { method: 'POST' })).status).toBe(204)
    expect(await ann.until('event: note')).toContain(
      'event: price\ntopic: prices\ndata: {"symbol":"AAPL","price":187.2}\n',
    )
    expect(await ann.until('data: {"text":"Hello"}\n')).toContain('topic: user/ann\n')
    expect(await bob.until('event: price')).not.toContain('note')
    expect((await fetch(`${url}/events?user=*`)).status).toBe(403)
  })
})
