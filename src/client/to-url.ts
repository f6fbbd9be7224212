/** The whole URL, relative ones against that of the document or worker. Throws `TypeError`. */
export function toUrl(given: string | URL): URL {
  const { document, location } = globalThis as {
    readonly document?: { readonly baseURI?: string }
    readonly location?: unknown
  }
  return new URL(given, document?.baseURI ?? (location as URL | undefined))
}
