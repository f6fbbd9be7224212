import { TidingsError } from '../wire/errors.js'

/** The whole URL, relative ones against that of the document or worker. Throws `invalid-setting`. */
export function toUrl(given: string | URL): URL {
  const { document, location } = globalThis as {
    readonly document?: { readonly baseURI?: string }
    readonly location?: { readonly href: string }
  }
  try {
    return new URL(given, document?.baseURI ?? location?.href)
  } catch (cause) {
    throw new TidingsError('invalid-setting', `${JSON.stringify(given)} is no URL, or no whole one.`, { cause })
  }
}
