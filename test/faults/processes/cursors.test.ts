import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { freePort, type HubProcess, startHubProcess } from '../../support/hub-process.js'
import { startTunedHub } from '../../support/tuned-hub.js'
import { ResumingReader, type ResumingReaderOptions } from './resuming-reader.js'

const patience = { timeout: 20_000, interval: 10 }

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-cursors-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

function read(options: ResumingReaderOptions): ResumingReader {
  const reader = new ResumingReader(options)
  onTestFinished(() => reader.stop())
  return reader
}

/** Publishes texts one after the other; resolves to their ids. */
async function say({ url }: HubProcess, ...texts: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = []
  for (const body of texts) {
    const response = await fetch(`${url}/events/news`, { method: 'POST', body })
    const { id }: { id: string } = JSON.parse(await response.text())
    ids.push(id)
  }
  return ids
}

const gapsOf = (reader: ResumingReader): readonly unknown[] => reader.gaps.map(({ data }) => JSON.parse(data))

describe('a cursor, after what happens to hubs', () => {
  test.each(['header', 'parameter'] as const)('goes on where it was, sent as %s, after a kill', async cursorIn => {
    const where = { port: await freePort(), log: `lmdb:${join(directory, cursorIn)}` }
    let hub = await startHubProcess(where)
    const reader = read({ port: hub.port, target: '/events/news', cursorIn })
    await vi.waitFor(() => expect(reader.lastEventId).not.toBe(''), patience)
    // Killed before its first event, a client has the cursor with which its stream began.
    await hub.kill()
    hub = await startHubProcess(where)
    await say(hub, 'one', 'two')
    await vi.waitFor(() => expect(reader.data).toEqual(['one', 'two']), patience)
    reader.pause()
    await say(hub, 'three')
    await hub.kill()
    hub = await startHubProcess(where)
    await say(hub, 'four')
    reader.resume()
    await vi.waitFor(() => expect(reader.data.length).toBeGreaterThanOrEqual(4), patience)
    expect([reader.data, reader.gaps]).toEqual([['one', 'two', 'three', 'four'], []])
  })

  test('is unknown to a log in memory that has begun anew, which is said', async () => {
    const port = await freePort()
    let hub = await startHubProcess({ port })
    const reader = read({ port, target: '/events/news' })
    await vi.waitFor(() => expect(reader.lastEventId).not.toBe(''), patience)
    const [, lost] = await say(hub, 'one', 'two')
    await vi.waitFor(() => expect(reader.lastEventId).toBe(lost), patience)
    await hub.kill()
    hub = await startHubProcess({ port })
    const [kept = ''] = await say(hub, 'three')
    await vi.waitFor(() => expect(reader.data).toEqual(['one', 'two', 'three']), patience)
    const [epoch] = kept.split('-')
    expect(gapsOf(reader)).toEqual([{ reason: 'unknown', requested: lost, resumedAt: `${epoch}-0` }])
    // The next time it comes with a cursor that is good.
    expect(reader.lastEventId).toBe(kept)
  })

  test('from before what is kept is told that it was trimmed, and goes on with what is left', async () => {
    const retention = [{ selector: '**', count: 3 }]
    const where = { port: await freePort(), log: `lmdb:${join(directory, 'trimmed')}` }
    const tuning = { log: { retention, trimIntervalMs: 20 } }
    let hub = await startTunedHub(tuning, where)
    const [first = ''] = await say(hub, 'one')
    const ids = await say(hub, 'two', 'three', 'four', 'five', 'six')
    await hub.kill()
    hub = await startTunedHub(tuning, where)
    const isTrimmed = async () => {
      const topic = await fetch(`${hub.url}/topics/news`)
      expect(await topic.json()).toMatchObject({ events: 3 })
    }
    await vi.waitFor(isTrimmed, patience)
    const reader = read({ port: hub.port, target: '/events/news', lastEventId: first })
    await vi.waitFor(() => expect(reader.data).toEqual(['four', 'five', 'six']), patience)
    expect(gapsOf(reader)).toEqual([{ reason: 'trimmed', requested: first, resumedAt: ids[1] }])
    const from = read({ port: hub.port, target: '/events/news?since=now', lastEventId: first })
    await vi.waitFor(() => expect(from.gaps).toHaveLength(1), patience)
    await say(hub, 'seven')
    await vi.waitFor(() => expect(from.data).toEqual(['seven']), patience)
    expect(gapsOf(from)).toEqual([{ reason: 'trimmed', requested: first, resumedAt: ids.at(-1) }])
  })

  test('ahead of a log that was put back from an older copy is told that it was rewound', async () => {
    const [place, copy] = [join(directory, 'log'), join(directory, 'copy')]
    const where = { port: await freePort(), log: `lmdb:${place}` }
    let hub = await startHubProcess(where)
    const reader = read({ port: hub.port, target: '/events/news' })
    await vi.waitFor(() => expect(reader.lastEventId).not.toBe(''), patience)
    const [kept = ''] = await say(hub, 'one', 'two')
    await hub.terminate()
    await cp(place, copy, { recursive: true, filter: source => !source.endsWith('.sock') })
    hub = await startHubProcess(where)
    const [, lost] = await say(hub, 'three', 'four')
    await vi.waitFor(() => expect(reader.lastEventId).toBe(lost), patience)
    await hub.terminate()
    await rm(place, { recursive: true })
    await cp(copy, place, { recursive: true })
    hub = await startHubProcess(where)
    // More than was lost: the offset of the cursor is given again, in another epoch.
    const [next] = await say(hub, 'five', 'six', 'seven')
    expect(next?.split('-')[0]).not.toBe(lost?.split('-')[0])
    const heard = ['one', 'two', 'three', 'four', 'one', 'two', 'five', 'six', 'seven']
    await vi.waitFor(() => expect(reader.data.length).toBeGreaterThanOrEqual(heard.length), patience)
    // It asked for no other place to go on from than the oldest event that is left.
    expect(reader.data).toEqual(heard)
    const [epoch] = kept.split('-')
    expect(gapsOf(reader)).toEqual([{ reason: 'rewound', requested: lost, resumedAt: `${epoch}-0` }])
  })
})
