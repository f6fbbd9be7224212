import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { open as openLmdb } from 'lmdb'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RetentionRule } from '../log.js'
import { type InspectOptions, inspectLog, type LogReport } from './inspect.js'
import { formatVersion, metaKeys, type Store } from './layout.js'
import { openLmdbLog } from './open.js'
import type { LmdbOptions } from './options.js'
import { openRoot, openTables } from './store.js'

const driver = await import('lmdb')
const start = 1_700_000_000_000
const hour = 3_600_000
let directory: string
let now: number

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-inspect-'))
  now = start
})

afterEach(() => rm(directory, { recursive: true }))

const clock = () => now

async function openLog(options: LmdbOptions = {}) {
  return await openLmdbLog(directory, { clock, trimIntervalMs: hour, ...options })
}

/** 60 events in ten minutes. */
async function fill(options: LmdbOptions = {}): Promise<void> {
  const log = await openLog(options)
  for (let i = 0; i < 30; i++) {
    await log.append([
      { topic: `host/${i % 3}`, key: `${i % 2}`, data: `${i}`.repeat(i) },
      { topic: 'news', key: `${i % 4}`, data: `${i}` },
    ])
    now += 20_000
  }
  await log.close()
}

async function inspect(options: InspectOptions = {}): Promise<LogReport> {
  const report = await inspectLog(directory, { clock, ...options })
  if ('needsRecovery' in report) throw new Error('The log has to be recovered.')
  return report
}

async function tamper(change: (store: Store) => void): Promise<void> {
  const root = openRoot(driver, directory, { overlapping: false })
  openTables(root, change)
  await root.close()
}

/** All that is in the directory. In `lock.mdb`, LMDB notes who reads. */
async function contents(): Promise<Record<string, string>> {
  const read = async (name: string): Promise<[string, string]> => {
    const isNoted = name === 'lock.mdb' || name.endsWith('.sock')
    const bytes = isNoted ? '' : await readFile(join(directory, name))
    return [name, createHash('sha256').update(bytes).digest('hex')]
  }
  return Object.fromEntries(await Promise.all((await readdir(directory)).map(read)))
}

describe('what is in a log', () => {
  test('is counted', async () => {
    await fill({ retention: [{ selector: 'host/**', ageMs: hour }] })
    const report = await inspect()
    expect(report).toMatchObject({
      directory,
      isInUse: false,
      version: formatVersion,
      headOffset: 60,
      events: 60,
      topics: 4,
      oldestTime: start,
      newestTime: start + 29 * 20_000,
      tokens: 0,
      maxBytes: 2 ** 40,
      agreement: { problems: [], found: 0 },
      replaced: [],
    })
    expect(report.epochs).toMatchObject([{ first: 1 }])
    expect(report.usedBytes + report.freeBytes).toBe(report.fileBytes)
    expect(report.rules.map(({ rule, events, oldestTime }) => [rule?.selector.text, events, oldestTime])).toEqual([
      ['host/**', 30, start],
      [undefined, 30, start],
    ])
  })

  test('is not changed by looking at it, nor is anything beside it', async () => {
    await fill()
    const before = await contents()
    await inspect()
    expect(await contents()).toEqual(before)
    // As of a backup: no lock.mdb is left, which would be that of the one who looked.
    await rm(join(directory, 'lock.mdb'))
    await inspect()
    expect(await readdir(directory)).not.toContain('lock.mdb')
  })

  test('is counted by the rules that are given', async () => {
    await fill()
    const { rules, opening } = await inspect({ retention: [{ selector: 'news', count: 10 }] })
    expect(rules).toMatchObject([
      { events: 30, dueEvents: 20 },
      { events: 30, dueEvents: 0 },
    ])
    expect(opening).toMatchObject({ recountsRules: true })
    await expect(inspect({ retention: [{ selector: 'news', count: -1 }] })).rejects.toMatchObject({
      code: 'invalid-setting',
    })
  })
})

test.each<[string, readonly RetentionRule[]]>([
  ['by count', [{ selector: 'news', count: 7 }]],
  ['by bytes', [{ selector: 'host/**', bytes: 300 }]],
  ['by age', [{ selector: '**', ageMs: 130_000 }]],
  ['but the newest of each key', [{ selector: '**', count: 2, keepLatest: true }]],
  ['ephemeral', [{ selector: 'host/1', ephemeral: true }]],
  [
    'by several rules, of which the first that matches counts',
    [
      { selector: 'host/1', ageMs: 100_000 },
      { selector: 'host/*', count: 3, keepLatest: true },
      { selector: '**', ageMs: 400_000, bytes: 20 },
    ],
  ],
  ['nothing', [{ selector: '**', count: 1_000, ageMs: hour }]],
])('what the next turn of retention removes is foretold: %s', async (_, retention) => {
  await fill()
  const before = await inspect({ retention })
  const log = await openLog({ retention })
  await log.trim()
  await log.close()
  const after = await inspect()
  expect(after.rules.map(({ events, bytes }) => [events, bytes])).toEqual(
    before.rules.map(each => [each.events - each.dueEvents, each.bytes - each.dueBytes]),
  )
  for (const { dueEvents } of after.rules) expect(dueEvents).toBe(0)
  if (_ !== 'nothing') expect(after.events).toBeLessThan(before.events)
})

describe('what opening a log does is foretold', () => {
  /** Whether a new epoch began when it was opened. */
  async function begins(options: LmdbOptions = {}): Promise<boolean> {
    const { epochs } = await inspect()
    const log = await openLog(options)
    const head = await log.head()
    await log.close()
    return head.epochs.length > epochs.length
  }

  test('nothing', async () => {
    await fill()
    const { opening } = await inspect()
    expect(opening).toEqual({ beginsEpoch: undefined, migratesFrom: undefined, recountsRules: false })
    expect(await begins()).toBe(false)
  })

  test('a new epoch of a copy', async () => {
    await fill()
    await copyFile(join(directory, 'data.mdb'), join(directory, 'copy.mdb'))
    await rename(join(directory, 'copy.mdb'), join(directory, 'data.mdb'))
    expect((await inspect()).opening).toMatchObject({ beginsEpoch: 'copy' })
    expect(await begins()).toBe(true)
  })

  test.each([
    ['another start of the machine', 'another-boot', true],
    ['a start that is not known', '', true],
  ])('a new epoch after %s', async (_, run, due) => {
    await fill()
    await tamper(store => store.meta.putSync(metaKeys.run, Buffer.from(run)))
    expect((await inspect()).opening).toMatchObject({ beginsEpoch: 'unclean' })
    expect(await begins({ durability: 'async' })).toBe(due)
  })

  test('bringing it up to date', async () => {
    const fixture = fileURLToPath(new URL('./fixtures/version-1/data.mdb', import.meta.url))
    await copyFile(fixture, join(directory, 'data.mdb'))
    const report = await inspect()
    expect(report).toMatchObject({
      version: 1,
      events: 63,
      opening: { migratesFrom: 1 },
      agreement: { problems: [], found: 0 },
    })
    await (await openLog()).close()
    expect(await inspect()).toMatchObject({
      version: formatVersion,
      events: 63,
      opening: { migratesFrom: undefined },
      agreement: { problems: [], found: 0 },
    })
  })
})

describe('what is no log is said to be so', () => {
  async function refusal(): Promise<{ code: string; message: string }> {
    const before = await contents()
    const error: unknown = await inspectLog(directory).catch((error: unknown) => error)
    expect(await contents()).toEqual(before)
    if (error instanceof Error && 'code' in error) return { code: String(error.code), message: error.message }
    throw new Error('It was taken for a log.')
  }

  test('no directory, an empty one, a file', async () => {
    await expect(inspectLog(join(directory, 'none'))).rejects.toMatchObject({
      code: 'log-unavailable',
      message: expect.stringContaining('There is no directory'),
    })
    expect(await refusal()).toMatchObject({ code: 'log-unavailable', message: expect.stringContaining('is empty') })
    await writeFile(join(directory, 'file'), '')
    await expect(inspectLog(join(directory, 'file'))).rejects.toMatchObject({ code: 'log-foreign' })
  })

  test('something else', async () => {
    await writeFile(join(directory, 'letters.txt'), 'dear')
    expect(await refusal()).toMatchObject({ code: 'log-foreign', message: expect.stringContaining('letters.txt') })
  })

  test('the file of another program', async () => {
    const other = openLmdb({ path: directory, noSubdir: false })
    await other.put('greeting', 'hello')
    await other.close()
    expect(await refusal()).toMatchObject({ code: 'log-foreign' })
  })

  test('a log of a newer version', async () => {
    await fill()
    await tamper(store => store.meta.putSync(metaKeys.format, Buffer.from(`tidings ${formatVersion + 1}`)))
    expect(await refusal()).toMatchObject({ code: 'log-newer' })
  })

  test('a file that is cut off', async () => {
    await fill()
    await truncate(join(directory, 'data.mdb'), 3 * 4096)
    expect(await refusal()).toMatchObject({ code: 'log-corrupt' })
  })

  // As it happens where a hub and a look at its log are both process 1, each of a container of its own.
  test('a log that is in use by a process of the same number', async () => {
    const log = await openLog()
    await log.append([{ topic: 'news', data: 'a' }])
    await expect(inspectLog(directory)).rejects.toMatchObject({
      code: 'log-unavailable',
      message: expect.stringContaining(`the number of this one (${process.pid})`),
    })
    await log.append([{ topic: 'news', data: 'b' }])
    await log.close()
    expect(await inspect()).toMatchObject({ events: 2 })
  })

  test('a directory in which a log was being restored', async () => {
    await mkdir(join(directory, 'restoring-0123456789abcdef'))
    await expect(inspectLog(directory)).rejects.toMatchObject({
      code: 'log-foreign',
      message: expect.stringContaining('cut off'),
    })
    // Nor does a hub take it for an empty one.
    await expect(openLog()).rejects.toMatchObject({ code: 'log-foreign', message: expect.stringContaining('cut off') })
  })
})
