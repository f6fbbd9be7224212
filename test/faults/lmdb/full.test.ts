import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import type { EventLog } from '../../../src/log/log.js'
import { answered, startWriter } from './writer.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-full-'))
})

afterEach(() => rm(directory, { recursive: true }))

const hour = 3_600_000

async function countOf(log: EventLog): Promise<number> {
  const { offset } = await log.head()
  let count = 0
  for (let cursor = 0; cursor < offset; ) {
    const page = await log.read(cursor, { maxEvents: 1000, maxBytes: 1 << 22 })
    count += page.events.length
    cursor = page.through
  }
  return count
}

describe('a log that holds as much as it may (mapBytes)', () => {
  const mapBytes = 2 * 1024 * 1024
  const event = (i: number) => ({ topic: `t/${i % 20}`, data: 'x'.repeat(900) })

  test('refuses appends, goes on reading, and takes events again when retention has made room', async () => {
    let now = 1_700_000_000_000
    const log = await openLmdbLog(directory, {
      mapBytes,
      clock: () => now,
      trimIntervalMs: hour,
      retention: [{ selector: '**', ageMs: hour }],
    })
    try {
      for (let round = 0; round < 3; round++) {
        let appended = 0
        await expect(
          (async () => {
            for (;;) {
              await log.append(Array.from({ length: 20 }, (_, i) => event(i)))
              appended += 20
            }
          })(),
        ).rejects.toMatchObject({ code: 'log-full', message: expect.stringContaining('mapBytes') })
        expect(appended).toBeGreaterThan(500)
        expect(await countOf(log)).toBe(appended)
        await expect(log.append([event(1)])).resolves.toHaveLength(1)
        now += 2 * hour
        await log.trim()
        expect(await countOf(log)).toBe(0)
      }
      const { size } = await stat(join(directory, 'data.mdb'))
      expect(size).toBeLessThan(mapBytes * 2)
    } finally {
      await log.close()
    }
  })

  test('is not filled by many that append at once', async () => {
    const log = await openLmdbLog(directory, { mapBytes, trimIntervalMs: hour })
    try {
      const results = await Promise.allSettled(Array.from({ length: 4000 }, (_, i) => log.append([event(i)])))
      const refused = results.filter(result => result.status === 'rejected')
      expect(refused.length).toBeGreaterThan(0)
      for (const { reason } of refused) expect(reason).toMatchObject({ code: 'log-full' })
      expect(await countOf(log)).toBe(results.length - refused.length)
      const { size } = await stat(join(directory, 'data.mdb'))
      expect(size).toBeLessThan(mapBytes * 2)
    } finally {
      await log.close()
    }
  })
})

// A limit on the size of files is to the writing process what a full disk is (EFBIG in place of ENOSPC), and needs no disk.
describe.each(['commit', 'async'] as const)('a full disk, %s', durability => {
  test('refuses appends, loses nothing, goes on reading, and closes', async () => {
    const writer = startWriter({
      directory,
      durability,
      count: 10_000,
      dataBytes: 2_000,
      // In blocks of 512 bytes (1024 where sh is bash): 512 KiB.
      wrap: ['/bin/sh', '-c', 'ulimit -f 1024; exec "$0" "$@"'],
    })
    await writer.ended
    expect(writer.lines.slice(-3)).toEqual(['refused log-full', 'read 1', 'closed'])
    const held = answered(writer.lines)
    expect(held.size).toBeGreaterThan(30)

    const log = await openLmdbLog(directory, { durability })
    try {
      expect(await countOf(log)).toBe(held.size)
      expect((await log.head()).epochs).toHaveLength(1)
      await log.append([{ topic: 't/0', data: 'there is room again' }])
    } finally {
      await log.close()
    }
  })
})
