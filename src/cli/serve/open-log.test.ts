import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogPlace } from '../settings/log-place.js'
import { resolve } from '../settings/resolve.js'
import { openLog } from './open-log.js'

const hourMs = 3_600_000

describe('the log of tidings serve', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-open-log-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  for (const kind of ['memory', 'lmdb'] as const) {
    it(`keeps figures of machines for an hour and all else for a week (${kind})`, async () => {
      const log: LogPlace = kind === 'memory' ? { kind } : { kind, directory }
      let now = Date.UTC(2026, 10, 23)
      const opened = await openLog(resolve({ log }).settings, { clock: () => now })
      const held = async (): Promise<readonly string[]> => {
        await opened.trim()
        return (await opened.topics({ limit: 10 })).map(({ topic }) => topic)
      }
      await opened.append([
        { topic: 'host/load', data: '{}' },
        { topic: 'news', data: 'Hello' },
      ])
      now += hourMs - 1
      expect(await held()).toEqual(['host/load', 'news'])
      now += 2
      expect(await held()).toEqual(['news'])
      now += 7 * 24 * hourMs
      expect(await held()).toEqual([])
      await opened.close()
    })
  }
})
