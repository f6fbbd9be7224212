import { copyFile, mkdtemp, open as openFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { open as openLmdb } from 'lmdb'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseSelector } from '../../wire/selector.js'
import type { EventLog } from '../log.js'
import { checkHeader } from './header.js'
import { formatVersion, metaKeys } from './layout.js'
import { migrateStep } from './migrate.js'
import { openLmdbLog } from './open.js'
import type { LmdbOptions } from './options.js'
import { checkPages } from './pages.js'
import { openRoot, openTables } from './store.js'

let directory: string
let opened: EventLog[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-open-'))
  opened = []
})

afterEach(async () => {
  for (const log of opened) await log.close()
  await rm(directory, { recursive: true })
})

async function open(options: LmdbOptions = {}): Promise<EventLog> {
  const log = await openLmdbLog(directory, { trimIntervalMs: 3_600_000, ...options })
  opened.push(log)
  return log
}

const data = () => join(directory, 'data.mdb')
const driver = await import('lmdb')

/** A log that was filled and closed, of some hundred pages, with values that take pages of their own. */
async function fill(options: LmdbOptions = {}): Promise<void> {
  const log = await openLmdbLog(directory, options)
  for (let i = 0; i < 20; i++) {
    await log.append(
      Array.from({ length: 100 }, (_, j) => ({ topic: `t/${j}`, data: `${i} ${j} ${'x'.repeat(j * 80)}` })),
    )
  }
  await log.close()
}

/** All that is in the directory, to see that nothing was changed. */
async function contents(withoutSockets: boolean): Promise<Record<string, string>> {
  const names = (await readdir(directory)).filter(
    name => name !== 'lock.mdb' && !(withoutSockets && name.endsWith('.sock')),
  )
  return Object.fromEntries(
    await Promise.all(names.map(async name => [name, (await readFile(join(directory, name))).toString('base64')])),
  )
}

async function refuses(code: string, options: LmdbOptions = {}): Promise<void> {
  const before = await contents(code !== 'log-foreign')
  await expect(openLmdbLog(directory, options)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(directory),
  })
  expect(await contents(code !== 'log-foreign')).toEqual(before)
}

describe('what is no log is refused, and left as it is', () => {
  test('a directory with other files', async () => {
    await writeFile(join(directory, 'letters.txt'), 'dear')
    await refuses('log-foreign')
  })

  test('the LMDB file of another program', async () => {
    const other = openLmdb({ path: directory, noSubdir: false })
    await other.put('greeting', 'hello')
    await other.close()
    await refuses('log-foreign')
    await refuses('log-foreign', { durability: 'async' })
  })

  test('the LMDB file of another program that has tables of our names', async () => {
    const other = openLmdb({ path: directory, noSubdir: false, overlappingSync: false })
    await other.openDB({ name: 'meta' }).put('format', 'tidings')
    await other.close()
    await refuses('log-foreign')
  })

  test('a path that is a file', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(openLmdbLog(join(directory, 'file'))).rejects.toMatchObject({ code: 'log-foreign' })
  })

  test('a log of a newer version', async () => {
    await fill()
    const root = openRoot(driver, directory, { overlapping: false })
    await openTables(root).meta.put(metaKeys.format, Buffer.from(`tidings ${formatVersion + 1}`))
    await root.close()
    await refuses('log-newer')
  })

  test('settings that are none', async () => {
    await expect(openLmdbLog(directory, { mapBytes: 1 })).rejects.toMatchObject({ code: 'invalid-setting' })
    const durability: string = 'sometimes'
    // @ts-expect-error what a file of settings may say
    await expect(openLmdbLog(directory, { durability })).rejects.toMatchObject({ code: 'invalid-setting' })
    expect(await readdir(directory)).toEqual([])
  })

  test('a driver that is not installed', async () => {
    const missing = async () => {
      throw Object.assign(new Error("Cannot find package 'lmdb'"), { code: 'ERR_MODULE_NOT_FOUND' })
    }
    await expect(openLmdbLog(directory, {}, missing)).rejects.toMatchObject({
      code: 'driver-missing',
      message: expect.stringContaining('npm install lmdb'),
    })
    expect(await readdir(directory)).toEqual([])
  })
})

describe('a damaged file is refused, and left as it is', () => {
  test('garbage', async () => {
    await writeFile(data(), Buffer.alloc(10_000, 'garbage '))
    await refuses('log-corrupt')
  })

  test('a file that is cut off, wherever', async () => {
    await fill()
    const whole = await readFile(data())
    for (const share of [0.000001, 0.0001, 0.001, 0.01, 0.3, 0.6, 0.9]) {
      await writeFile(data(), whole.subarray(0, Math.ceil(whole.length * share)))
      await refuses('log-corrupt')
    }
    // The last page that is in use may not be the last of the file; cut where it surely is.
    await truncate(data(), 3 * 4096)
    await refuses('log-corrupt')
  })

  test('any page overwritten at its beginning', async () => {
    await fill()
    const whole = await readFile(data())
    const header = await checkHeader(data(), undefined)
    if (!header) throw new Error('The log has no file.')
    checkPages(data(), header)
    let refused = 0
    const pages = whole.length / header.pageSize
    for (let page = 2; page < pages; page += 11) {
      const handle = await openFile(data(), 'r+')
      const at = page * header.pageSize
      await handle.write(Buffer.alloc(64, 0xab), 0, 64, at)
      try {
        checkPages(data(), header)
      } catch (error) {
        expect(error).toMatchObject({ code: 'log-corrupt' })
        if (refused++ % 5 === 0) await expect(openLmdbLog(directory)).rejects.toMatchObject({ code: 'log-corrupt' })
      }
      await handle.write(whole, at, 64, at)
      await handle.close()
    }
    // The others are free, or in the middle of a value.
    expect(refused).toBeGreaterThan(20)
    await (await open()).head()
  })
})

describe('a log of version 1', () => {
  const fixture = fileURLToPath(new URL('./fixtures/version-1/data.mdb', import.meta.url))

  test('is brought up to date, with all that it holds', async () => {
    await copyFile(fixture, data())
    const log = await open({ retention: [{ selector: 'short', count: 2 }] })
    const { offset } = await log.head()
    expect(offset).toBe(91)
    const newest = await log.read(0, { maxEvents: 100, maxBytes: 1 << 20, newest: true })
    expect(newest.events.map(event => event.data)).toEqual([
      'room 27',
      'gold 29',
      'room 29',
      'gold 30',
      'room 30',
      'short 30',
      'closed',
    ])
    const gold = await log.read(0, { maxEvents: 100, maxBytes: 1 << 20, selectors: [parseSelector('prices/gold')] })
    expect(gold.events).toHaveLength(30)
    await expect(log.append([{ topic: 'rooms/0', data: 'x' }])).rejects.toMatchObject({ code: 'topic-ended' })
    await log.append([{ topic: 'prices/gold', key: 'spot', data: 'gold 31' }])
    const after = await log.read(0, {
      maxEvents: 100,
      maxBytes: 1 << 20,
      newest: true,
      selectors: [parseSelector('prices/*')],
    })
    expect(after.events.map(event => event.data)).toEqual(['gold 30', 'gold 31'])
  })

  test('is brought up to date also when that was cut off half-way', async () => {
    await copyFile(fixture, data())
    const root = openRoot(driver, directory, { overlapping: false })
    const store = openTables(root)
    // What a first step has done, and not the second.
    await root.transaction(() => migrateStep(store, 40))
    await root.close()
    const log = await open()
    const newest = await log.read(0, { maxEvents: 100, maxBytes: 1 << 20, newest: true })
    expect(newest.events).toHaveLength(7)
    const prices = await log.read(0, {
      maxEvents: 9,
      maxBytes: 1 << 20,
      newest: true,
      selectors: [parseSelector('prices/*')],
    })
    expect(prices.events.map(event => event.data)).toEqual(['gold 29', 'gold 30'])
  })
})

// Node.js 20 asks for ever when it is to make directories in one that has no room for them.
test.runIf(process.platform === 'linux')('a directory that cannot be made is said to be so', async () => {
  await expect(openLmdbLog('/proc/tidings/log')).rejects.toMatchObject({
    code: 'log-unavailable',
    message: expect.stringContaining('/proc/tidings/log'),
  })
})
