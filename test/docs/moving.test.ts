import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Reading, read } from '../app/client.js'
import { ApplicationFolder, programsOf, startListening } from '../support/application-folder.js'

const programs = await programsOf('docs/guide/moving.md')

describe('the programs of docs/guide/moving.md', () => {
  let folder: ApplicationFolder
  beforeAll(async () => {
    folder = await ApplicationFolder.make(['express', 'better-sse'])
  })
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
    expect([...programs.keys()]).toEqual(['loop-before.mjs', 'loop.mjs', 'better-sse-before.mjs', 'socket-io.mjs'])
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

  it('socket-io.mjs gives each what is in his rooms', async () => {
    const url = await start('socket-io.mjs')
    const [ann, bob] = [await open(`${url}/events?user=ann`), await open(`${url}/events?user=bob`)]
    expect((await fetch(`${url}/say`, { method: 'POST' })).status).toBe(204)
    expect(await ann.until('event: note')).toContain(
      'event: price\ntopic: prices\ndata: {"symbol":"AAPL","price":187.2}\n',
    )
    expect(await ann.until('data: {"text":"Hello"}\n')).toContain('topic: user/ann\n')
    expect(await bob.until('event: price')).not.toContain('note')
  })
})
