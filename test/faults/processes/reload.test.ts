import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type HubProcess, startHubProcess } from '../../support/hub-process.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-reload-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const timeout = 15_000

/** What the hub has logged of its settings. */
function messages(hub: HubProcess): readonly string[] {
  return hub
    .output()
    .split('\n')
    .flatMap(line => (line.startsWith('{') ? [(JSON.parse(line) as { msg: string }).msg] : []))
    .filter(message => message.startsWith('SIGHUP: '))
}

/** Writes the file, has it read again, and waits until the hub says `answer`. Resolves to all that it says. */
async function reload(hub: HubProcess, file: string, config: unknown, answer: string): Promise<readonly string[]> {
  await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config))
  const before = messages(hub).length
  process.kill(hub.pid, 'SIGHUP')
  const said = (): readonly string[] => messages(hub).slice(before)
  await vi.waitFor(() => expect(said().some(line => line.includes(answer))).toBe(true), { timeout })
  return said()
}

async function publish(hub: HubProcess, topic: string, data: string): Promise<number> {
  const answer = await fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data })
  await answer.text()
  return answer.status
}

/** The status that a page of another origin would get for a stream. */
async function statusForPage(hub: HubProcess, topic: string): Promise<number> {
  const headers = { origin: 'https://app.example' }
  return (await fetch(`${hub.url}/events/${topic}`, { method: 'HEAD', headers })).status
}

async function kept(hub: HubProcess, topic: string): Promise<readonly string[]> {
  const page = await fetch(`${hub.url}/events/${topic}?limit=1000`, { headers: { accept: 'application/json' } })
  const { events }: { events: readonly { data: string }[] } = JSON.parse(await page.text())
  return events.map(({ data }) => data)
}

// Windows has no SIGHUP that one process could send to another.
describe.skipIf(process.platform === 'win32')('SIGHUP', () => {
  it.each(['memory:', 'lmdb'])('changes what can change, and names what cannot (%s)', async kind => {
    const file = join(folder, `${kind}.json`)
    const log = kind === 'lmdb' ? `lmdb:${join(folder, 'log')}` : kind
    const first = { trimIntervalMs: 50, limits: { maxEventBytes: 5 } }
    await writeFile(file, JSON.stringify(first))
    const hub = await startHubProcess({ log, args: ['--config', file] })
    for (const data of ['1', '2', '3']) await publish(hub, 'news', data)
    expect([await publish(hub, 'news', '123456'), await statusForPage(hub, 'news')]).toEqual([413, 403])

    const said = await reload(
      hub,
      file,
      {
        ...first,
        drainMs: 5000,
        retention: [{ selector: 'news', count: 1 }],
        allowedOrigins: ['https://app.example'],
        limits: { maxEventBytes: 6, maxUrlBytes: 300 },
      },
      'limits.maxUrlBytes',
    )
    expect(said).toEqual([
      'SIGHUP: allowedOrigins is ["https://app.example"] now; it was [].',
      expect.stringMatching(
        /^SIGHUP: retention is \[\{"selector":"news","count":1\}\] now; it was \[\{"selector":"host/,
      ),
      'SIGHUP: limits.maxEventBytes is 6 now; it was 5.',
      'SIGHUP: drainMs stays 8000 until a restart; now it is said to be 5000.',
      'SIGHUP: limits.maxUrlBytes stays 16384 until a restart; now it is said to be 300.',
    ])
    expect([await publish(hub, 'news', '123456'), await statusForPage(hub, 'news')]).toEqual([200, 200])
    await vi.waitFor(async () => expect(await kept(hub, 'news')).toEqual(['123456']), { timeout })

    expect(await reload(hub, file, first, 'limits.maxEventBytes is 5')).toHaveLength(3)
    expect(await statusForPage(hub, 'news')).toBe(403)
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
  })

  it('refuses a wrong file as a whole, and everything goes on', async () => {
    const file = join(folder, 'wrong.json')
    await writeFile(file, JSON.stringify({ limits: { maxEventBytes: 5 } }))
    const hub = await startHubProcess({ args: ['--config', file] })
    const stream = await fetch(`${hub.url}/events/news`)
    const heard = stream.text()
    const good = { limits: { maxEventBytes: 50 } }
    for (const [wrong, why] of [
      [
        { ...good, limits: { maxEventBytes: 50, maxStrems: 1 } },
        'limits.maxStrems: there is no such setting. Did you mean limits.maxStreams?',
      ],
      [{ ...good, retention: [{ selector: '**', ageMs: 'a week' }] }, 'retention[0].ageMs: is a whole number'],
      [{ ...good, allowedOrigins: ['app.example'] }, 'allowedOrigins[0]: is an origin as browsers send it'],
      [{ ...good, host: '0.0.0.0' }, '"host" "0.0.0.0" can be reached by others'],
      ['{"limits": {"maxEventBytes": 50}', 'Not JSON: line 1, column 33'],
    ] as const) {
      const said = await reload(hub, file, wrong, why)
      expect(said).toEqual([expect.stringContaining('SIGHUP: refused as a whole; everything stays as it was.')])
      expect(await publish(hub, 'news', '123456')).toBe(413)
    }
    await rm(file)
    process.kill(hub.pid, 'SIGHUP')
    await vi.waitFor(() => expect(messages(hub).at(-1)).toContain('cannot be read (ENOENT)'), { timeout })
    expect(await publish(hub, 'news', '12345')).toBe(200)
    await reload(hub, file, good, 'limits.maxEventBytes is 50 now; it was 5.')
    expect(await publish(hub, 'news', '123456')).toBe(200)
    expect(await hub.terminate()).toEqual({ code: 0, signal: null })
    // One who listened all the while lost nothing.
    expect((await heard).match(/^data: \d+$/gm)).toEqual(['data: 12345', 'data: 123456'])
  })

  it('leaves flags and variables as they were, which go before the file', async () => {
    const file = join(folder, 'under.json')
    await writeFile(file, '{}')
    const hub = await startHubProcess({
      args: ['--config', file, '--limits-max-events', '7'],
      env: { TIDINGS_LIMITS_MAX_SELECTORS: '8' },
    })
    const said = await reload(hub, file, { limits: { maxEvents: 1, maxSelectors: 1, maxHeaders: 50 } }, 'maxHeaders')
    expect(said).toEqual(['SIGHUP: limits.maxHeaders is 50 now; it was 100.'])
    await reload(hub, file, await readFile(file, 'utf8'), 'read again; nothing is another one')
  })

  it('takes up retention as it was left, when the hub is started again with the file', async () => {
    const file = join(folder, 'again.json')
    const log = `lmdb:${join(folder, 'again')}`
    const config = { trimIntervalMs: 50, retention: [{ selector: 'news', count: 3 }] }
    await writeFile(file, JSON.stringify(config))
    const hub = await startHubProcess({ log, args: ['--config', file] })
    for (const data of ['1', '2', '3', '4']) await publish(hub, 'news', data)
    const two = { ...config, retention: [{ selector: 'news', count: 2 }] }
    await reload(hub, file, two, 'retention is')
    await vi.waitFor(async () => expect(await kept(hub, 'news')).toEqual(['3', '4']), { timeout })
    await hub.kill()
    const again = await startHubProcess({ log, args: ['--config', file] })
    await publish(again, 'news', '5')
    await vi.waitFor(async () => expect(await kept(again, 'news')).toEqual(['4', '5']), { timeout })
  })

  it('ends a hub that has no file, as the terminal that is closed means it', async () => {
    const hub = await startHubProcess()
    process.kill(hub.pid, 'SIGHUP')
    expect(await hub.ended).toEqual({ code: 0, signal: null })
    expect(hub.output()).toContain('SIGHUP: ending 0 subscriptions')
  })
})
