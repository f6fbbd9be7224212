import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Certificate } from '../../src/http/certificate.js'
import { browserProgram, openBrowser } from '../support/browser.js'
import { makeCertificate, openssl } from '../support/certificate.js'
import { type HubProcess, startHubProcess } from '../support/hub-process.js'

describe.skipIf(!openssl)('tidings serve with a certificate', () => {
  let directory = ''
  let [first, second]: Certificate[] = []
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-tls-'))
    ;[first, second] = await Promise.all([makeCertificate('first.example'), makeCertificate('second.example')])
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const file = (name: string): string => join(directory, name)
  const flags = (cert: string, key: string): string[] => ['--tls-cert', file(cert), '--tls-key', file(key)]
  async function put({ cert, key }: Certificate): Promise<void> {
    await writeFile(file('cert.pem'), cert)
    await writeFile(file('key.pem'), key)
  }

  async function nameAt({ port }: HubProcess): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return String(CN)
  }

  it.each([
    ['one process', () => []],
    ['two', () => ['--workers', '2', '--log', `lmdb:${file('log')}`]],
  ])(
    'shows it, and at SIGHUP the one that has taken its place: %s',
    async (_, more) => {
      if (!first || !second) throw new Error('no certificates')
      await put(first)
      const hub = await startHubProcess({ args: [...flags('cert.pem', 'key.pem'), ...more()] })
      expect(hub.output()).toContain(`curl -k -N https://127.0.0.1:${hub.port}/events/news`)
      expect(await nameAt(hub)).toBe('first.example')
      await put(second)
      process.kill(hub.pid, 'SIGHUP')
      // Several processes: each is told by itself.
      await vi.waitFor(
        async () => {
          for (let i = 0; i < 8; i++) expect(await nameAt(hub)).toBe('second.example')
        },
        { timeout: 15_000 },
      )
      const said = () => hub.log().filter(({ msg }) => msg.startsWith('SIGHUP'))
      expect(said().map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/^SIGHUP: the certificate is another one now, good until 20/),
      ])
      await writeFile(file('key.pem'), first.key)
      process.kill(hub.pid, 'SIGHUP')
      await vi.waitFor(() => expect(said()).toHaveLength(2), { timeout: 15_000 })
      expect(said()[1]?.msg).toMatch(
        /refused as a whole.*tlsKey: .*key\.pem: the key does not belong to the certificate/,
      )
      expect(await nameAt(hub)).toBe('second.example')
      expect(await hub.terminate()).toEqual({ code: 0, signal: null })
      const keys = [first, second].flatMap(({ key }) => key.split('\n')).filter(line => /^[\w+/=]{20,}$/.test(line))
      for (const line of keys) expect(hub.output()).not.toContain(line)
    },
    60_000,
  )

  it('shows the one that has taken its place, without being told', async () => {
    if (!first || !second) throw new Error('no certificates')
    await put(first)
    const hub = await startHubProcess({ args: flags('cert.pem', 'key.pem') })
    await put(second)
    await vi.waitFor(async () => expect(await nameAt(hub)).toBe('second.example'), { timeout: 30_000, interval: 200 })
    expect(hub.log().some(({ msg }) => /^The certificate is another one now, good until 20/.test(msg))).toBe(true)
    await hub.terminate()
  }, 60_000)

  it('says what is wrong with the files', async () => {
    if (!first || !second) throw new Error('no certificates')
    await put(first)
    await writeFile(file('other.pem'), second.key)
    await writeFile(file('torn.pem'), first.cert.replace(/MII./, 'XXXX'))
    await writeFile(file('text.pem'), 'hello')
    await writeFile(file('locked.pem'), first.key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'))
    const why = async (args: readonly string[]): Promise<string> => {
      const started = startHubProcess({ args })
      return started.then(
        () => 'it started',
        (error: unknown) => String(error),
      )
    }
    const cases = [
      [flags('none.pem', 'key.pem'), /tlsCert: \S+none\.pem cannot be read \(ENOENT\)/],
      [flags('text.pem', 'key.pem'), /tlsCert: \S+text\.pem: there is no certificate in PEM form/],
      [flags('key.pem', 'cert.pem'), /tlsCert: \S+key\.pem: there is no certificate in PEM form/],
      [flags('torn.pem', 'key.pem'), /tlsCert: \S+torn\.pem: the certificate cannot be read \(ERR_OSSL/],
      [flags('cert.pem', 'text.pem'), /tlsKey: \S+text\.pem: there is no private key in PEM form/],
      [flags('cert.pem', 'locked.pem'), /tlsKey: \S+locked\.pem: the key has a passphrase/],
      [flags('cert.pem', 'other.pem'), /tlsKey: \S+other\.pem: the key does not belong to the certificate/],
      [['--tls-cert', file('cert.pem')], /tlsKey: needed beside tlsCert/],
    ] as const
    const said = await Promise.all(cases.map(([args]) => why(args)))
    for (const [i, [, pattern]] of cases.entries()) expect(said[i]).toMatch(pattern)
  }, 60_000)

  it.skipIf(!browserProgram)(
    'is heard by a page of its own',
    async () => {
      if (!first) throw new Error('no certificates')
      await put(first)
      const hub = await startHubProcess({ args: [...flags('cert.pem', 'key.pem'), '--demo'] })
      const page = await (await openBrowser(['--ignore-certificate-errors'])).newPage()
      await page.goto(`${hub.url}/`)
      const heard = await page.evaluate(async () => {
        const source = new EventSource('/events/a')
        await new Promise(resolve => source.addEventListener('$cursor', resolve, { once: true }))
        const next = new Promise<string>(resolve => source.addEventListener('message', event => resolve(event.data)))
        await fetch('/events/a', { method: 'POST', body: 'over TLS' })
        return next
      })
      expect(heard).toBe('over TLS')
      await hub.terminate()
    },
    60_000,
  )
})

describe('tidings serve --tls-dev', () => {
  it('shows a certificate of its own making, the same at each start, which whoever trusts its file takes', async () => {
    const home = await mkdtemp(join(tmpdir(), 'tidings-tls-dev-'))
    try {
      const env = { ...process.env, XDG_DATA_HOME: home }
      const shown = new Set<string>()
      for (let start = 0; start < 2; start++) {
        const hub = await startHubProcess({ args: ['--tls-dev'], env })
        const trust = join(home, 'tidings', 'tls-dev', 'localhost.crt')
        expect(hub.output()).toContain(`curl --cacert ${trust} -N https://127.0.0.1:${hub.port}/events/news`)
        const ca = await readFile(trust, 'utf8')
        for (const host of ['127.0.0.1', 'localhost']) {
          const socket = connect({
            port: hub.port,
            host: '127.0.0.1',
            servername: host === 'localhost' ? host : '',
            ca,
          })
          await once(socket, 'secureConnect')
          expect(socket.authorized).toBe(true)
          shown.add(socket.getPeerCertificate().fingerprint256)
          socket.destroy()
        }
        await hub.terminate()
      }
      expect(shown.size).toBe(1)
    } finally {
      await rm(home, { recursive: true, force: true })
    }
  }, 60_000)

  it('is refused beside a certificate in files', async () => {
    const started = startHubProcess({ args: ['--tls-dev', '--tls-cert', 'a', '--tls-key', 'b'] })
    await expect(started).rejects.toThrow(/tlsDev: makes a certificate of its own/)
  })
})
