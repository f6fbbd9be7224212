import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { blocksOf, readDocument } from '../support/document.js'
import { freePort, type HubProcess, startHubProcess } from '../support/hub-process.js'
import { findProgram, requireProgram } from '../support/programs.js'

const openssl = requireProgram('openssl', 'apt-get install openssl')
const nginx = requireProgram('nginx', 'apt-get install nginx')

interface Place {
  readonly directory: string
  readonly port: number
  readonly certificate: string
  readonly key: string
}

interface Proxy {
  readonly program: string | undefined
  /** What stands in the document, so that it runs here: on a port of its own, with a certificate, without what is the system's. */
  readonly adapt: (config: string, place: Place) => string
  readonly args: (file: string, place: Place) => readonly string[]
}

const proxies: Readonly<Record<string, Proxy>> = {
  nginx: {
    program: nginx,
    adapt: (config, { directory, port }) => `
daemon off;
pid ${directory}/pid;
error_log stderr;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  gzip on;
  gzip_types *;
  ${config.replace('listen 443', `listen 127.0.0.1:${port}`)}
}`,
    args: file => ['-c', file, '-e', 'stderr'],
  },
  // The others are tried wherever they are; no machine has to have them all.
  caddy: {
    program: findProgram('caddy'),
    adapt: (config, { port, certificate, key }) =>
      `{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system ${certificate}.d\n}\n${config.replace(
        'www.example {',
        `https://127.0.0.1:${port} {\n\tencode gzip\n\ttls ${certificate} ${key}`,
      )}`,
    args: file => ['run', '--adapter', 'caddyfile', '--config', file],
  },
  haproxy: {
    program: findProgram('haproxy'),
    adapt: (config, { port }) => config.replace('bind :443', `bind 127.0.0.1:${port}`),
    args: file => ['-db', '-f', file],
  },
}

const configs = new Map(
  blocksOf(await readDocument('docs/guide/proxies.md')).flatMap(({ says, code }) => {
    const name = /^config (\S+)$/.exec(says)?.[1]
    return name === undefined ? [] : [[name, code]]
  }),
)

it('docs/guide/proxies.md shows the proxies that are tried here', () => {
  expect([...configs.keys()]).toEqual(Object.keys(proxies))
})

describe.each(Object.entries(proxies).filter(([name, { program }]) => name === 'nginx' || program))(
  '%s, as docs/guide/proxies.md sets it up',
  (name, { program, adapt, args }) => {
    let hub: HubProcess
    let place: Place
    let session: ClientHttp2Session
    let stop = async (): Promise<void> => undefined
    let said = ''

    const isMissing = !program || !openssl
    beforeAll(async () => {
      if (isMissing) return
      const directory = await mkdtemp(join(tmpdir(), `tidings-${name}-`))
      hub = await startHubProcess()
      const [certificate, key] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')]
      const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
      const made = ['-keyout', key, '-out', certificate, '-newkey', 'rsa:2048', '-nodes', '-x509']
      execFileSync(openssl, ['req', ...made, ...subject], { stdio: 'ignore' })
      const both = join(directory, 'both.pem')
      await writeFile(both, (await readFile(certificate, 'utf8')) + (await readFile(key, 'utf8')))
      place = { directory, port: await freePort(), certificate: both, key }
      const config = (configs.get(name) ?? '')
        .replaceAll('/etc/ssl/www.example.pem', both)
        .replaceAll('/etc/ssl/www.example.key', key)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${hub.port}`)
      const file = join(directory, 'config')
      await writeFile(file, adapt(config, place))
      const child = spawn(program, [...args(file, place)], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
      const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          said += text
        })
      }
      stop = async () => {
        session?.destroy()
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
        await ended
        clearTimeout(timer)
        await rm(directory, { recursive: true, force: true })
      }
      await vi.waitFor(
        async () => {
          session = connect(`https://127.0.0.1:${place.port}`, { rejectUnauthorized: false })
          const failed = new Promise((_, reject) => session.once('error', reject))
          await Promise.race([new Promise(resolve => session.once('connect', resolve)), failed]).catch(
            (cause: unknown) => {
              throw new Error(`${name} does not answer: ${said}`, { cause })
            },
          )
        },
        { timeout: 15_000 },
      )
      session.on('error', () => undefined)
    }, 40_000)
    afterAll(() => stop())

    /** A stream through the proxy, on the one connection. */
    const listen = (path: string, headers: Readonly<Record<string, string>> = {}) => {
      const stream: ClientHttp2Stream = session.request({ ':path': path, 'accept-encoding': 'gzip, br', ...headers })
      let text = ''
      let head: Readonly<Record<string, unknown>> = {}
      stream.on('response', got => {
        head = got
      })
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      stream.on('error', () => undefined)
      return {
        head: () => head,
        until: (pattern: RegExp) =>
          vi.waitFor(() => expect({ text, said }).toMatchObject({ text: expect.stringMatching(pattern) }), {
            timeout: 10_000,
            interval: 10,
          }),
        text: () => text,
        close: () => stream.close(),
      }
    }
    const say = (topic: string, data: string) => fetch(`${hub.url}/events/${topic}`, { method: 'POST', body: data })

    // The next heartbeat is fifteen seconds away: what is held back does not come in time.
    it.skipIf(isMissing)('passes on each event at once, unchanged', async () => {
      const reader = listen('/events/news')
      await reader.until(/event: \$cursor\n/)
      for (const data of ['first', 'second', 'third']) {
        await say('news', data)
        await reader.until(new RegExp(`\ndata: ${data}\n\n$`))
      }
      expect(reader.head()).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream' })
      expect(reader.head()).not.toHaveProperty('content-encoding')
      reader.close()
    })

    it.skipIf(isMissing)('lets a reader that was cut go on where it was', async () => {
      const reader = listen('/events/letters')
      await reader.until(/event: \$cursor\n/)
      await say('letters', 'before')
      await reader.until(/data: before\n\n$/)
      const lastId =
        reader
          .text()
          .match(/(?<=^id: ).*$/gm)
          ?.at(-1) ?? ''
      reader.close()
      await say('letters', 'meanwhile')
      const again = listen('/events/letters', { 'last-event-id': lastId })
      await again.until(/data: meanwhile\n\n/)
      expect(again.text()).not.toContain('data: before')
      again.close()
    })

    it.skipIf(isMissing)('carries twenty streams on one connection', async () => {
      const readers = Array.from({ length: 20 }, (_, i) => listen(`/events/many/${i}`))
      await Promise.all(readers.map(reader => reader.until(/event: \$cursor\n/)))
      for (let i = 0; i < readers.length; i++) await say(`many/${i}`, `for ${i}`)
      await Promise.all(readers.map((reader, i) => reader.until(new RegExp(`data: for ${i}\n\n$`))))
      for (const reader of readers) reader.close()
    })

    it.skipIf(isMissing)('passes on pages and streams of lines', async () => {
      const reader = listen('/events/lines', { accept: 'application/x-ndjson' })
      await reader.until(/"\$cursor"/)
      await say('lines', 'on a line')
      await reader.until(/"on a line".*\n$/)
      reader.close()
      const page = listen('/events/lines', { accept: 'application/json', 'accept-encoding': 'identity' })
      await page.until(/"on a line"/)
    })

    it.skipIf(isMissing)('lets nobody publish', async () => {
      const post = session.request({ ':method': 'POST', ':path': '/events/news' })
      post.end('from outside')
      const status = await new Promise(resolve => post.once('response', head => resolve(head[':status'])))
      expect(status).toBe(403)
    })

    it.skipIf(isMissing)('shows nothing but the events', async () => {
      const request = session.request({ ':path': '/topics' })
      const head = await new Promise<Readonly<Record<string, unknown>>>(resolve => request.once('response', resolve))
      expect(head[':status']).toSatisfy((status: number) => status === 404 || status === 503 || status === 200)
      let text = ''
      for await (const piece of request.setEncoding('utf8')) text += String(piece)
      expect(text).not.toContain('"topics"')
    })
  },
)
