import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkHeader } from './header.js'
import { openLmdbLog } from './open.js'

test('what a file describes is in it, also while the file is made longer', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-header-'))
  const log = await openLmdbLog(directory, { durability: 'async' })
  onTestFinished(async () => {
    await log.close()
    await rm(directory, { recursive: true })
  })
  const file = join(directory, 'data.mdb')
  let isOver = false
  const write = async () => {
    while (!isOver) await log.append([{ topic: 'news', data: 'x'.repeat(20_000) }])
  }
  const writing = write()
  const sizes = new Set<number>()
  while (sizes.size < 300) {
    const header = await checkHeader(file, undefined)
    if (!header) continue
    const { size, pageSize, state } = header
    sizes.add(size)
    for (const { root } of state.trees) {
      if (root <= state.lastPage) expect((Number(root) + 1) * pageSize).toBeLessThanOrEqual(size)
    }
  }
  isOver = true
  await writing
})
