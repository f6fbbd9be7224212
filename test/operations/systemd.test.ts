import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireProgram } from '../support/programs.js'

const unit = fileURLToPath(new URL('../../operations/systemd/tidings.service', import.meta.url))
const analyze = requireProgram('systemd-analyze', 'apt-get install systemd')

/** The default of the setting `drainMs`, and the second that the hub takes at most to close its log. */
const endMs = 8_000 + 1_000

describe('the systemd unit', () => {
  let directory = ''
  let text = ''
  const settingOf = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-systemd-'))
    text = await readFile(unit, 'utf8')
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it.skipIf(!analyze)('is one that systemd takes without a word', async () => {
    // The program is not installed where it would be.
    const copy = join(directory, 'tidings.service')
    await writeFile(copy, text.replace('/usr/bin/tidings', process.execPath))
    const { status, stdout, stderr } = spawnSync(analyze ?? '', ['verify', copy], { encoding: 'utf8' })
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
  })

  it.skipIf(!analyze)('is shut off from the rest of the machine, as systemd judges it', () => {
    const { stdout } = spawnSync(analyze ?? '', ['security', '--offline=yes', '--no-pager', unit], { encoding: 'utf8' })
    expect(Number(/exposure level for tidings\.service: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2)
  })

  it('gives the hub the time that it takes to drain, reloads by SIGHUP, and keeps its log', () => {
    expect(Number(settingOf('TimeoutStopSec')) * 1000).toBeGreaterThan(endMs)
    expect(settingOf('ExecReload')).toMatch(/kill -HUP \$MAINPID$/)
    expect(settingOf('ExecStart')).toContain(`--log lmdb:/var/lib/${settingOf('StateDirectory')}`)
    expect(settingOf('ExecStart')).toContain(`--config /etc/${settingOf('ConfigurationDirectory')}/`)
    expect(Number(settingOf('LimitNOFILE'))).toBeGreaterThanOrEqual(20_000)
  })
})
