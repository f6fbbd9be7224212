import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openLmdbLog } from '../../src/log/lmdb/open.js'
import { startHubProcess } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'

const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const run = promisify(execFile)
// Every step is a process of its own, which a busy machine may take its time to start.
vi.setConfig({ testTimeout: 60_000 })

let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-check-'))
  const log = await openLmdbLog(join(directory, 'log'), { retention: [{ selector: 'host/**', count: 10 }] })
  await log.append(Array.from({ length: 30 }, (_, i) => ({ topic: i % 2 ? 'news' : 'host/cpu', data: `${i}` })))
  await log.close()
})
afterAll(() => rm(directory, { recursive: true, force: true }))

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function tidings(
  args: readonly string[],
  { env = {}, wrap = [] }: { env?: Readonly<Record<string, string>>; wrap?: readonly string[] } = {},
): Promise<Said> {
  const [command = '', ...rest] = [...wrap, process.execPath, entry, 'check', ...args]
  const options = { cwd: directory, env: { ...process.env, ...env }, timeout: 30_000 }
  try {
    const { stdout, stderr } = await run(command, rest, options)
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, err: stderr }
  }
}

describe('tidings check, of settings', () => {
  it('says that a file is fine, and what it sets', async () => {
    await writeFile(join(directory, 'hub.json'), '{"port": 9000, "retention": [{"selector": "**", "count": 5}]}')
    expect(await tidings(['--config', 'hub.json'])).toEqual({
      code: 0,
      out: 'The settings of hub.json are well: given are port, retention.\n',
      err: '',
    })
    expect(await tidings(['--config', 'hub.json', '--json'])).toMatchObject({
      out: '{"ok":true,"settings":{"file":"hub.json","given":["port","retention"]}}\n',
    })
  })

  it.each([
    ['{"prot": 9000}', 'Did you mean'],
    ['{"port": 90000}', 'port'],
    ['{"retention": [{"selector": "**", "agems": 5}]}', 'retention[0].agems'],
    ['{"port": ', 'wrong.json'],
  ])('says what is wrong with %s', async (text, message) => {
    await writeFile(join(directory, 'wrong.json'), text)
    const { code, out } = await tidings(['--config', 'wrong.json'])
    expect([code, out]).toEqual([1, expect.stringContaining('Wrong: wrong.json')])
    expect(out).toContain(message)
  })

  it('says what is wrong with the environment, also for programs', async () => {
    expect(await tidings([], { env: { TIDINGS_PORT: 'x' } })).toMatchObject({
      code: 1,
      out: expect.stringContaining('Wrong: TIDINGS_PORT'),
    })
    const { code, out } = await tidings(['--json'], { env: { TIDINGS_PROT: '1' } })
    expect([code, JSON.parse(out)]).toMatchObject([1, { ok: false, error: { code: 'invalid-setting' } }])
  })
})

describe('tidings check, of a log', () => {
  it('is of the one that the settings name, by their rules', async () => {
    const env = { TIDINGS_LOG: 'lmdb:log' }
    const { code, out } = await tidings([], { env })
    expect(code).toBe(0)
    expect(out).toContain('The settings of the environment are well: given are log.\n')
    expect(out).toMatch(/^Events +30 of 2 topics, up to offset 30$/m)
    expect(out).toContain('Retention, by the rules of the settings')
    expect(out).toMatch(/^ {2}host\/\*\* +1 h, /m)
    expect(out).not.toContain('\x1b')
    expect(await tidings([], { env: { TIDINGS_LOG: 'memory:' } })).toMatchObject({
      code: 0,
      out: expect.stringContaining('nothing to examine'),
    })
  })

  it('is of one that is named, by the rules that it was left with, or those of a file', async () => {
    const { code, out } = await tidings(['log'])
    expect([code, out]).toEqual([0, expect.stringMatching(/^ {2}host\/\*\* +10 events +15 .*5 events, /m)])
    await writeFile(join(directory, 'few.json'), '{"retention": [{"selector": "**", "count": 5}]}')
    const few = await tidings(['--config', 'few.json', '--json', 'log'])
    expect(JSON.parse(few.out)).toMatchObject({
      ok: true,
      settings: { file: 'few.json' },
      log: {
        events: 30,
        retention: [{ rule: { selector: '**', count: 5 }, events: 30, dueEvents: 25 }, { events: 0 }],
        opening: { recountsRules: true },
        agreement: { problems: [], found: 0 },
      },
    })
    expect(JSON.parse((await tidings(['--quick', '--json', 'log'])).out).log).not.toHaveProperty('agreement')
  })

  it('says what is none, and touches nothing', async () => {
    const [empty, other, cut] = ['empty', 'other', 'cut'].map(name => join(directory, name)) as [string, string, string]
    await mkdir(empty)
    await mkdir(other)
    await writeFile(join(other, 'dear.txt'), 'Dear')
    await (await openLmdbLog(cut)).close()
    await truncate(join(cut, 'data.mdb'), 5_000)
    const before = await Promise.all([empty, other, cut].map(place => readdir(place)))
    for (const [place, code, message] of [
      ['not-there', 'log-unavailable', 'There is no directory'],
      ['hub.json', 'log-foreign', 'is a file'],
      ['empty', 'log-unavailable', 'it is empty'],
      ['other', 'log-foreign', 'dear.txt'],
      ['cut', 'log-corrupt', 'cut off'],
    ] as const) {
      const plain = await tidings([place])
      expect([plain.code, plain.out]).toEqual([1, expect.stringContaining(message)])
      expect(JSON.parse((await tidings([place, '--json'])).out)).toMatchObject({ ok: false, error: { code } })
    }
    expect(await Promise.all([empty, other, cut].map(place => readdir(place)))).toEqual(before)
  })

  it('is called wrongly with 2', async () => {
    expect(await tidings(['--bakup', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('--backup?') })
    expect(await tidings(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('Usage: tidings check') })
  })
})

const isRoot = process.getuid?.() === 0
const setpriv = isRoot ? requireProgram('setpriv', 'install the package util-linux of your system') : undefined
const visitor = fileURLToPath(new URL('../faults/lmdb/visitor.mjs', import.meta.url))

// Only root can become another user.
describe.skipIf(!setpriv)('tidings check, as root for another user', () => {
  const other = 65_534
  const asOther = { wrap: [setpriv as string, `--reuid=${other}`, `--regid=${other}`, '--clear-groups'] }

  it('restores what that user can open, and says what that user may not read', async () => {
    await chmod(directory, 0o755)
    const place = join(directory, 'theirs')
    await mkdir(place, { mode: 0o700 })
    await chown(place, other, other)
    await tidings(['--backup', 'copy', 'log'])
    expect(await tidings(['--restore', 'copy', place])).toMatchObject({ code: 0 })
    for (const name of await readdir(place))
      expect(await stat(join(place, name))).toMatchObject({ uid: other, gid: other })
    // Nor does a look leave anything that would keep them out.
    expect(await tidings([place])).toMatchObject({ code: 0 })
    for (const name of await readdir(place)) expect(await stat(join(place, name))).toMatchObject({ uid: other })
    expect(await tidings([place], asOther)).toMatchObject({ code: 0 })
    // They open it, and write in it.
    const [command = '', ...args] = [...asOther.wrap, process.execPath, visitor, place]
    const visit: unknown = JSON.parse((await run(command, args)).stdout)
    expect(visit).toEqual({ read: expect.arrayContaining(['29']), floor: 0, topics: 2 })
    const hub = await startHubProcess({ log: `lmdb:${join(directory, 'log')}` })
    expect(await tidings([join(directory, 'log')], asOther)).toMatchObject({
      code: 1,
      out: expect.stringContaining('may not be read by this user'),
    })
    await hub.terminate()
  })
})
