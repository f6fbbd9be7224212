import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { blocksOf, readDocument } from '../support/document.js'
import { startHubProcess } from '../support/hub-process.js'

it('the rules of docs/guide/retention.md keep what it says', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-retention-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const config =
    blocksOf(await readDocument('docs/guide/retention.md')).find(({ says }) => says === 'config')?.code ?? ''
  expect(config).toContain('"ageMs": 60000')
  const file = join(directory, 'hub.json')
  // A minute is over at once.
  await writeFile(file, config.replace('"ageMs": 60000', '"ageMs": 1'))
  const hub = await startHubProcess({ args: ['--config', file, '--trim-interval-ms', '50'] })
  const say = async (topic: string, data: string): Promise<string> => {
    const answer = await fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data })
    return ((await answer.json()) as { readonly id: string }).id
  }
  const held = async (topic: string) => {
    const answer = await fetch(`${hub.url}/events?topic=${topic}`, { headers: { accept: 'application/json' } })
    return ((await answer.json()) as { readonly events: readonly { readonly data: string }[] }).events.map(
      ({ data }) => data,
    )
  }
  const seen = await say('notify/kim', 'one')
  for (const price of ['187.1', '187.2', '187.3']) await say('ticker/nasdaq?key=AAPL', price)
  await say('ticker/nasdaq?key=MSFT', '402.6')
  await say('drawing/7/pointer', '10,20')
  await say('notify/kim', 'two')
  await say('chat/1', 'three')
  await vi.waitFor(
    async () => {
      expect(await held('ticker/**')).toEqual(['187.3', '402.6'])
      expect(await held('drawing/**')).toEqual([])
    },
    { timeout: 10_000 },
  )
  expect(await held('notify/**')).toEqual(['one', 'two'])
  expect(await held('chat/**')).toEqual(['three'])

  // Who comes back hears of a gap in what it asked for, and not of others'.
  const gap = async (topic: string) => {
    const answer = await fetch(`${hub.url}/events?topic=${topic}&lastEventId=${seen}`, {
      headers: { accept: 'application/json' },
    })
    return ((await answer.json()) as { readonly gap: unknown }).gap
  }
  expect(await gap('notify/**')).toBeNull()
  expect(await gap('drawing/**')).toMatchObject({ reason: 'trimmed' })
})
