import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { printConfig, printOrigins } from './print.js'
import { readSettings } from './read.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-settings-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
async function fileOf(value: unknown): Promise<string> {
  const path = join(folder, `${++files}.json`)
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
  return path
}

const token = 'hunter22-hunter22'

describe('all settings', () => {
  it('are there without being given', async () => {
    const { settings, file } = await readSettings({})
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      log: { kind: 'lmdb', directory: '.tidings' },
      open: false,
      demo: false,
      publicTopics: [],
      durability: 'commit',
      drainMs: 8000,
      logLevel: 'info',
      logFormat: 'auto',
      limits: { maxEventBytes: 262_144 },
    })
    expect(settings.retention[1]).toEqual({ selector: '**', ageMs: 604_800_000, bytes: 2 ** 30 })
    expect([settings.defaultTopics, settings.metricsToken, file]).toEqual([undefined, undefined, undefined])
    expect(Object.isFrozen(settings)).toBe(true)
  })

  it('go by each other where they are not given', async () => {
    const { settings } = await readSettings({
      args: ['--demo', '--log', 'memory:', '--limits-max-connections', '100'],
    })
    expect(settings).toMatchObject({ publicTopics: ['clock'], defaultTopics: ['clock'] })
    expect(settings.retention[1]).toMatchObject({ bytes: 64 * 2 ** 20, count: 500_000 })
    expect(settings.maxRecentBytes).toBe(64 * 2 ** 20)
    expect(settings.limits).toMatchObject({ maxStreams: 90, maxLongPolls: 25 })
  })

  it('come from a flag before a variable, from that before the file, from that before the default', async () => {
    const file = await fileOf({ port: 1, drainMs: 1, retryMs: 501, limits: { maxEvents: 1 } })
    const env = { TIDINGS_PORT: '2', TIDINGS_RETRY_MS: '502', TIDINGS_CONFIG: file }
    const { settings, origins } = await readSettings({ args: ['--port', '3'], env })
    expect(settings).toMatchObject({ port: 3, retryMs: 502, drainMs: 1, stallMs: 60_000, limits: { maxEvents: 1 } })
    expect([...origins].filter(([, { kind }]) => kind !== 'default')).toEqual([
      ['port', { kind: 'flag', name: '--port' }],
      ['retryMs', { kind: 'variable', name: 'TIDINGS_RETRY_MS' }],
      ['drainMs', { kind: 'file', name: file }],
      ['limits.maxEvents', { kind: 'file', name: file }],
    ])
  })

  it('come from the file that --config names before the one of TIDINGS_CONFIG, or from one alone', async () => {
    const [one, two] = [await fileOf({ port: 1 }), await fileOf({ port: 2 })]
    const read = await readSettings({ args: ['--config', one], env: { TIDINGS_CONFIG: two } })
    expect([read.settings.port, read.file]).toEqual([1, one])
    expect((await readSettings({ file: two })).settings.port).toBe(2)
  })

  it('are refused though something else goes before what is wrong', async () => {
    const file = await fileOf({ port: 'none' })
    await expect(readSettings({ args: ['--port', '1', '--config', file] })).rejects.toThrow(
      `${file}: port: "none" is not`,
    )
  })

  it('are refused if they open the hub to others and do not say that it is meant', async () => {
    const file = await fileOf({ host: '0.0.0.0' })
    await expect(readSettings({ file })).rejects.toThrow(/"host" "0.0.0.0" can be reached by others/)
    expect((await readSettings({ file, args: ['--open'] })).settings.host).toBe('0.0.0.0')
  })
})

describe('a secret', () => {
  it('may stand in a file of its own, without the line feed at its end', async () => {
    const metricsTokenFile = await fileOf(`${token}\n`)
    const { settings, origins } = await readSettings({ env: { TIDINGS_METRICS_TOKEN_FILE: metricsTokenFile } })
    expect(settings).toMatchObject({ metricsToken: token, metricsTokenFile })
    expect(origins.get('metricsToken')).toEqual({ kind: 'variable', name: 'TIDINGS_METRICS_TOKEN_FILE' })
  })

  it('goes before its file where it was given nearer', async () => {
    const file = await fileOf({ metricsTokenFile: await fileOf('another-token') })
    const { settings } = await readSettings({ file, env: { TIDINGS_METRICS_TOKEN: token } })
    expect(settings).toMatchObject({ metricsToken: token, metricsTokenFile: undefined })
    const nearer = ['--metrics-token-file', await fileOf('another-token')]
    const byFile = await readSettings({ args: nearer, env: { TIDINGS_METRICS_TOKEN: token } })
    expect(byFile.settings.metricsToken).toBe('another-token')
  })

  it('is refused twice in one place, without its file, or if the file has none', async () => {
    const both = await fileOf({ metricsToken: token, metricsTokenFile: 'x' })
    await expect(readSettings({ file: both })).rejects.toThrow('metricsToken and metricsTokenFile are both given')
    const missing = { TIDINGS_METRICS_TOKEN_FILE: join(folder, 'none') }
    await expect(readSettings({ env: missing })).rejects.toThrow('TIDINGS_METRICS_TOKEN_FILE: ')
    const wrong = await fileOf('hunter 2')
    const refused = readSettings({ args: ['--metrics-token-file', wrong] })
    await expect(refused).rejects.toThrow(`--metrics-token-file: ${wrong}: is not 8 to 512`)
    await expect(refused).rejects.not.toThrow('hunter')
  })

  it('is not printed, and has to be put back', async () => {
    const read = await readSettings({ env: { TIDINGS_METRICS_TOKEN: token } })
    const printed = printConfig(read)
    expect(printed + printOrigins(read)).not.toContain('hunter')
    const file = await fileOf(printed)
    await expect(readSettings({ file })).rejects.toThrow(
      /metricsToken: "\(secret\)" stands where a secret was left out/,
    )
    expect((await readSettings({ file, env: { TIDINGS_METRICS_TOKEN: token } })).settings).toEqual(read.settings)
  })

  it('is printed as the name of its file', async () => {
    const read = await readSettings({ args: ['--metrics-token-file', await fileOf(token)] })
    const printed = printConfig(read)
    expect(printed).not.toContain('hunter')
    expect((await readSettings({ file: await fileOf(printed) })).settings).toEqual(read.settings)
  })
})

describe('what is printed', () => {
  it.each([
    [[]],
    [['--demo', '--log', 'memory:']],
    [
      [
        '--open',
        '--host',
        '::',
        '--allowed-hosts',
        'a.example',
        '--retention',
        '[{"selector":"**","keepLatest":true}]',
      ],
    ],
    [['--default-topics', 'a', '--default-topics', 'b/**', '--limits-max-connections', '9', '--log-level', 'warn']],
  ])('is a file that says the same (%j)', async args => {
    const read = await readSettings({ args })
    const again = await readSettings({ file: await fileOf(printConfig(read)) })
    expect(again.settings).toEqual(read.settings)
    expect(printConfig(again)).toBe(printConfig(read))
  })

  it('says where the settings came from', async () => {
    const file = await fileOf({ limits: { maxEvents: 2 } })
    const read = await readSettings({ args: ['--config', file, '--port', '1'], env: { TIDINGS_DRAIN_MS: '5' } })
    expect(printOrigins(read).split('\n')).toEqual([
      'Not by default:',
      '  port              flag --port',
      '  drainMs           variable TIDINGS_DRAIN_MS',
      `  limits.maxEvents  file ${file}`,
      '',
    ])
    expect(printOrigins(await readSettings({}))).toBe('All is by default.\n')
  })
})
