import { cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import type { LogEvent } from '../../../src/log/log.js'
import { freePort, type HubProcess, startHubProcess } from '../../support/hub-process.js'
import { Random } from '../../support/random.js'
import { check, isReading, startCheck } from './check-process.js'
import { readAll } from './log-pages.js'
import { type Answered, Publisher } from './publisher.js'
import { ResumingReader } from './resuming-reader.js'

const patience = { timeout: 30_000, interval: 5 }

// Every step is a process of its own, which a busy machine may take its time to start.
vi.setConfig({ testTimeout: 60_000 })

let directory = ''
/** A log with so many events that its copy takes some time. */
let large = ''
const largeEvents = 30_000

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-backup-'))
  large = join(directory, 'large')
  const log = await openLmdbLog(large, { durability: 'async' })
  for (let i = 0; i < largeEvents; i += 1_000) {
    await log.append(Array.from({ length: 1_000 }, (_, j) => ({ topic: `t/${j % 50}`, data: `${i + j}` })))
  }
  await log.close()
}, 60_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

/** All events of a log that nobody has open. The directory is that of a copy, in which nothing is to change: a copy of it is opened. */
async function readLog(place: string): Promise<readonly LogEvent[]> {
  const copy = await mkdtemp(join(directory, 'read-'))
  await cp(join(place, 'data.mdb'), join(copy, 'data.mdb'))
  const log = await openLmdbLog(copy)
  const events: LogEvent[] = []
  for (let cursor = 0; ; ) {
    const page = await log.read(cursor, { maxEvents: 1_000, maxBytes: 1 << 22 })
    events.push(...page.events)
    cursor = page.through
    if (cursor >= page.head.offset) break
  }
  await log.close()
  return events
}

/** A backup that was stopped while it reads the log. One that was over before it could be is followed by another. */
async function standStill(log: string): Promise<ReturnType<typeof startCheck>> {
  for (let i = 0; ; i++) {
    const backup = startCheck(['--backup', join(directory, `never-${i}`), log])
    let isOver = false
    void backup.ended.then(() => {
      isOver = true
    })
    await vi.waitFor(async () => expect(isOver || (await isReading(log, backup.pid))).toBe(true), patience)
    backup.signal('SIGSTOP')
    if (!isOver && (await isReading(log, backup.pid))) return backup
    backup.signal('SIGKILL')
    await backup.ended
  }
}

async function say({ url }: HubProcess, ...texts: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = []
  for (const body of texts) {
    const response = await fetch(`${url}/events/news`, { method: 'POST', body })
    const { id }: { id: string } = JSON.parse(await response.text())
    ids.push(id)
  }
  return ids
}

/** What is in the directory beside the sockets and the locks that stand there anyway. */
async function namesIn(place: string): Promise<readonly string[]> {
  return (await readdir(place)).filter(name => !name.endsWith('.sock') && name !== 'lock.mdb').sort()
}

describe('a backup of a log in use', () => {
  test.each(['commit', 'async'] as const)(
    'is one state of it: all that was answered before, and nothing that was not published (%s)',
    async durability => {
      const log = join(directory, `live-${durability}`)
      const hub = await startHubProcess({ log: `lmdb:${log}`, env: { TIDINGS_DURABILITY: durability } })
      const publishers = (['single', 'array', 'lines'] as const).map(
        (form, i) =>
          new Publisher({
            port: hub.port,
            name: `p${i}`,
            form,
            repeats: true,
            topics: ['news', 'host/cpu', 'stocks/AAPL'],
            random: new Random(i),
          }),
      )
      const answered = () => publishers.flatMap(({ answered }) => answered)
      const backups: { place: string; before: readonly Answered[] }[] = []
      for (let i = 0; i < 2; i++) {
        const enough = answered().length + 100
        await vi.waitFor(() => expect(answered().length).toBeGreaterThan(enough), patience)
        const place = join(directory, `copy-${durability}-${i}`)
        const before = answered()
        expect(await check('--backup', place, log)).toMatchObject({
          code: 0,
          out: expect.stringContaining('on the disk'),
        })
        expect(await readdir(place)).toEqual(['data.mdb'])
        expect((await stat(place)).mode & 0o777).toBe(0o700)
        expect((await stat(join(place, 'data.mdb'))).mode & 0o777).toBe(0o600)
        backups.push({ place, before })
      }
      const { code, out } = await check(log)
      expect([code, out]).toEqual([0, expect.stringContaining('in use by a hub')])
      expect(out).toContain('agree with the events')
      for (const publisher of publishers) await publisher.stop()
      const all = await readAll(hub.url)
      let held = 0
      for (const { place, before } of backups) {
        const events = await readLog(place)
        expect(events.length).toBeGreaterThan(held)
        held = events.length
        const published = all.slice(0, events.length)
        expect(events.map(({ topic, data }) => [topic, data])).toEqual(
          published.map(({ topic, data }) => [topic, data]),
        )
        const data = new Set(events.map(event => event.data))
        expect(before.filter(event => !data.has(event.data))).toEqual([])
      }
      expect(await hub.terminate()).toMatchObject({ code: 0 })
    },
  )

  test('overwrites nothing, and leaves nothing where it cannot be', async () => {
    const taken = join(directory, 'taken')
    await mkdir(taken)
    for (const place of [taken, large]) {
      expect(await check('--backup', place, large)).toMatchObject({ code: 1, out: expect.stringContaining('already') })
    }
    expect(await readdir(taken)).toEqual([])
    const nowhere = join(directory, 'no', 'such', 'place')
    expect(await check('--backup', nowhere, large)).toMatchObject({ code: 1, out: expect.stringContaining('ENOENT') })
  })

  test.each(['SIGKILL', 'SIGTERM'] as const)('that is cut off by %s is none', async signal => {
    const folder = await mkdtemp(join(directory, 'cut-'))
    const copy = join(folder, 'copy')
    for (let end: string | null = null; end !== signal; ) {
      // One that was over before it could be cut off is followed by another.
      await rm(copy, { recursive: true, force: true })
      const backup = startCheck(['--backup', copy, large])
      // In the middle of the copy: it is under way as long as its file is there under another name.
      await vi.waitFor(async () => expect(await readdir(folder)).toHaveLength(1), patience)
      backup.signal(signal)
      end = (await backup.ended).signal
    }
    const left = await readdir(folder)
    expect(left.filter(name => !/^copy\.partial-[0-9a-f]{16}$/.test(name))).toEqual([])
    if (signal !== 'SIGKILL') expect(left).toEqual([])
    expect(await check('--backup', copy, large)).toMatchObject({ code: 0 })
  })

  test('that is killed does not keep the hub from using its room again', async () => {
    const log = join(directory, 'watched')
    await cp(large, log, { recursive: true, filter: source => !source.endsWith('.sock') })
    const hub = await startHubProcess({ log: `lmdb:${log}` })
    const backup = await standStill(log)
    backup.signal('SIGKILL')
    await backup.ended
    await vi.waitFor(async () => expect(await isReading(log, backup.pid)).toBe(false), patience)
    await hub.terminate()
  })
})

// A limit on the size of files is to the writing process what a full disk is.
test('a copy for which there is no room leaves nothing', async () => {
  const folder = await mkdtemp(join(directory, 'full-'))
  // In blocks of 512 bytes (1024 where sh is bash): 512 KiB.
  const narrow = ['/bin/sh', '-c', 'ulimit -f 1024; exec "$0" "$@"']
  for (const args of [
    ['--backup', join(folder, 'copy'), large],
    ['--restore', large, join(folder, 'log')],
  ]) {
    const { code, out } = await startCheck(args, narrow).ended
    expect([code, out]).toEqual([1, expect.stringContaining('The disk is full')])
    expect(await readdir(folder)).toEqual([])
  }
})

describe('a backup that is put back', () => {
  test.each(['into an empty place', 'in the place of the log'])(
    'tells the readers who were ahead, and only them (%s)',
    async how => {
      const folder = await mkdtemp(join(directory, 'restored-'))
      const [log, copy] = [join(folder, 'log'), join(folder, 'copy')]
      const where = { port: await freePort(), log: `lmdb:${log}` }
      let hub = await startHubProcess(where)
      const reader = (query: string) => {
        const own = new ResumingReader({ port: where.port, target: `/events/news${query}` })
        onTestFinished(() => own.stop())
        return own
      }
      const [ahead, patient, behind] = [reader(''), reader('?since=now'), reader('?since=earliest')]
      const [, kept = ''] = await (async () => {
        for (const each of [ahead, patient]) await vi.waitFor(() => expect(each.lastEventId).not.toBe(''), patience)
        return await say(hub, 'one', 'two')
      })()
      for (const each of [ahead, patient, behind]) {
        await vi.waitFor(() => expect(each.data).toEqual(['one', 'two']), patience)
      }
      // What it has heard is in the copy, and it hears no more of what is not.
      behind.stop()
      expect(await check('--backup', copy, log)).toMatchObject({ code: 0 })
      const [, lost = ''] = await say(hub, 'three', 'four')
      for (const each of [ahead, patient]) await vi.waitFor(() => expect(each.lastEventId).toBe(lost), patience)

      expect(await check('--restore', copy, log)).toMatchObject({ code: 1, out: expect.stringContaining('--replace') })
      expect(await check('--restore', copy, log, '--replace')).toMatchObject({
        code: 1,
        out: expect.stringContaining('in use'),
      })
      await hub.terminate()
      if (how === 'into an empty place') await rm(log, { recursive: true })
      const { code, out } = await check('--restore', copy, log, ...(how === 'into an empty place' ? [] : ['--replace']))
      expect([code, out]).toEqual([0, expect.stringContaining('2 events up to offset 2, in the new epoch')])

      hub = await startHubProcess(where)
      // More than was lost: the offsets of the cursors are given again, in another epoch.
      const [next = ''] = await say(hub, 'five', 'six', 'seven')
      const again = new ResumingReader({ port: where.port, target: '/events/news', lastEventId: kept })
      onTestFinished(() => again.stop())
      await vi.waitFor(() => expect(again.data).toEqual(['five', 'six', 'seven']), patience)
      expect(again.gaps).toEqual([])

      const [epoch] = kept.split('-')
      expect(next.split('-')[0]).not.toBe(epoch)
      // Who asked for no other place goes on from the oldest event; who asked for what is new, from there.
      const whole = ['one', 'two', 'three', 'four', 'one', 'two', 'five', 'six', 'seven']
      await vi.waitFor(() => expect(ahead.data.length).toBeGreaterThanOrEqual(whole.length), patience)
      expect(ahead.data).toEqual(whole)
      expect(ahead.gaps.map(({ data }) => JSON.parse(data))).toEqual([
        { reason: 'rewound', requested: lost, resumedAt: `${epoch}-0` },
      ])
      await vi.waitFor(() => expect(patient.gaps).toHaveLength(1), patience)
      await say(hub, 'eight')
      await vi.waitFor(() => expect(patient.data.at(-1)).toBe('eight'), patience)
      const heard = patient.data.slice(4, -1)
      expect(patient.data.slice(0, 4)).toEqual(['one', 'two', 'three', 'four'])
      // It came back before, between or after the three.
      expect(['five', 'six', 'seven'].slice(3 - heard.length)).toEqual(heard)
      expect(patient.gaps.map(({ data }) => JSON.parse(data))).toMatchObject([{ reason: 'rewound', requested: lost }])

      await hub.terminate()
      const found = await check(log)
      expect(found).toMatchObject({ code: 0, out: expect.stringContaining('Opening it  changes nothing') })
      const names = await namesIn(log)
      if (how === 'into an empty place') return expect(names).toEqual(['data.mdb'])
      const [, replaced = ''] = names
      expect(names).toEqual(['data.mdb', expect.stringMatching(/^replaced-[0-9]{8}T[0-9]{6}Z$/)])
      expect(found.out).toContain(replaced)
      const old = await readLog(join(log, replaced))
      expect(old.map(event => event.data)).toEqual(['one', 'two', 'three', 'four'])
    },
  )

  test.each([
    ['SIGKILL', false],
    ['SIGKILL', true],
    ['SIGTERM', true],
  ] as const)('that is cut off by %s leaves nothing half (a log was there: %s)', async (signal, wasThere) => {
    const place = await mkdtemp(join(directory, 'half-'))
    if (wasThere) {
      const log = await openLmdbLog(place)
      await log.append([{ topic: 'news', data: 'old' }])
      await log.close()
    }
    const args = ['--restore', large, place, ...(wasThere ? ['--replace'] : [])]
    const restore = startCheck(args)
    await vi.waitFor(
      async () => expect(await readdir(place)).toContainEqual(expect.stringMatching(/^restoring-/)),
      patience,
    )
    restore.signal(signal)
    expect(await restore.ended).toMatchObject({ signal })
    if (wasThere) {
      expect((await readLog(place)).map(event => event.data)).toEqual(['old'])
    } else {
      const hub = startHubProcess({ log: `lmdb:${place}` })
      await expect(hub).rejects.toThrow('cut off')
    }
    expect(await check(...args)).toMatchObject({ code: 0 })
    const names = await namesIn(place)
    expect(names.filter(name => !name.startsWith('replaced-'))).toEqual(['data.mdb'])
    expect(names).toHaveLength(wasThere ? 2 : 1)
    expect(await readLog(place)).toHaveLength(largeEvents)
  })

  test('does not take the place of something else', async () => {
    const place = join(directory, 'letters')
    await mkdir(place)
    await writeFile(join(place, 'dear.txt'), 'Dear')
    expect(await check('--restore', large, place)).toMatchObject({ code: 1, out: expect.stringContaining('dear.txt') })
    expect(await check('--restore', large, large, '--replace')).toMatchObject({ code: 2 })
    expect(await check('--restore', place, join(directory, 'new'))).toMatchObject({ code: 1 })
    expect(await readdir(directory)).not.toContain('new')
    expect(await readdir(place)).toEqual(['dear.txt'])
  })
})
