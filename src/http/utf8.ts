import { TidingsError } from '../wire/errors.js'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of `bytes`, a byte order mark included. Throws `invalid-utf8`, in which `where` names it. */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new TidingsError('invalid-utf8', `The bytes of ${where} are not UTF-8.`, { cause: error })
  }
}

/** The same; nothing if `bytes` are not UTF-8. */
export function tryDecodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return undefined
  }
}

/** RFC 8259, 8.1: who reads JSON may ignore a byte order mark. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
