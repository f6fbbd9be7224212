import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { TidingsError } from '../wire/errors.js'

/** By what a hub proves over TLS who it is. Both as texts in PEM form. */
export interface Certificate {
  /** The hub's own certificate, and behind it those between it and its root, if there are any. */
  readonly cert: string
  /** Its private key, without a passphrase. */
  readonly key: string
  /** 48 bytes, the same for all processes of one hub, so that a client may resume its session with any. Default: each has its own. */
  readonly ticketKeys?: Uint8Array
}

/** What the hub's own certificate says of itself. */
export interface CertificateFacts {
  /** Milliseconds since 1970. */
  readonly validFrom: number
  readonly validTo: number
  /** No authority vouches for it: clients take it only if they are told to. */
  readonly isSelfSigned: boolean
  /** Whether it names this host, a name or an IP address. */
  covers(host: string): boolean
}

/**
 * Throws `invalid-setting` if the two are not of PEM form or do not belong together. What was given of the key is not shown.
 * `names`: what they are called there. Whether the certificate holds today, its facts say.
 */
export function readCertificate(
  { cert, key }: Certificate,
  names: { readonly cert: string; readonly key: string } = { cert: 'certificate.cert', key: 'certificate.key' },
): CertificateFacts {
  const own = parseCertificate(cert, names.cert)
  if (!own.checkPrivateKey(parseKey(key, names.key))) {
    throw fault(names.key, `the key does not belong to the certificate (${names.cert}).`)
  }
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw fault(names.cert, `TLS does not take it (${codeOf(cause)}).`, cause)
  }
  return {
    validFrom: Date.parse(own.validFrom),
    validTo: Date.parse(own.validTo),
    // Not by `checkIssued`, which is false of one that may sign no others.
    isSelfSigned: own.subject === own.issuer && own.verify(own.publicKey),
    // Node.js throws where it is asked for the address of a name [20.20].
    covers: host => (isIP(host) ? own.checkIP(host) : own.checkHost(host)) !== undefined,
  }
}

function parseCertificate(text: string, name: string): X509Certificate {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw fault(name, 'there is no certificate in PEM form, which begins with "-----BEGIN CERTIFICATE-----".')
  }
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw fault(name, `the certificate cannot be read (${codeOf(cause)}).`, cause)
  }
}

function parseKey(text: string, name: string): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw fault(name, 'there is no private key in PEM form, which begins with "-----BEGIN PRIVATE KEY-----".')
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw fault(
      name,
      'the key has a passphrase, which nobody could enter at a start. Write one without (openssl pkey).',
    )
  }
  try {
    return createPrivateKey(text)
  } catch (cause) {
    throw fault(name, `the key cannot be read (${codeOf(cause)}).`, cause)
  }
}

/** The code alone: a message of OpenSSL might show what it was given. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

function fault(name: string, why: string, cause?: unknown): TidingsError {
  return new TidingsError('invalid-setting', `${name}: ${why}`, { cause })
}
