import { createHash } from 'node:crypto'

/** A strong tag of these bytes. */
export function toEntityTag(content: string | Uint8Array): string {
  return `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
}

/**
 * Whether `If-None-Match` names `tag`: any of a list, or `*`. Compared weakly (RFC 9110, 13.1.2): `W/` does not count.
 */
export function matchesTag(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  const opaque = tag.replace(/^W\//, '')
  for (const [, listed] of header.matchAll(/(?:^|,)\s*(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?=,|$)/g)) {
    if (listed === opaque) return true
  }
  return false
}
