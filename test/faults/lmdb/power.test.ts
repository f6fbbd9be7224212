import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readBootId } from '../../../src/log/lmdb/boot.js'
import { checkHeader } from '../../../src/log/lmdb/header.js'
import { inspectLog } from '../../../src/log/lmdb/inspect.js'
import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import { openReader } from '../../../src/log/lmdb/reader.js'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-power-'))
})

afterEach(() => rm(directory, { recursive: true }))

const bootIdAt = 24 + 136

/**
 * The file as the loss of power may leave it with the durability `async`: all that was written has reached the disk but the record
 * that the last commit is flushed, and the machine has been started anew. The pages of that commit may be whole or not.
 */
async function loseLastCommit(target: string): Promise<void> {
  const live = join(directory, 'live')
  const log = await openLmdbLog(live, { durability: 'async' })
  const copy = async (name: string) => {
    // A commit is answered before it is flushed; the next one begins only after.
    await log.append([{ topic: 'a', data: name }])
    await copyFile(join(live, 'data.mdb'), join(directory, name))
    return await readFile(join(directory, name))
  }
  for (let i = 0; i < 5; i++) await log.append([{ topic: 'a', data: `${i}` }])
  await log.trim()
  const header = await checkHeader(join(live, 'data.mdb'), undefined)
  const pageSize = header?.pageSize ?? 0
  const before = await copy('before')
  const after = await copy('after')
  await log.close()
  // Half-way in the first page stands which state is flushed.
  const flushed = before.subarray(pageSize / 2, pageSize)
  flushed.copy(after, pageSize / 2)
  for (const state of [0, pageSize / 2, pageSize]) after.writeBigInt64LE(1n, state + bootIdAt)
  const bootId = await readBootId()
  // Where the start of the machine is not known, every unclean end counts as one.
  if (bootId) for (let at = after.indexOf(bootId); at >= 0; at = after.indexOf(bootId)) after.write('other', at)
  // The same file as before, since a copy of it begins a new epoch anyhow.
  await rename(live, target)
  await writeFile(join(target, 'data.mdb'), after)
}

describe('async: power is lost while the last commit is being flushed', () => {
  test.each(['commit', 'async'] as const)(
    'the log goes on from the commit before, in a new epoch (opened with %s)',
    async durability => {
      const target = join(directory, 'target')
      await loseLastCommit(target)
      const header = await checkHeader(join(target, 'data.mdb'), undefined)
      expect(header).toMatchObject({ isOverlapping: true, needsRecovery: true })
      expect(await inspectLog(target)).toMatchObject({ needsRecovery: true })
      await expect(openReader(target)).rejects.toMatchObject({ code: 'log-unavailable' })
      const log = await openLmdbLog(target, { durability })
      try {
        const { offset, epochs } = await log.head()
        expect(offset).toBeGreaterThanOrEqual(5)
        expect(offset).toBeLessThan(7)
        expect(epochs.map(entry => entry.first)).toEqual([1, offset + 1])
        const page = await log.read(0, { maxEvents: 10, maxBytes: 1e6 })
        expect(page.events.map(event => event.offset)).toEqual(Array.from({ length: offset }, (_, i) => i + 1))
        await log.append([{ topic: 'a', data: 'on' }])
      } finally {
        await log.close()
      }
      expect(await inspectLog(target)).toMatchObject({ agreement: { problems: [], found: 0 } })
      const again = await openLmdbLog(target)
      expect((await again.head()).epochs).toHaveLength(2)
      await again.close()
    },
  )
})
