import { createHash } from 'node:crypto'
import { TidingsError } from '../wire/errors.js'
import type { NewEvent } from './event-object.js'

/** Throws `bad-request` unless the `Idempotency-Key` of a request is 1 to 256 visible ASCII characters, or there is none. */
export function checkIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined
  if (typeof header === 'string' && /^[!-~]{1,256}$/.test(header)) return header
  throw new TidingsError('bad-request', 'An Idempotency-Key is 1 to 256 characters of U+0021 to U+007E.')
}

/** Tells bodies apart: parts are kept from running into each other by their lengths. */
export function digestOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) {
    hash.update(`${Buffer.byteLength(part)}:`)
    hash.update(part)
  }
  return hash.digest('base64url')
}

/** The event as the one of this index (from 0) in what `key` names. The digest is of what a repeat has to be equal in. */
export function onceOnly(event: NewEvent, key: string, index: number, digest: string): NewEvent {
  return { ...event, once: { token: `${key}#${index}`, digest } }
}
