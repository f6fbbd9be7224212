import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { devCertificateFolder, loadDevCertificate } from './dev-certificate.js'

const dayMs = 24 * 60 * 60 * 1000

describe('a certificate for this machine', () => {
  let directory = ''
  const folder = () => join(directory, 'made', 'here')
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidings-dev-'))
  })
  afterEach(async () => {
    vi.useRealTimers()
    await rm(directory, { recursive: true, force: true })
  })

  it('is made once, for every name of it, and its key is nobody else’s', async () => {
    const made = await loadDevCertificate(folder())
    const { validFrom, validTo, isSelfSigned, covers } = made.facts
    expect(['localhost', '127.0.0.1', '::1', 'hub.example'].map(covers)).toEqual([true, true, true, false])
    expect(isSelfSigned).toBe(true)
    expect(validFrom).toBeLessThan(Date.now())
    expect(validTo - validFrom).toBeLessThanOrEqual(397 * dayMs)
    expect(await readFile(made.trust, 'utf8')).toBe(made.certificate.cert)
    const again = await loadDevCertificate(folder())
    expect(again).toMatchObject({ certificate: made.certificate, trust: made.trust })
    if (process.platform !== 'win32') {
      const modeOf = async (name: string) => (await stat(join(folder(), name))).mode & 0o777
      expect([await modeOf('localhost.pem'), await modeOf('.')]).toEqual([0o600, 0o700])
    }
    expect((await readdir(folder())).sort()).toEqual(['localhost.crt', 'localhost.pem'])
  })

  it('is made anew before it runs out, and where what is kept is none', async () => {
    const made = await loadDevCertificate(folder())
    vi.useFakeTimers({ now: made.facts.validTo - 31 * dayMs, toFake: ['Date'] })
    expect((await loadDevCertificate(folder())).certificate).toEqual(made.certificate)
    vi.setSystemTime(made.facts.validTo - 29 * dayMs)
    const next = await loadDevCertificate(folder())
    expect(next.certificate.cert).not.toBe(made.certificate.cert)
    expect(next.facts.validTo).toBeGreaterThan(made.facts.validTo)
    for (const text of ['', 'no certificate', next.certificate.cert, next.certificate.cert + made.certificate.key]) {
      await writeFile(join(folder(), 'localhost.pem'), text)
      const instead = await loadDevCertificate(folder())
      expect(instead.facts.covers('localhost')).toBe(true)
      expect(await readFile(instead.trust, 'utf8')).toBe(instead.certificate.cert)
    }
  })

  it('is one for all who start at the same time', async () => {
    await Promise.all(Array.from({ length: 3 }, () => loadDevCertificate(folder())))
    const kept = await loadDevCertificate(folder())
    expect((await loadDevCertificate(folder())).certificate).toEqual(kept.certificate)
  })

  it('is refused where it cannot be kept', async () => {
    await writeFile(join(directory, 'made'), '')
    await expect(loadDevCertificate(folder())).rejects.toMatchObject({
      code: 'invalid-setting',
      message: expect.stringMatching(/^tlsDev: the certificate cannot be kept in /),
    })
  })

  it('is kept where programs of the system keep what is theirs', () => {
    expect(devCertificateFolder({ XDG_DATA_HOME: '/data' }, 'linux')).toBe('/data/tidings/tls-dev')
    expect(devCertificateFolder({}, 'linux')).toMatch(/\/\.local\/share\/tidings\/tls-dev$/)
    expect(devCertificateFolder({}, 'darwin')).toMatch(/\/Library\/Application Support\/tidings\/tls-dev$/)
  })
})
