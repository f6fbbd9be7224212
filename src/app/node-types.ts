/** A request of Node.js, HTTP/1.1 or HTTP/2, or of a framework that builds on it; as much of it as is looked at. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** The response to it, which has to be Node's own or have all that that has. */
export interface NodeResponse {
  readonly headersSent: boolean
  readonly writableEnded: boolean
}
