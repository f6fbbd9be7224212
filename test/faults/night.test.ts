import { execFileSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readMetrics } from '../operations/samples.js'
import { freePort, type HubProcess, type LogLine, startHubProcess, toLogLines } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'
import { Random, runSeed } from '../support/random.js'
import { readAll } from './processes/log-pages.js'
import { Publisher } from './processes/publisher.js'
import { ResumingReader } from './processes/resuming-reader.js'

const prlimit = requireProgram('prlimit', 'apt-get install util-linux')
const patience = { timeout: 20_000, interval: 20 }
const hourMs = 3_600_000
const seed = runSeed()

/** A clock that is by so much wrong as a file says, which is read at the start and at SIGUSR2. */
const toClock = (file: string) =>
  `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs'
  const now = Date.now
  let offset = 0
  const set = () => { offset = Number(readFileSync(${JSON.stringify(file)}, 'utf8')) }
  set()
  process.on('SIGUSR2', set)
  Date.now = () => now() + offset
`)}`

/** Not what only tried the full disk. */
const isSaid = ({ data }: { readonly data: string }): boolean => !data.startsWith('xxx')

describe.skipIf(!prlimit || process.platform !== 'linux')(`a full night in a minute, TIDINGS_SEED=${seed}`, () => {
  let directory = ''
  let logFile = ''
  let clockFile = ''
  let configFile = ''
  let where: Parameters<typeof startHubProcess>[0] & { port: number }
  let hub: HubProcess
  let readers: readonly ResumingReader[] = []
  let publishers: readonly Publisher[] = []
  let rotated: readonly LogLine[] = []
  let errors = 0

  /** What the operator has been told so far, over rotations and restarts. */
  async function told(): Promise<readonly LogLine[]> {
    return [...rotated, ...toLogLines(await readFile(logFile, 'utf8'))]
  }

  /** Waits until the operator is told that, for the `count`th time; resolves to the line. */
  async function tells(level: string, msg: RegExp, count = 1): Promise<LogLine> {
    const found = async () => (await told()).filter(line => line.level === level && msg.test(line.msg))
    await vi.waitFor(async () => expect((await found()).length, `${msg}`).toBeGreaterThanOrEqual(count), patience)
    return (await found())[count - 1] as LogLine
  }

  /** Waits until everybody who publishes was answered some times more, and everybody who reads has heard it. */
  async function goesOn(): Promise<void> {
    const said = publishers.map(({ answered }) => answered.length + 5)
    const isAnswered = () => expect(publishers.every(({ answered }, i) => answered.length >= (said[i] ?? 0))).toBe(true)
    await vi.waitFor(isAnswered, patience)
    const last = publishers.map(({ answered }) => answered.at(-1)?.data)
    const isHeard = () => expect(readers.every(({ data }) => last.every(each => data.includes(each ?? '')))).toBe(true)
    await vi.waitFor(isHeard, patience)
  }

  async function setClock(offsetMs: number): Promise<void> {
    await writeFile(clockFile, String(offsetMs))
    process.kill(hub.pid, 'SIGUSR2')
  }

  const limitFileSize = (soft: number | 'unlimited') =>
    execFileSync(prlimit ?? '', ['--pid', String(hub.pid), `--fsize=${soft}:unlimited`])

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-night-'))
    logFile = join(directory, 'hub.log')
    clockFile = join(directory, 'clock')
    configFile = join(directory, 'tidings.json')
    await writeFile(clockFile, '0')
    await writeFile(configFile, '{ "logLevel": "info" }')
    // As a shell opens it with `2>>`.
    errors = openSync(logFile, 'a')
    where = {
      port: await freePort(),
      log: `lmdb:${join(directory, 'log')}`,
      args: ['--config', configFile],
      nodeArgs: ['--import', toClock(clockFile)],
      // 256 are to these tests what 20,000 are to a hub in earnest.
      wrap: [prlimit ?? '', '--nofile=256:256'],
      errors,
    }
    hub = await startHubProcess(where)
    const { port } = hub
    readers = [
      new ResumingReader({ port, target: '/events?topic=**' }),
      new ResumingReader({ port, target: '/events?topic=night/*', cursorIn: 'parameter' }),
    ]
    for (const reader of readers) await vi.waitFor(() => expect(reader.lastEventId).not.toBe(''), patience)
    const random = new Random(seed)
    publishers = (['single', 'array'] as const).map(
      form => new Publisher({ port, name: form, form, repeats: true, topics: ['night/a', 'night/b'], random }),
    )
    await goesOn()
  }, 60_000)

  afterAll(async () => {
    for (const publisher of publishers) publisher.abandon()
    for (const reader of readers) reader.stop()
    await hub.kill()
    await rm(directory, { recursive: true, force: true })
  })

  it('begins with who runs, as what, and where', async () => {
    expect(await tells('info', /starts\.$/)).toMatchObject({ version: '0.1.0', pid: hub.pid })
    expect(await tells('info', /^Listening on /)).toMatchObject({ url: hub.url, log: where.log })
  })

  it('the clock is set back: it is told, and events go on with times that do not', async () => {
    await setClock(-hourMs)
    const { byMs } = await tells('warn', /^The clock was set back/)
    expect(Number(byMs)).toBeGreaterThan(hourMs - 5_000)
    await goesOn()
    expect((await readMetrics(hub.url)).of('tidings_log_ahead_seconds')).toBeGreaterThan(3_500)
  })

  it('the log of the hub is rotated by copying and emptying it: it goes on from the beginning of the file', async () => {
    const old = join(directory, 'hub.log.1')
    await copyFile(logFile, old)
    await truncate(logFile)
    rotated = toLogLines(await readFile(old, 'utf8'))
    expect(rotated.at(-1)?.msg).toMatch(/^The clock was set back/)
    await setClock(0)
    await tells('warn', /^The clock went ahead/)
    expect(await readFile(logFile, 'utf8')).toMatch(/^\{"level":"warn",/)
  })

  it('the disk fills up: publishing is refused and readers stay; it is freed: all goes on', async () => {
    limitFileSize((await stat(join(directory, 'log', 'data.mdb'))).size)
    const refusal = await tells('error', /^The log is full: publishing is refused/)
    expect(refusal).toMatchObject({ err: { code: 'log-full', message: expect.stringContaining('disk is full') } })
    // Something small may still find room.
    const big = 'x'.repeat(200_000)
    const publish = async () => (await fetch(`${hub.url}/events/night/a`, { method: 'POST', body: big })).status
    await vi.waitFor(async () => expect(await publish()).toBe(503), patience)
    const held = await fetch(`${hub.url}/events/night/a`, { headers: { accept: 'application/json' } })
    expect(held.status).toBe(200)
    limitFileSize('unlimited')
    expect(Number((await tells('info', /^The log takes events again/))['refused'])).toBeGreaterThan(0)
    await goesOn()
  }, 40_000)

  it('the settings are read again and are wrong: they are refused as a whole, and the hub goes on as before', async () => {
    await writeFile(configFile, '{ "logLevel": "info", "limits": { "maxStreems": 7 } }')
    process.kill(hub.pid, 'SIGHUP')
    const { msg } = await tells('error', /^SIGHUP: refused as a whole; everything stays as it was/)
    expect(msg).toContain('Did you mean limits.maxStreams?')
    await goesOn()
    await writeFile(configFile, '{ "logLevel": "info", "retention": [{ "selector": "**", "ageMs": 86400000 }] }')
    process.kill(hub.pid, 'SIGHUP')
    await tells('info', /^SIGHUP: retention/)
    await goesOn()
  })

  it('more come than there are descriptors for: some are asked to come back, and the others do not notice', async () => {
    const sockets: Socket[] = []
    const open = (text: string): Promise<string> =>
      new Promise(resolve => {
        const socket = connect(where.port, '127.0.0.1', () => void socket.write(text))
        sockets.push(socket)
        socket.once('data', bytes => resolve(bytes.toString()))
        socket.on('error', () => undefined)
        socket.once('close', () => resolve(''))
      })
    const request = 'GET /events/night/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n'
    const answers = await Promise.all(Array.from({ length: 185 }, () => open(request)))
    expect(answers.filter(text => text.includes('$cursor')).length).toBeGreaterThan(150)
    expect(answers.filter(text => text.includes('overloaded')).length).toBeGreaterThan(0)
    expect(await tells('warn', /^Readers were refused: too many at once/)).toMatchObject({ maxStreams: 172 })
    // These say nothing, and have ten seconds for it.
    for (let i = 0; i < 60; i++) void open('')
    expect(await tells('warn', /^Connections were closed unheard/)).toMatchObject({ maxConnections: 192 })
    await goesOn()
    for (const socket of sockets) socket.destroy()
    await vi.waitFor(async () => {
      expect((await readMetrics(hub.url)).of('tidings_connections')).toBeLessThan(20)
    }, patience)
  }, 40_000)

  it('the hub is restarted, in order and by force: readers and publishers come back by themselves', async () => {
    const before = (await told()).length
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
    expect((await told()).slice(before).map(({ level, msg }) => [level, msg])).toEqual(
      expect.arrayContaining([
        ['info', 'SIGTERM: ending 2 subscriptions, within 8 s. Once more ends at once.'],
        ['info', 'Ended 2 subscriptions: 2 let go.'],
      ]),
    )
    hub = await startHubProcess(where)
    await goesOn()
    // It comes back with a clock that is wrong.
    await setClock(-hourMs)
    await tells('warn', /^The clock was set back/, 2)
    await hub.kill()
    hub = await startHubProcess(where)
    const { byMs } = await tells('warn', /^The newest event is ahead of the clock/)
    expect(Number(byMs)).toBeGreaterThan(hourMs - 60_000)
    expect(await tells('info', /starts\.$/, 3)).toMatchObject({ pid: hub.pid })
    await goesOn()
  }, 60_000)

  it('in the morning nothing is lost, and nothing came twice', async () => {
    await Promise.all(publishers.map(publisher => publisher.stop()))
    const log = (await readAll(hub.url)).filter(isSaid)
    const said = publishers.flatMap(({ attempted }) => attempted).map(({ data }) => data)
    expect(log.map(({ data }) => data).sort()).toEqual([...said].sort())
    const times = log.map(({ time }) => time)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    for (const reader of readers) {
      const heard = () => reader.events.filter(isSaid).map(({ data }) => data)
      await vi.waitFor(() => expect(heard().length).toBeGreaterThanOrEqual(log.length), patience)
      expect(heard()).toEqual(log.map(({ data }) => data))
      expect(reader.gaps).toEqual([])
    }
    // Nothing else was told than what there was to tell.
    const surprises = (await told()).filter(({ level }) => level === 'fatal' || level === 'trace')
    expect(surprises).toEqual([])
    const faults = (await told()).filter(({ level }) => level === 'error')
    expect(faults.filter(({ msg }) => !/^The log is full|^SIGHUP: refused/.test(msg))).toEqual([])
    // Neither what was said nor by which names.
    expect(JSON.stringify(await told())).not.toMatch(/night\/|single 0|array 0/)
  }, 60_000)
})
