import { TidingsError } from '../wire/errors.js'
import { type Authority, parseAuthority } from './authority.js'
import { decodeUtf8 } from './utf8.js'

/** The target of a request (RFC 9112, 3.2), cut up but not decoded. */
export interface Target {
  /** Begins with `/`; `*` for the whole server (`OPTIONS *`). Dots and doubled slashes stand as they came. */
  readonly path: string
  /** Without the question mark; empty: none. */
  readonly query: string
  /** Of the absolute form only, where it counts instead of `Host`. */
  readonly authority: Authority | undefined
}

const absoluteForm = /^https?:\/\/([^/?]*)(.*)$/is
// RFC 3986, 3.3 and 3.4: what may stand in a path and a query. Browsers and curl also send these unencoded: | ^ ` { } " < > \ [ ]
const plainTarget = /^[\x21\x22\x24-\x7e]*$/

/**
 * Reads a request target without folding anything: `URL` would turn `/events/a/../b` into another topic.
 * Throws `bad-request`; its size is bounded by the caller.
 */
export function parseTarget(raw: string): Target {
  if (raw === '*') return { path: '*', query: '', authority: undefined }
  let rest = raw
  let authority: Authority | undefined
  if (!raw.startsWith('/')) {
    const [, host = '', after = ''] = absoluteForm.exec(raw) ?? []
    authority = parseAuthority(host)
    if (!authority) {
      throw new TidingsError(
        'bad-request',
        'The request target is neither a path nor an http address; begin it with "/".',
      )
    }
    rest = after.startsWith('/') ? after : `/${after}`
  }
  if (!plainTarget.test(rest)) {
    throw new TidingsError(
      'bad-request',
      'The request target has a "#", a space, or a character beyond ASCII; percent-encode it.',
    )
  }
  const mark = rest.indexOf('?')
  return mark < 0
    ? { path: rest, query: '', authority }
    : { path: rest.slice(0, mark), query: rest.slice(mark + 1), authority }
}

/**
 * What percent-encoded `text` says. Throws `invalid-utf8` unless its bytes are UTF-8, and `bad-request` on a `%` that two
 * hexadecimal digits do not follow. `where` names it to the caller, as in "the path".
 */
export function percentDecode(text: string, where: string): string {
  if (!text.includes('%')) return text
  if (/%(?![0-9a-f]{2})/i.test(text)) {
    throw new TidingsError(
      'bad-request',
      `In ${where}, a "%" is not followed by two hexadecimal digits; a percent sign itself is "%25".`,
    )
  }
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x25) {
      bytes[length++] = Number.parseInt(text.slice(i + 1, i + 3), 16)
      i += 2
    } else {
      bytes[length++] = code
    }
  }
  return decodeUtf8(bytes.subarray(0, length), where)
}
