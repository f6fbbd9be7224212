import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startHubProcess } from '../support/hub-process.js'

const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-serve-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

function tidings(args: readonly string[], nodeArgs: readonly string[] = []): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, entry, ...args], {
    cwd: directory,
    encoding: 'utf8',
    timeout: 15_000,
  })
  return { code: status, said: stdout + stderr }
}

function toModule(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`
}

describe('tidings', () => {
  it.each([
    [['--help'], 0, 'Usage: tidings COMMAND'],
    [['help', 'serve'], 0, 'Usage: tidings serve'],
    [['--version'], 0, '0.1.0'],
    [['serve', '--help'], 0, '--log KIND:PLACE'],
    [[], 2, 'Usage: tidings COMMAND'],
    [['--port', '9000'], 2, 'tidings serve --port'],
    [['sreve'], 2, 'Did you mean tidings serve?'],
    [['serve', '--prot', '1'], 2, 'Did you mean --port?'],
    [['serve', '--host', '0.0.0.0'], 2, '--open'],
    [['serve', '--config', 'none.json'], 2, 'none.json: the file cannot be read (ENOENT)'],
    [['serve', '--print-config', '--port', '1'], 0, '"port": 1,'],
    [['serve', '--print-config', '--no-open'], 0, 'flag --no-open'],
  ])('%j exits with %i and says what to do', (args, code, message) => {
    expect(tidings(args)).toEqual({ code, said: expect.stringContaining(message) })
  })

  it('does not start on a port that is taken', async () => {
    const hub = await startHubProcess()
    expect(tidings(['serve', '--log', 'memory:', '--port', String(hub.port)])).toEqual({
      code: 1,
      said: expect.stringMatching(/another program does.*--port/),
    })
  })

  it('does not start on a directory that another hub has, or that holds something else', async () => {
    const log = `lmdb:${join(directory, 'log')}`
    await startHubProcess({ log })
    expect(tidings(['serve', '--log', log, '--port', '0'])).toEqual({
      code: 1,
      said: expect.stringContaining('in use'),
    })
    const other = join(directory, 'letters')
    await mkdir(other)
    await writeFile(join(other, 'dear.txt'), 'Dear')
    expect(tidings(['serve', '--log', `lmdb:${other}`, '--port', '0'])).toMatchObject({ code: 1 })
  })

  it('says both ways out where lmdb is not installed', () => {
    const hooks = toModule(`export function resolve(name, context, next) {
      if (name !== 'lmdb') return next(name, context)
      throw Object.assign(new Error("Cannot find package 'lmdb'"), { code: 'ERR_MODULE_NOT_FOUND' })
    }`)
    const preload = toModule(`import { register } from 'node:module'; register(${JSON.stringify(hooks)})`)
    const { code, said } = tidings(['serve', '--port', '0'], ['--import', preload])
    expect(code).toBe(1)
    expect(said).toContain('npm install lmdb')
    expect(said).toContain('--log memory:')
  })

  it('reports what nobody handles, and ends', async () => {
    const preload = toModule("process.once('SIGUSR2', () => void Promise.reject(new Error('nobody saw this')))")
    const hub = await startHubProcess({ nodeArgs: ['--import', preload] })
    process.kill(hub.pid, 'SIGUSR2')
    expect(await hub.ended).toEqual({ code: 1, signal: null })
    expect(hub.log().at(-1)).toMatchObject({ level: 'fatal', err: { message: 'nobody saw this' } })
  })
})

describe('the demo feeds', () => {
  it('are there with --demo, and pages of other origins hear the clock alone', async () => {
    const hub = await startHubProcess({ args: ['--demo'] })
    await vi.waitFor(
      async () => {
        const page = await fetch(`${hub.url}/topics`)
        expect(await page.text()).toMatch(/"host\/cpu".*"host\/load".*"host\/memory"/)
      },
      { timeout: 10_000 },
    )
    const foreign = { headers: { origin: 'https://elsewhere.example' } }
    const clock = await fetch(`${hub.url}/events`, foreign)
    expect([clock.status, clock.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    await clock.body?.cancel()
    expect((await fetch(`${hub.url}/events/host/cpu`, foreign)).status).toBe(403)
  })

  it('are not there without', async () => {
    const hub = await startHubProcess()
    const foreign = await fetch(`${hub.url}/events`, { headers: { origin: 'https://elsewhere.example' } })
    expect(foreign.status).toBe(403)
    expect(await (await fetch(`${hub.url}/topics`)).json()).toMatchObject({ topics: [] })
  })
})

describe('the end of the hub', () => {
  it('is not brought about by the end of whoever reads what it prints', async () => {
    const child = spawn(process.execPath, [entry, 'serve', '--log', 'memory:', '--port', '0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    const ended = once(child, 'close')
    await once(child.stdout, 'data')
    child.stdout.destroy()
    child.stderr.destroy()
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it('lets readers have what was said, asks them to come later, and frees the log', async () => {
    const options = { log: `lmdb:${join(directory, 'drained')}` }
    const hub = await startHubProcess(options)
    const stream = await fetch(`${hub.url}/events/news`)
    const text = stream.text()
    await fetch(`${hub.url}/events/news`, { method: 'POST', body: 'the last word' })
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
    expect(hub.log().slice(-2)).toMatchObject([
      { level: 'info', msg: expect.stringMatching(/^SIGTERM: ending 1 subscription, within 8 s\./), subscriptions: 1 },
      { level: 'info', msg: 'Ended 1 subscription: 1 let go.', letGo: 1, destroyed: 0 },
    ])
    const lines = (await text).split('\n')
    expect(lines).toContain('data: the last word')
    const retries = lines.filter(line => line.startsWith('retry: ')).map(line => Number(line.slice(7)))
    expect(retries.at(-1)).toBeGreaterThan(retries[0] ?? Number.POSITIVE_INFINITY)
    await startHubProcess(options)
  })

  it('waits for a request that is being sent, and ends at once at the second signal', async () => {
    const hub = await startHubProcess()
    const socket = connect(hub.port, '127.0.0.1')
    socket.on('error', () => undefined)
    await new Promise<void>(resolve => {
      socket.write(
        'POST /events/news HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n',
      )
      // The hub has seen it and wants its body.
      socket.once('data', () => resolve())
    })
    process.kill(hub.pid, 'SIGTERM')
    await vi.waitFor(() => expect(hub.output()).toContain('SIGTERM: ending'))
    // A second one that follows at once is taken for the first: npm passes on what the terminal has sent already.
    process.kill(hub.pid, 'SIGINT')
    const again = setInterval(() => process.kill(hub.pid, 'SIGINT'), 100)
    void hub.ended.then(() => clearInterval(again))
    expect(await hub.ended).toEqual({ code: 1, signal: null })
    expect(hub.output()).toContain('SIGINT: ending at once.')
    socket.destroy()
  })
})
