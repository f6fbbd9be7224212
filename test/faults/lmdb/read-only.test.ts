import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import { requireProgram } from '../../support/programs.js'

const visitor = fileURLToPath(new URL('./visitor.mjs', import.meta.url))
// Root may write everywhere, unless that is taken from it.
const isRoot = process.getuid?.() === 0
const setpriv = isRoot ? requireProgram('setpriv', 'install the package util-linux of your system') : undefined

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-read-only-'))
})

afterEach(async () => {
  await chmod(directory, 0o700)
  await rm(directory, { recursive: true })
})

/** What `visitor.mjs` says. */
async function visit(): Promise<unknown> {
  const node = [process.execPath, visitor, directory]
  const [command = '', ...args] = setpriv ? [setpriv, '--bounding-set=-dac_override,-dac_read_search', ...node] : node
  const { stdout } = await promisify(execFile)(command, args)
  const report: unknown = JSON.parse(stdout)
  return report
}

describe.skipIf(isRoot && !setpriv)('a directory that may not be written', () => {
  const clear = { code: 'log-unavailable', message: expect.stringMatching(/may not be written/) }

  test('holds a log: it is read, and not written', async () => {
    const log = await openLmdbLog(directory, { retention: [{ selector: 'a', count: 2 }] })
    for (const data of ['1', '2', '3']) await log.append([{ topic: 'a', data }])
    await log.trim()
    await log.close()
    await chmod(directory, 0o500)
    expect(await visit()).toEqual({ read: ['2', '3'], floor: 1, topics: 1, append: clear, trim: clear })
  })

  test('holds no log: it is refused with a word on what to do', async () => {
    await chmod(directory, 0o500)
    expect(await visit()).toEqual({ open: { code: 'log-unavailable', message: expect.stringContaining(directory) } })
    await chmod(directory, 0o700)
    expect(await readdir(directory)).toEqual([])
  })

  test('holds a log whose files may not be written either: so is that', async () => {
    await (await openLmdbLog(directory)).close()
    for (const name of await readdir(directory)) await chmod(join(directory, name), 0o400)
    await chmod(directory, 0o500)
    expect(await visit()).toEqual({ open: { code: 'log-unavailable', message: expect.stringContaining(directory) } })
  })
})
