import { randomBytes } from 'node:crypto'
import { type Certificate, type CertificateFacts, readCertificate } from '../../http/certificate.js'
import type { Logger } from '../logger.js'
import { readText } from '../settings/config-file.js'
import type { Settings } from '../settings/settings.js'

/** A certificate as its files have it. */
export interface FiledCertificate {
  /** With ticket keys of this process, so that all its workers have the same. */
  readonly certificate: Certificate
  readonly facts: CertificateFacts
  /** The file that a client has to trust, of a certificate that is made here. */
  readonly trust?: string
}

const ticketKeys = randomBytes(48)

/**
 * Reads the files that `tlsCert` and `tlsKey` name, or, with `tlsDev`, those that are made here; nothing if neither is set. Rejects with `invalid-setting`, which names the setting
 * and the file, if one cannot be read or is not what it should be. `before`, if they still say the same.
 */
export async function loadCertificate(
  { tlsCert, tlsKey, tlsDev }: Pick<Settings, 'tlsCert' | 'tlsKey' | 'tlsDev'>,
  before?: FiledCertificate,
): Promise<FiledCertificate | undefined> {
  if (tlsDev) {
    const { loadDevCertificate } = await import('./dev-certificate.js')
    const made = await loadDevCertificate()
    if (before?.certificate.cert === made.certificate.cert) return before
    return { ...made, certificate: { ...made.certificate, ticketKeys } }
  }
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const cert = await readText(tlsCert, 'tlsCert')
  const key = await readText(tlsKey, 'tlsKey')
  if (before?.certificate.cert === cert && before.certificate.key === key) return before
  const certificate = { cert, key, ticketKeys }
  return { certificate, facts: readCertificate(certificate, { cert: `tlsCert: ${tlsCert}`, key: `tlsKey: ${tlsKey}` }) }
}

/** Warns if the certificate does not hold now. It is shown all the same: a hub that does not start is no better. */
export function warnUnlessItHolds(
  logger: Logger,
  { validFrom, validTo }: CertificateFacts,
  now: number = Date.now(),
): void {
  if (validTo < now) {
    const since = new Date(validTo).toISOString()
    logger.warn({ validTo: since }, 'The certificate has expired: browsers refuse it.')
  } else if (validFrom > now) {
    const from = new Date(validFrom).toISOString()
    logger.warn({ validFrom: from }, 'The certificate does not hold yet: browsers refuse it.')
  }
}
