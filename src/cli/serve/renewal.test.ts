import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeCertificate, openssl } from '../../../test/support/certificate.js'
import type { Certificate } from '../../http/certificate.js'
import { createLogger } from '../logger.js'
import { loadCertificate } from './certificate.js'
import { Renewal } from './renewal.js'

describe.skipIf(!openssl)('a certificate that is renewed', () => {
  let directory = ''
  let renewal: Renewal
  let shown: string[]
  let said: string[]
  const file = (name: string): string => join(directory, name)
  const settings = () => ({ tlsCert: file('cert.pem'), tlsKey: file('key.pem'), tlsDev: false })

  async function begin(): Promise<void> {
    const filed = await loadCertificate(settings())
    if (!filed) throw new Error('no certificate')
    renewal = new Renewal(filed, {
      load: before => loadCertificate(settings(), before),
      show: ({ cert }) => void shown.push(cert),
      logger: createLogger('info', {
        write(line: string) {
          const { level, msg }: { level: string; msg: string } = JSON.parse(line)
          said.push(`${level} ${msg}`)
        },
      }),
      intervalMs: 20,
    })
  }

  async function put({ cert, key }: Certificate, where = '.'): Promise<void> {
    await writeFile(file(`${where}/cert.pem`), cert)
    await writeFile(file(`${where}/key.pem`), key)
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-renewal-'))
    shown = []
    said = []
  })
  afterEach(async () => {
    renewal.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('is shown when its files are other ones, by itself and once', async () => {
    await put(await makeCertificate('first.example'))
    await begin()
    await renewal.look()
    expect(shown).toEqual([])
    const next = await makeCertificate('next.example')
    await put(next)
    await vi.waitFor(() => expect(shown.length).toBeGreaterThan(0))
    await renewal.look()
    expect(shown).toEqual([next.cert])
    // Between the two files they may have been looked at, and are told of then.
    expect(said.filter(line => line.startsWith('info'))).toEqual([
      expect.stringMatching(/^info The certificate is another one now, good until 20/),
    ])
  })

  it('is shown when files are renamed into place, or a link leads to another directory', async () => {
    for (const name of ['one', 'two', 'three']) {
      await mkdir(file(name))
      await put(await makeCertificate(`${name}.example`), name)
    }
    // As Kubernetes mounts secrets: files are links through a link to a directory, which is renamed over.
    await symlink('one', file('..data'))
    for (const name of ['cert.pem', 'key.pem']) await symlink(join('..data', name), file(name))
    await begin()
    await symlink('two', file('..next'))
    await rename(file('..next'), file('..data'))
    await renewal.look()
    await vi.waitFor(() => expect(shown).toHaveLength(1))
    // As certbot does: each link to another file.
    for (const name of ['cert.pem', 'key.pem']) {
      await symlink(join('three', name), file(`next-${name}`))
      await rename(file(`next-${name}`), file(name))
    }
    await vi.waitFor(() => expect(shown).toHaveLength(2))
  })

  it('stays as it was while its files are half written, do not belong together or are gone', async () => {
    const first = await makeCertificate('first.example')
    const next = await makeCertificate('next.example')
    await put(first)
    await begin()
    const bad: readonly (readonly [string, string, RegExp])[] = [
      ['cert.pem', next.cert, /the key does not belong/],
      ['cert.pem', next.cert.slice(0, 300), /the certificate cannot be read/],
      ['cert.pem', '', /no certificate in PEM form/],
    ]
    for (const [name, text, why] of bad) {
      said.length = 0
      await writeFile(file(name), text)
      await vi.waitFor(() => expect(said.at(-1)).toMatch(why))
      const count = said.length
      await renewal.look()
      await renewal.look()
      expect(said).toHaveLength(count)
    }
    await rm(file('cert.pem'))
    await vi.waitFor(() => expect(said.at(-1)).toMatch(/^warn .* is still shown\. .*cannot be read \(ENOENT\)/))
    expect(shown).toEqual([])
    await put(next)
    await vi.waitFor(() => expect(shown).toEqual([next.cert]))
  })
})
