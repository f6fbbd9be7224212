import type { IncomingHttpHeaders } from 'node:http'

/** As `httpVersion` has HTTP/2. Who says "HTTP/2.0" on a connection of HTTP/1.1 speaks neither. */
export const http2Version = '2'

/** The head of a request as its connection has it, before anything of it is believed. */
export interface RawHead {
  readonly method?: string | undefined
  /** The target of the request; of HTTP/2, its `:path`. */
  readonly url?: string | undefined
  /** Such as `1.1`. */
  readonly httpVersion: string
  readonly headers: IncomingHttpHeaders
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[]
}
