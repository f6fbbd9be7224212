import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { resolveHttpSettings } from '../../http/settings.js'
import { resolveHubOptions } from '../../hub/options.js'
import { openLmdbLog } from '../../log/lmdb/open.js'
import { createMemoryLog } from '../../log/memory.js'
import { resolveLogOptions } from '../../log/settings.js'
import { TidingsError } from '../../wire/errors.js'
import { resolve } from './resolve.js'
import { type Setting, settingPaths, table } from './table.js'

describe('the table', () => {
  it('has the defaults of the parts', () => {
    const { settings } = resolve({})
    expect(settings).toMatchObject(resolveHttpSettings())
    const { heartbeatMs, stallMs, retryMs, maxRecentEvents, maxHeldBytes } = resolveHubOptions({})
    expect(settings).toMatchObject({ heartbeatMs, stallMs, retryMs, maxRecentEvents, maxHeldBytes })
    const { idempotencyMs, maxOnce, trimIntervalMs } = resolveLogOptions({})
    expect(settings).toMatchObject({ idempotencyMs, maxOnce, trimIntervalMs })
  })

  it('takes the bounds of the logs for its own', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidings-bounds-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const where = { fault: (rule: string) => new TidingsError('invalid-setting', rule), write: String }
    for (const [path, least] of [
      ['mapBytes', 2 ** 20],
      ['maxBytes', 1],
    ] as const) {
      expect(table[path].kind.fromJson(least, where)).toBe(least)
      expect(() => table[path].kind.fromJson(least - 1, where)).toThrow(`a whole number of ${least} or more`)
    }
    await expect(openLmdbLog(directory, { mapBytes: 2 ** 20 - 1 })).rejects.toMatchObject({ code: 'invalid-setting' })
    await (await openLmdbLog(directory, { mapBytes: 2 ** 20 })).close()
    expect(() => createMemoryLog({ maxBytes: 0 })).toThrow('maxBytes')
  })

  it('says of each setting in a sentence what it is', () => {
    for (const path of settingPaths) {
      const { help, kind }: Setting<unknown> = table[path]
      expect([path, help]).toEqual([path, expect.stringMatching(/^[A-Z].*[.\]]$/)])
      expect(kind.rule).not.toBe('')
    }
  })
})
