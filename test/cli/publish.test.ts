import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readAll } from '../faults/processes/log-pages.js'
import { startHub } from '../http/hub-on-http.js'
import { startCuttingProxy } from '../support/cutting-proxy.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'
import { requireProgram } from '../support/programs.js'
import { Random, runSeed } from '../support/random.js'
import { runTidings, startTidings } from '../support/tidings-process.js'

let hub: HubProcess
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-publish-'))
  hub = await startHubProcess()
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const data = async (topic: string, url = hub.url) => (await readAll(url, `topic=${topic}`)).map(event => event.data)
const patience = { timeout: 20_000, interval: 20 }
const numbered = (count: number, prefix = 'line') => Array.from({ length: count }, (_, i) => `${prefix} ${i + 1}`)

describe('one event', () => {
  test('its id is printed, and nothing else', async () => {
    const args = ['publish', 'one', 'Hello, 세계', '--type', 'greeting', '--key', 'k', '--event-id', 'mine']
    const { code, stdout, stderr } = await runTidings(args, { url: hub.url })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [event] = await readAll(hub.url, 'topic=one')
    expect(event).toMatchObject({ data: 'Hello, 세계', type: 'greeting', key: 'k', eventId: 'mine' })
    expect(stdout).toBe(`${event?.id}\n`)
  })

  test('what the hub refuses is said with its code', async () => {
    await runTidings(['publish', 'over', 'last', '--end'], { url: hub.url })
    const { code, stdout, stderr } = await runTidings(['publish', 'over', 'more'], { url: hub.url })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/The topic "over" has ended.* \(topic-ended\)\n$/)
  })

  test('called wrongly, it says how, and publishes nothing', async () => {
    const { code, stdout, stderr } = await runTidings(['publish', 'a*', 'x'], { url: hub.url })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('TOPIC: "a*": Not a topic')
  })

  test('where no hub is: how to start one; and that it was not published', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const { code, stderr } = await runTidings(['publish', 'a', 'x', '--give-up-after', '0s'], { url })
    expect(code).toBe(4)
    expect(stderr).toContain(`tidings serve --port ${port}`)
    expect(stderr).toContain('The event was not published.')
  })

  test('it waits for the hub to be started', async () => {
    const port = await freePort()
    const publishing = startTidings(['publish', 'waited', 'x'], { url: `http://127.0.0.1:${port}`, input: '' })
    await vi.waitFor(() => expect(publishing.stderr()).toContain('Trying again for 90 s.'), { timeout: 10_000 })
    const { url } = await startHubProcess({ port })
    expect((await publishing.ended).code).toBe(0)
    expect(await data('waited', url)).toEqual(['x'])
  })

  test('what is no hub is not asked twice', async () => {
    let requests = 0
    const server = createServer((_, response) => {
      requests++
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<p>Not here.')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const { code, stderr } = await runTidings(['publish', 'a', 'x', '--url', `http://127.0.0.1:${port}`])
    expect(code).toBe(1)
    expect(stderr).toContain('is not a hub of Tidings: it answers 404 with text/html')
    expect(requests).toBe(1)
  })
})

describe('lines', () => {
  test('each is an event; CRLF, empty lines, a mark at the head and a last line without its end are met', async () => {
    const input = '\uFEFFfirst\r\n\r\n\nsecond\n  \ninner\rreturn\nlast'
    expect(await runTidings(['publish', 'forms'], { url: hub.url, input })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(await data('forms')).toEqual(['first', 'second', '  ', 'inner\rreturn', 'last'])
  })

  test('what is refused is said with its line, and the others are published in their order', async () => {
    const lines: Buffer[] = numbered(3000).map(line => Buffer.from(line))
    lines[9] = Buffer.from([0xff, 0xfe, 0x00])
    lines[1499] = Buffer.alloc(300_000, 'x')
    lines[1500] = Buffer.alloc(17 * 1024 * 1024, 'y')
    lines[2999] = Buffer.alloc(300_000, 'z')
    const input = Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')]))
    const { code, stderr } = await runTidings(['publish', 'refused'], { url: hub.url, input })
    expect(code).toBe(3)
    expect(stderr.split('\n').filter(Boolean).sort()).toEqual([
      'Line 10 was refused: The bytes of the line are not UTF-8. (invalid-utf8)',
      'Line 1500 was refused: The data of an event has at most 262144 bytes. (too-large)',
      'Line 1501 was refused: A line has at most 16777216 bytes. (too-large)',
      'Line 3000 was refused: The data of an event has at most 262144 bytes. (too-large)',
    ])
    const wanted = numbered(3000).filter((_, i) => ![9, 1499, 1500, 2999].includes(i))
    expect(await data('refused')).toEqual(wanted)
  })

  test('with --json each is an event object; what is wrong with one is said, the others are published', async () => {
    const input = [
      '{"topic":"json/a","data":{"n":12345678901234567890},"key":"k"}',
      '{"data":"default"}',
      '{ "topic" : "json/a", "data": 1, }',
      '',
      '[1]',
      '{"topic":"json/a","dat":1}',
      '{"topic":"$hub","data":1}',
      '{"topic":"json/b","data":"bye","end":true}',
      '{"topic":"json/b","data":"too late"}',
      '{}',
      '{"topic":"json/c","data":"still here"}',
    ].join('\n')
    const { code, stderr } = await runTidings(['publish', 'json/default', '--json'], { url: hub.url, input })
    expect(code).toBe(3)
    const said = [...stderr.matchAll(/^Line (\d+) was refused: .* \(([a-z0-9-]+)\)$/gm)].map(([, ...rest]) => rest)
    expect(said.sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual([
      ['3', 'invalid-json'],
      ['5', 'invalid-event'],
      ['6', 'unknown-member'],
      ['7', 'reserved-topic'],
      ['9', 'topic-ended'],
      ['10', 'invalid-event'],
    ])
    expect(stderr).toContain('line 3, column 34')
    expect((await readAll(hub.url, 'topic=json/**')).map(event => [event.topic, event.data])).toEqual([
      ['json/a', '{"n":12345678901234567890}'],
      ['json/default', 'default'],
      ['json/b', 'bye'],
      ['json/c', 'still here'],
    ])
  })

  test('hundreds of refused lines among thousands cost no storm of requests, and no order', async () => {
    await runTidings(['publish', 'closed', 'x', '--end'], { url: hub.url })
    const random = new Random(7)
    const isBad = numbered(2000).map(() => random.chance(0.2))
    const input = isBad
      .map((bad, i) => `${JSON.stringify({ topic: bad ? 'closed' : 'open', data: String(i) })}\n`)
      .join('')
    const { code, stderr } = await runTidings(['publish', '--json'], { url: hub.url, input })
    expect(code).toBe(3)
    const refused = [...stderr.matchAll(/^Line (\d+) was refused/gm)].map(match => Number(match[1]) - 1)
    expect(refused).toEqual(isBad.flatMap((bad, i) => (bad ? [i] : [])))
    expect(await data('open')).toEqual(isBad.flatMap((bad, i) => (bad ? [] : [String(i)])))
  })

  test('a topic that has ended ends it, with what was not published', async () => {
    await runTidings(['publish', 'ended', 'x', '--end'], { url: hub.url })
    const { code, stderr } = await runTidings(['publish', 'ended'], { url: hub.url, input: 'a\nb\n' })
    expect(code).toBe(3)
    expect(stderr).toContain('The topic ended has ended')
    expect(stderr).toContain('0 published. Not published: lines 1 to 2.')
  })

  test('--end makes the last line the last of the topic', async () => {
    await runTidings(['publish', 'finite', '--end'], { url: hub.url, input: 'a\nb\n\n' })
    const events = await readAll(hub.url, 'topic=finite')
    expect(events.map(({ data, end }) => [data, end])).toEqual([
      ['a', undefined],
      ['b', true],
    ])
  })

  test('a line goes out though no other follows', async () => {
    const publishing = startTidings(['publish', 'slow'], { url: hub.url })
    publishing.child.stdin.write('first\nunfin')
    await vi.waitFor(async () => expect(await data('slow')).toEqual(['first']), { timeout: 10_000 })
    publishing.child.stdin.end('ished')
    expect((await publishing.ended).code).toBe(0)
    expect(await data('slow')).toEqual(['first', 'unfinished'])
  })

  test('asked to end, it publishes what it has read, and says where it stopped', async () => {
    const publishing = startTidings(['publish', 'asked'], { url: hub.url })
    publishing.child.stdin.write('first\n')
    await vi.waitFor(async () => expect(await data('asked')).toEqual(['first']), { timeout: 10_000 })
    publishing.child.kill('SIGTERM')
    expect(await publishing.ended).toMatchObject({ code: 0, stderr: 'Ended behind line 1 of the input.\n' })
  })

  test('given up: which lines are not published, and which may be', async () => {
    const own = await startHubProcess()
    const publishing = startTidings(['publish', 'lost', '--give-up-after', '300ms'], { url: own.url })
    publishing.child.stdin.write('a\nb\n')
    await vi.waitFor(async () => expect(await data('lost', own.url)).toEqual(['a', 'b']), { timeout: 10_000 })
    await own.kill()
    publishing.child.stdin.write('c\n\nd\n')
    const { code, stderr } = await publishing.ended
    expect(code).toBe(4)
    expect(stderr).toMatch(/2 published\. (Unknown whether p|Not p)ublished: lines 3 to 5/)
  })
})

describe('a cut, and the hub killed', () => {
  test('answers that get lost: each line once, in order', async () => {
    const random = new Random(3)
    const proxy = await startCuttingProxy(hub.port, { passes: bytes => (random.chance(0.4) ? 0 : bytes) })
    const input = numbered(10_000)
      .map(line => `${line}\n`)
      .join('')
    expect(await runTidings(['publish', 'lossy'], { url: proxy.url, input })).toMatchObject({ code: 0 })
    expect(proxy.cuts).toBeGreaterThan(3)
    expect(await data('lossy')).toEqual(numbered(10_000))
  })

  test('the answer to one event that gets lost: it is there once', async () => {
    let left = 3
    const proxy = await startCuttingProxy(hub.port, { passes: bytes => (left-- > 0 ? 0 : bytes) })
    const { stdout } = await runTidings(['publish', 'lossy-one', 'x'], { url: proxy.url })
    expect(proxy.cuts).toBe(3)
    expect((await readAll(hub.url, 'topic=lossy-one')).map(event => `${event.id}\n`)).toEqual([stdout])
  })

  test('an answer that gets lost, and a hub that has no room in the middle of the repeat: each line once, in order', async () => {
    const { server: itself, url, close } = await startHub()
    const { settings } = itself
    const keys: unknown[] = []
    const between = createServer(async (incoming, answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk)
      const body = Buffer.concat(chunks)
      const { method, headers } = incoming
      const attempt = keys.push(headers['idempotency-key'])
      const asking = request(url + incoming.url, { method, headers }, response => {
        if (attempt === 1) {
          response.resume().once('end', () => answer.destroy())
          return
        }
        itself.reconfigure(settings)
        answer.writeHead(response.statusCode ?? 500, response.headers)
        response.pipe(answer)
      })
      if (attempt === 2) {
        const half = Math.floor(body.length / 2)
        asking.write(body.subarray(0, half))
        await vi.waitFor(async () => expect((await itself.status()).publishBytes).toBeGreaterThan(half), patience)
        itself.reconfigure({ ...settings, limits: { ...settings.limits, maxPublishBytesInFlight: 0 } })
        asking.end(body.subarray(half))
      } else asking.end(body)
    }).listen(0, '127.0.0.1')
    await once(between, 'listening')
    onTestFinished(async () => {
      between.closeAllConnections()
      between.close()
      await close()
    })
    const address = between.address()
    const way = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const lines = numbered(40, 'x'.repeat(1000))
    expect(await runTidings(['publish', 'twice'], { url: way, input: lines.join('\n') })).toMatchObject({ code: 0 })
    expect(await data('twice', url)).toEqual(lines)
    expect([keys.length, new Set(keys).size]).toEqual([3, 1])
  })

  const seed = runSeed()
  test(`a log of 12,000 lines while the hub is killed: each line once, in order, TIDINGS_SEED=${seed}`, async () => {
    const random = new Random(seed)
    const where = { port: await freePort(), log: `lmdb:${join(directory, 'killed')}` }
    let own = await startHubProcess(where)
    const publishing = startTidings(['publish', 'killed'], { url: own.url })
    const { stdin } = publishing.child
    const lines = numbered(12_000)
    const kills = new Set(Array.from({ length: 4 }, (_, i) => (i + 1) * 2500 + random.below(2000)))
    for (const [i, line] of lines.entries()) {
      if (!stdin.write(`${line}\n`)) await once(stdin, 'drain')
      if (!kills.has(i)) continue
      await own.kill()
      own = await startHubProcess(where)
    }
    stdin.end()
    expect((await publishing.ended).code).toBe(0)
    expect(await data('killed', own.url)).toEqual(lines)
  }, 60_000)
})

describe('tail -F', () => {
  const tail = requireProgram('tail', 'apt-get install coreutils')

  test.skipIf(!tail)(
    'a log that is rotated in full flow loses no line',
    async () => {
      const file = join(directory, 'app.log')
      await writeFile(file, '')
      const tailing = spawn(tail ?? '', ['-n', '+1', '-F', file], { stdio: ['ignore', 'pipe', 'ignore'] })
      onTestFinished(() => void tailing.kill())
      const publishing = startTidings(['publish', 'rotated'], { url: hub.url })
      tailing.stdout.pipe(publishing.child.stdin)
      const lines = numbered(4000)
      for (let from = 0; from < lines.length; from += 1000) {
        const part = lines.slice(from, from + 1000)
        for (const line of part) await appendFile(file, `${line}\n`)
        // As logrotate does: `tail -F` notices one rotation at a time.
        await vi.waitFor(async () => expect(await data('rotated')).toContain(part.at(-1)), { timeout: 15_000 })
        await rename(file, `${file}.${from}`)
        await writeFile(file, '')
      }
      tailing.kill()
      expect((await publishing.ended).code).toBe(0)
      expect(await data('rotated')).toEqual(lines)
    },
    60_000,
  )
})
