/** What an answer may come in, beside as it is. */
export type ContentCoding = 'gzip'

// RFC 9110, 12.5.3 and 12.4.2.
const elementForm = /^([!#$%&'*+.^_`|~0-9a-z-]+)\s*(?:;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?$/

/**
 * The coding that `Accept-Encoding` asks for: gzip if it weighs something, and no less than the answer as it is. Of a mere `*` nothing, as of
 * no header: whoever does not name gzip may be unable to read it. Elements that are none are passed over; of equal ones the first counts.
 */
export function negotiateCoding(header: string | string[] | undefined): ContentCoding | undefined {
  if (header === undefined) return undefined
  const weights = new Map<string, number>()
  for (const element of String(header).toLowerCase().split(',')) {
    const match = elementForm.exec(element.trim())
    if (!match) continue
    // RFC 9110, 8.4.1.3: a recipient takes the two for the same.
    const name = match[1] === 'x-gzip' ? 'gzip' : (match[1] as string)
    if (!weights.has(name)) weights.set(name, Number(match[2] ?? 1))
  }
  const any = weights.get('*')
  const gzip = weights.get('gzip') ?? any ?? 0
  // Not named, it is taken, and last.
  const identity = weights.get('identity') ?? any ?? Number.MIN_VALUE
  const isNamed = weights.has('gzip')
  return gzip > 0 && (gzip > identity || (isNamed && gzip === identity)) ? 'gzip' : undefined
}
