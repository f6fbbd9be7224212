import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createHub, type Hub } from '../../../src/entry/index.js'
import { openLmdbLog } from '../../../src/entry/lmdb.js'
import { joinLmdbLog } from '../../../src/log/lmdb/join.js'

const program = fileURLToPath(new URL('./producer.mjs', import.meta.url))

/** A log in a directory, a hub on it here, and a producer in another process. */
async function setUp() {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-streams-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const hub = createHub({ log: () => openLmdbLog(directory), report: () => undefined })
  onTestFinished(() => hub.close({ deadlineMs: 0 }))
  await hub.onLog()
  const child = spawn(process.execPath, [program, directory, 'job'], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { text: '' }
  child.stdout.setEncoding('utf8').on('data', text => {
    said.text += text
  })
  await vi.waitFor(() => expect(said.text).toBe('open\n'), { timeout: 15_000 })
  return { directory, hub, child, said }
}

async function hear(hub: Hub): Promise<readonly string[]> {
  const data: string[] = []
  for await (const event of hub.subscribe('job', { since: 'earliest' })) data.push(event.data)
  return data
}

test('a stream whose producer is killed is abandoned, once, though two hubs would end it', async () => {
  const { directory, hub, child } = await setUp()
  const log = await joinLmdbLog(directory)
  onTestFinished(() => log.close())
  const other = createHub({ log, report: () => undefined })
  onTestFinished(() => other.close({ deadlineMs: 0 }))
  const heard = [hear(hub), hear(other)]
  child.kill('SIGKILL')
  for (const data of await Promise.all(heard)) expect(data).toEqual(['half', '{"outcome":"abandoned"}'])
  const all = (await log.read(0, { maxEvents: 1_000, maxBytes: 1 << 20 })).events
  expect(all.filter(({ end }) => end)).toHaveLength(1)
  expect(all.at(-1)?.end).toBe(true)
})

test('a producer that stood still for longer than its lease hears that it was abandoned', async () => {
  const { hub, child, said } = await setUp()
  const heard = hear(hub)
  child.kill('SIGSTOP')
  expect(await heard).toEqual(['half', '{"outcome":"abandoned"}'])
  child.kill('SIGCONT')
  await vi.waitFor(() => expect(said.text).toBe('open\nabandoned true\nstream-closed\n'), { timeout: 10_000 })
})

test('a stream is stopped from another process than that of its producer', async () => {
  const { hub, said } = await setUp()
  const heard = hear(hub)
  expect(await hub.stopStream('job')).toBe(true)
  expect(await heard).toEqual(['half', '{"outcome":"stopped"}'])
  await vi.waitFor(() => expect(said.text).toBe('open\nstopped true\nstream-closed\n'), { timeout: 10_000 })
})
