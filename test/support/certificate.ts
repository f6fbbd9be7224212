import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Certificate } from '../../src/http/certificate.js'
import { requireProgram } from './programs.js'

/** Makes certificates; nothing if this machine has none: tests of TLS are skipped then. */
export const openssl: string | undefined = requireProgram('openssl', 'apt-get install openssl')

/** A certificate of its own making for `name`, which nobody vouches for, and its key. */
export async function makeCertificate(name: string = 'localhost'): Promise<Certificate> {
  if (!openssl) throw new Error('There is no openssl.')
  const directory = await mkdtemp(join(tmpdir(), 'tidings-certificate-'))
  try {
    const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
    const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`]
    execFileSync(openssl, ['req', ...made, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
