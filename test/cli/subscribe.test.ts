import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { EventObject } from '../../src/hub/hub.js'
import { encodeBlock } from '../../src/wire/encode.js'
import { readAll } from '../faults/processes/log-pages.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'
import { Random, runSeed } from '../support/random.js'
import { runTidings, startTidings } from '../support/tidings-process.js'
import { startTunedHub } from '../support/tuned-hub.js'

let hub: HubProcess
let directory = ''
const entry = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-subscribe-'))
  hub = await startHubProcess()
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const numbered = (count: number, from = 1) => Array.from({ length: count }, (_, i) => `line ${from + i}`)
const publish = async (topic: string, lines: readonly string[], url = hub.url, args: readonly string[] = []) => {
  const input = lines.map(line => `${line}\n`).join('')
  const { code, stderr } = await runTidings(['publish', topic, ...args], { url, input })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
}
const parse = (lines: readonly string[]): readonly EventObject[] => lines.map(line => JSON.parse(line))
const dataOf = (lines: readonly string[]) => parse(lines).map(event => event.data)

describe('what is printed', () => {
  test('time, topic, type, key and data; what plays with a terminal or looks like another event does not', async () => {
    const nasty = 'one\n2026-11-23T10:00:00.000Z forged line\r\n\x1b[31mred\x1b]0;title\x07 \x9b2J \u202eabc\ttab'
    await runTidings(['publish', 'shown', nasty, '--type', 'greeting', '--key', 'k 1'], { url: hub.url })
    const [event] = await readAll(hub.url, 'topic=shown')
    const { code, stdout, stderr } = await runTidings(['subscribe', 'shown', '--since', 'earliest', '--count', '1'], {
      url: hub.url,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      `${new Date(event?.time ?? 0).toISOString()} shown [greeting key=k 1] one`,
      '  | 2026-11-23T10:00:00.000Z forged line',
      '  | \\x1b[31mred\\x1b]0;title\\x07 \\x9b2J \\u202eabc\ttab',
      '',
    ])
    const json = await runTidings(['subscribe', 'shown', '--since', 'earliest', '--count', '1', '--json'], {
      url: hub.url,
    })
    expect(JSON.parse(json.stdout)).toEqual(event)
    expect(json.stdout).toMatch(/^[\x20-\x7e\n]+$/)
  })

  test('of several selectors in the order of the log, and the end of one topic ends it', async () => {
    await publish('several/a', ['1'])
    await publish('several/b', ['2'])
    await publish('several/a', ['3'], hub.url, ['--end'])
    const all = ['subscribe', 'several/a', 'several/*', '--since', 'earliest', '--json', '--count', '3']
    expect(dataOf((await runTidings(all, { url: hub.url })).stdout.trim().split('\n'))).toEqual(['1', '2', '3'])
    const ended = await runTidings(['subscribe', 'several/a', '--since', 'earliest'], { url: hub.url })
    expect(ended.code).toBe(0)
    expect(ended.stdout.match(/ several\/a [13]$/gm)).toHaveLength(2)
    expect(ended.stderr).toBe('The topic has ended.\n')
    const json = await runTidings(['subscribe', 'several/a', '--since', 'earliest', '--json'], { url: hub.url })
    expect(parse(json.stdout.trim().split('\n')).map(({ type, data }) => type ?? data)).toEqual(['1', '3', '$end'])
  })

  test('--latest: the newest of each topic and key, then what follows', async () => {
    for (const [key, value] of ['a1', 'b1', 'a2'].entries()) {
      await runTidings(['publish', 'latest', value, '--key', value.slice(0, 1)], { url: hub.url })
      expect(key).toBeLessThan(3)
    }
    const file = join(directory, 'latest.cursor')
    const args = ['subscribe', 'latest', '--latest', '--json', '--count', '3', '--cursor-file', file]
    const listening = startTidings(args, { url: hub.url })
    await vi.waitFor(() => expect(listening.lines()).toHaveLength(2), { timeout: 10_000 })
    await publish('latest', ['after'])
    expect((await listening.ended).code).toBe(0)
    expect(dataOf(listening.lines())).toEqual(['b1', 'a2', 'after'])
    expect(await readFile(file, 'utf8')).toBe(`${parse(listening.lines())[2]?.id}\n`)
  })

  test('a cursor that is none of this hub is a gap, which is shown', async () => {
    await publish('gap', ['kept'])
    const file = join(directory, 'foreign.cursor')
    await writeFile(file, 'zz9-5\n')
    const args = ['subscribe', 'gap', '--count', '1', '--cursor-file', file]
    const people = await runTidings(args, { url: hub.url })
    expect(people.stdout).toMatch(/ gap kept\n$/)
    expect(people.stderr).toMatch(
      /^Events may be missing between zz9-5 and [0-9a-z]+-\d+: the cursor is none of this hub\.\n$/,
    )
    await writeFile(file, 'zz9-5\n')
    const [gap, event] = parse((await runTidings([...args, '--json'], { url: hub.url })).stdout.trim().split('\n'))
    expect(gap?.type).toBe('$gap')
    expect(JSON.parse(gap?.data ?? '')).toMatchObject({ reason: 'unknown', requested: 'zz9-5' })
    expect(event?.data).toBe('kept')
  })
})

describe('what ends it', () => {
  test.each([
    ['holds no cursor', 'precious text, and no cursor\n'],
    ['is empty', ''],
  ])('a cursor file that %s is left as it is', async (message, text) => {
    const file = join(directory, 'other.txt')
    await writeFile(file, text)
    const { code, stderr } = await runTidings(['subscribe', 'a', '--cursor-file', file], { url: hub.url })
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('a cursor file that cannot be written is said, and in the end a failure', async () => {
    await publish('unwritable', ['x'])
    const file = join(directory, 'no-such-folder', 'cursor')
    const args = ['subscribe', 'unwritable', '--since', 'earliest', '--count', '1', '--cursor-file', file]
    const { code, stdout, stderr } = await runTidings(args, { url: hub.url })
    expect(code).toBe(1)
    expect(stdout).toMatch(/ unwritable x\n$/)
    expect(stderr).toContain('The cursor cannot be kept')
  })

  const prlimit = requireProgram('prlimit', 'apt-get install util-linux')
  test.skipIf(!prlimit)('a file that takes no more: the cursor is not ahead of what is in it', async () => {
    // A disk was full. The half of a batch that it had not taken was lost unsaid, the cursor stood behind it, and the exit code was 0.
    await publish('full', numbered(200))
    const place = await mkdtemp(join(directory, 'full-'))
    const [out, cursor] = [join(place, 'out'), join(place, 'cursor')]
    const args = [
      entry,
      'subscribe',
      'full',
      '--since',
      'earliest',
      '--json',
      '--count',
      '200',
      '--cursor-file',
      cursor,
    ]
    const output = openSync(out, 'w')
    const { status, stderr } = spawnSync(prlimit ?? '', ['--fsize=3000', process.execPath, ...args], {
      env: { ...process.env, TIDINGS_URL: hub.url },
      stdio: ['ignore', output, 'pipe'],
      encoding: 'utf8',
    })
    closeSync(output)
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('EFBIG') })
    const kept = (await readdir(place)).includes('cursor') ? Number(/\d+$/.exec(await readFile(cursor, 'utf8'))) : 0
    expect(kept).toBeLessThanOrEqual((await readFile(out, 'utf8')).split('\n').length - 1)
  })

  test('a hub that stays away for longer than --give-up-after', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { code, stderr } = await runTidings(['subscribe', 'a', '--give-up-after', '200ms'], { url })
    expect(code).toBe(4)
    expect(stderr).toContain('Start one with: tidings serve --port')
    expect(stderr).toContain('Gave up after')
  })
})

describe('whoever reads along', () => {
  const bash = requireProgram('bash', 'apt-get install bash')

  test.skipIf(!bash)('may go, as head does: it ends quietly', async () => {
    await publish('piped', numbered(5000))
    const script = `"$NODE" "$ENTRY" subscribe piped --since earliest | head -n 3; echo "ended \${PIPESTATUS[0]}"`
    const env = { ...process.env, NODE: process.execPath, ENTRY: entry, TIDINGS_URL: hub.url }
    const { stdout, stderr } = spawnSync(bash ?? '', ['-c', script], { env, encoding: 'utf8', timeout: 20_000 })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^(\S+ piped line [123]\n){3}ended 0\n$/)
  })

  test('may stand still: the connection does too, and nothing is lost when it is cut for that', async () => {
    const own = await startTunedHub({ hub: { stallMs: 500, retryMs: 500 } })
    const count = 120
    const filler = 'x'.repeat(150_000)
    await publish(
      'slow',
      numbered(count).map(line => `${line} ${filler}`),
      own.url,
    )
    const args = ['subscribe', 'slow', '--since', 'earliest', '--json', '--count', String(count)]
    const listening = startTidings(args, { url: own.url, isUnread: true })
    // 18 MB do not fit into what the system holds, so the hub sees a reader that takes nothing.
    await vi.waitFor(async () => expect((await own.status()).subscriptions).toBe(1), { timeout: 15_000 })
    await vi.waitFor(async () => expect((await own.status()).subscriptions).toBe(0), { timeout: 15_000 })
    let text = ''
    listening.child.stdout.setEncoding('utf8')
    for await (const chunk of listening.child.stdout) text += chunk
    expect((await listening.ended).code).toBe(0)
    const heard = text.trim().split('\n')
    expect(dataOf(heard).map(data => data.slice(0, -filler.length - 1))).toEqual(numbered(count))
    expect(listening.stderr()).toContain('Cut off')
  }, 60_000)
})

describe('cut off', () => {
  test('a connection on which nothing comes is opened anew, from its cursor', async () => {
    const asked: (string | undefined)[] = []
    const server = createServer((request: IncomingMessage, response) => {
      asked.push(request.headers['last-event-id'] as string | undefined)
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      if (asked.length > 2) {
        const data = JSON.stringify({ id: 'e1-9', topic: 'a', time: 0, data: 'at last' })
        response.write(encodeBlock({ id: 'e1-9', data }))
      } else {
        response.write(encodeBlock({ retry: 500, id: `e1-${asked.length}`, type: '$cursor', data: '' }))
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const args = ['subscribe', 'a', '--dead-after', '300ms', '--count', '1', '--url', `http://127.0.0.1:${port}`]
    const { code, stdout, stderr } = await runTidings(args)
    expect(code).toBe(0)
    expect(stdout).toBe('1970-01-01T00:00:00.000Z a at last\n')
    expect(asked).toEqual([undefined, 'e1-1', 'e1-2'])
    expect(stderr).toContain('Cut off (nothing came for 0.3 s). Trying again until it answers.\n')
    expect(stderr).toContain('Back; going on from where it was.\n')
  })

  test('a refusal ends it, with what the hub says', async () => {
    const server = createServer((_, response) => {
      const problem = { title: 'Not allowed', detail: 'You may not read "a".', code: 'not-allowed' }
      response.writeHead(403, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const { code, stderr } = await runTidings(['subscribe', 'a', '--url', `http://127.0.0.1:${port}`])
    expect(code).toBe(3)
    expect(stderr).toBe('The hub refused it: You may not read "a". (not-allowed)\n')
  })

  test('asked to end, it keeps the exact cursor: the next run goes on behind it', async () => {
    const file = join(directory, 'asked.cursor')
    const args = ['subscribe', 'asked', '--json', '--cursor-file', file]
    const first = startTidings(args, { url: hub.url })
    await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toMatch(/-\d+\n$/), { timeout: 10_000 })
    await publish('asked', numbered(300))
    await vi.waitFor(() => expect(first.lines()).toHaveLength(300), { timeout: 10_000 })
    first.child.kill('SIGTERM')
    expect(await first.ended).toMatchObject({ code: 0, stderr: '' })
    await publish('asked', numbered(5, 301))
    const { stdout } = await runTidings([...args, '--count', '5'], { url: hub.url })
    expect(dataOf([...first.lines(), ...stdout.trim().split('\n')])).toEqual(numbered(305))
    expect((await readdir(directory)).filter(name => name.includes('.new'))).toEqual([])
  })

  const seed = runSeed()
  test(`hub and reader killed, again and again: nothing is missing, TIDINGS_SEED=${seed}`, async () => {
    const random = new Random(seed)
    const where = { port: await freePort(), log: `lmdb:${join(directory, 'killed')}` }
    const tuning = { hub: { retryMs: 500 } }
    let own = await startTunedHub(tuning, where)
    const count = 8000
    const publishing = startTidings(['publish', 'killed'], { url: own.url })
    const file = join(directory, 'killed.cursor')
    const follow = (args: readonly string[] = []) =>
      startTidings(['subscribe', 'killed', '--since', 'earliest', '--json', ...args], { url: own.url })
    // One that is never killed hears each exactly once; one that is, at least once.
    const steady = follow(['--count', String(count)])
    const mortal = [follow(['--cursor-file', file])]
    const feed = async () => {
      for (const line of numbered(count)) {
        if (!publishing.child.stdin.write(`${line}\n`)) await once(publishing.child.stdin, 'drain')
      }
      publishing.child.stdin.end()
    }
    const fed = feed()
    for (let round = 1; round <= 3; round++) {
      const until = round * 2000 + random.below(1000)
      await vi.waitFor(() => expect(steady.lines().length).toBeGreaterThan(until), { timeout: 30_000, interval: 5 })
      mortal.at(-1)?.child.kill('SIGKILL')
      await own.kill()
      own = await startTunedHub(tuning, where)
      mortal.push(follow(['--cursor-file', file]))
    }
    await fed
    expect((await publishing.ended).code).toBe(0)
    expect((await steady.ended).code).toBe(0)
    expect(dataOf(steady.lines())).toEqual(numbered(count))
    const last = mortal.at(-1)
    await vi.waitFor(() => expect(dataOf(last?.lines().slice(-1) ?? [])).toEqual([`line ${count}`]), {
      timeout: 20_000,
    })
    last?.child.kill('SIGTERM')
    await Promise.all(mortal.map(each => each.ended))
    const runs = mortal.map(each => dataOf(each.lines()).map(data => Number(data.slice(5))))
    let heard = 0
    for (const run of runs) {
      // Each run begins at or before the next line, and goes on from there without a hole.
      expect(run[0] ?? 1).toBeLessThanOrEqual(heard + 1)
      expect(run).toEqual(run.map((_, i) => (run[0] ?? 0) + i))
      heard = run.at(-1) ?? heard
    }
    expect(heard).toBe(count)
    expect(runs.filter(run => run.length > 0).length).toBeGreaterThan(1)
  }, 120_000)
})
