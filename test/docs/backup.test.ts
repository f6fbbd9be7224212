import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest'
import { startHubProcess } from '../support/hub-process.js'

// Every line is a process of its own, which a busy machine may take its time to start.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const read = (page: string) => readFile(new URL(`../../docs/guide/${page}`, import.meta.url), 'utf8')
const backup = await read('backup.md')
const [, check = ''] = (await read('command-line.md')).split('## tidings check\n')
const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** The shell blocks of a text that say `name` of themselves. */
function blocks(name: string, text = backup): readonly string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`sh ${name}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code)
}

let home = ''
let path = ''

/** Runs it in a directory that has `.tidings`, where `tidings` is the built program. */
async function type(code: string): Promise<string> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-euc', code], {
    cwd: home,
    env: { ...process.env, PATH: path },
  })
  return stdout
}

const say = (url: string, body: string) => fetch(`${url}/events/news`, { method: 'POST', body })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidings-backup-page-'))
  const programs = join(home, 'programs')
  await mkdir(programs)
  await writeFile(join(programs, 'tidings'), `#!/bin/sh\nexec "${process.execPath}" "${entry}" "$@"\n`, { mode: 0o755 })
  path = `${programs}${delimiter}${process.env['PATH']}`
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe('docs/guide/backup.md', () => {
  it('copies a log in use, and puts it back, by what it says to type', async () => {
    const place = { log: `lmdb:${join(home, '.tidings')}` }
    let hub = await startHubProcess(place)
    await say(hub.url, 'kept')
    for (const code of blocks('steps')) expect(await type(code)).toMatch(/1 event up to|1 of 1 topic/)
    await say(hub.url, 'lost')
    const restore = blocks('restore').join('')
    const replace = blocks('replace').join('')
    await expect(type(replace)).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('in use') })
    await hub.terminate()
    await expect(type(restore)).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('--replace') })
    expect(await type(replace)).toContain('new epoch')
    expect(await readdir(join(home, '.tidings'))).toContainEqual(expect.stringMatching(/^replaced-/))
    await rm(join(home, '.tidings'), { recursive: true })
    expect(await type(restore)).toContain('new epoch')
    hub = await startHubProcess(place)
    const page = await fetch(`${hub.url}/events/news`, { headers: { accept: 'application/json' } })
    expect(await page.json()).toMatchObject({ events: [{ data: 'kept' }] })
    await hub.terminate()
  })

  it('keeps the newest fourteen by its script', async () => {
    const script = join(home, 'tidings-backup')
    await writeFile(script, blocks('script').join(''))
    await chmod(script, 0o755)
    const backups = join(home, 'backups')
    await mkdir(backups)
    const nights = Array.from({ length: 16 }, (_, i) => `202001${String(i + 10)}T031000Z`)
    for (const night of nights) await mkdir(join(backups, night))
    const [old, fresh] = [
      '20200109T031000Z.partial-0123456789abcdef',
      '20990109T031000Z.partial-0123456789abcdef',
    ] as const
    for (const name of [old, fresh]) await mkdir(join(backups, name))
    await utimes(join(backups, old), 1_578_000_000, 1_578_000_000)
    await type(`${script} .tidings backups`)
    const names = (await readdir(backups)).sort()
    expect(names.slice(0, 13)).toEqual(nights.slice(-13))
    expect(names.slice(13)).toEqual([expect.stringMatching(/^20\d{6}T\d{6}Z$/), fresh])
  })
})

test('docs/guide/command-line.md says what to type to check', async () => {
  const hub = await startHubProcess({ log: `lmdb:${join(home, '.tidings')}` })
  await writeFile(join(home, 'hub.json'), '{"port": 9000}')
  await rm(join(home, 'monday'), { recursive: true, force: true })
  const said: string[] = []
  for (const code of blocks('script', check)) said.push(await type(code))
  expect(said).toEqual([
    expect.stringContaining('are well'),
    expect.stringContaining('agree with the events'),
    expect.stringContaining('Backed up to'),
  ])
  await hub.terminate()
})
