const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** What the bytes from `from` to `to` say in UTF-8, as the WHATWG standard decodes it. A BOM is text. */
export function decode(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to))
}
