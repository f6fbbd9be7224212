import { generateKeyPair, randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Certificate, type CertificateFacts, readCertificate } from '../../http/certificate.js'
import { TidingsError } from '../../wire/errors.js'

/** Clients of Apple take no certificate that is good for longer than 398 days. */
const goodForDays = 397
/** Another one is made when fewer are left. */
const leastDays = 30
const dayMs = 24 * 60 * 60 * 1000
const names = ['localhost', '127.0.0.1', '::1'] as const

/** A certificate for this machine, which nobody vouches for. */
export interface DevCertificate {
  readonly certificate: Certificate
  readonly facts: CertificateFacts
  /** The file that a client has to trust; the key is not in it. */
  readonly trust: string
}

/** Where it is kept, for all hubs of this user, so that it has to be trusted once. */
export function devCertificateFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'tidings', 'tls-dev')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'tidings', 'tls-dev')
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'tidings', 'tls-dev')
}

/**
 * The certificate that is kept there; another one, if there is none or it soon runs out. Nobody else may read the key. Rejects with
 * `invalid-setting` if it cannot be written there, or made here.
 */
export async function loadDevCertificate(folder: string = devCertificateFolder()): Promise<DevCertificate> {
  // In one file, so that it is there as a whole or not at all, whoever else starts at the same time.
  const file = join(folder, 'localhost.pem')
  const trust = join(folder, 'localhost.crt')
  const kept = await readKept(file)
  if (kept) return { ...kept, trust }
  const made = await make()
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await put(trust, made.cert, 0o644)
    await put(file, made.cert + made.key, 0o600)
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new TidingsError('invalid-setting', `tlsDev: the certificate cannot be kept in ${folder} (${why}).`, {
      cause,
    })
  }
  return { certificate: made, facts: readCertificate(made), trust }
}

async function readKept(file: string): Promise<Omit<DevCertificate, 'trust'> | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const cut = text.search(/-----BEGIN [A-Z ]*PRIVATE KEY-----/)
  const certificate = { cert: text.slice(0, cut), key: text.slice(cut) }
  try {
    const facts = readCertificate(certificate)
    const isGood = facts.validTo - Date.now() > leastDays * dayMs && names.every(name => facts.covers(name))
    if (!isGood) return undefined
    await chmod(file, 0o600)
    return { certificate, facts }
  } catch (error) {
    // Whatever it is, it is no certificate, and another one takes its place.
    if (error instanceof TidingsError) return undefined
    throw error
  }
}

async function put(file: string, text: string, mode: number): Promise<void> {
  const beside = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(beside, text, { mode })
  await rename(beside, file)
}

/** Node.js makes keys, and no certificates. */
async function make(): Promise<Certificate> {
  const forge = await importForge()
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const made = forge.pki.createCertificate()
  made.publicKey = forge.pki.publicKeyFromPem(publicKey)
  // Positive: its highest bit is not set.
  made.serialNumber = `01${randomBytes(15).toString('hex')}`
  // A clock may be a little behind.
  made.validity.notBefore = new Date(Date.now() - dayMs)
  made.validity.notAfter = new Date(Date.now() + (goodForDays - 1) * dayMs)
  const who = [
    { name: 'commonName', value: 'localhost' },
    { name: 'organizationName', value: 'Tidings, for development on this machine' },
  ]
  made.setSubject(who)
  made.setIssuer(who)
  made.setExtensions([
    // Whoever trusts it trusts no other by it.
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: names.map(name => (name === 'localhost' ? { type: 2, value: name } : { type: 7, ip: name })),
    },
  ])
  made.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(made).replaceAll('\r\n', '\n'), key: privateKey }
}

async function importForge() {
  try {
    const { default: forge } = await import('node-forge')
    return forge
  } catch (cause) {
    throw new TidingsError(
      'invalid-setting',
      'tlsDev: a certificate is made with the package node-forge, which is not installed. Install it (npm install node-forge), ' +
        'or name a certificate of your own (--tls-cert, --tls-key).',
      { cause },
    )
  }
}
