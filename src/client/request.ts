/** What a request for a stream is made with: the `fetch` of the platform, or one that adds headers, goes by a proxy, or stands in for it. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/**
 * What a handed-in `fetch` is given, to be passed on as it is or with more in it. `headers` is a plain object with names in lower case, so that
 * `{ ...init, headers: { ...init.headers, authorization: token } }` keeps what is in it.
 */
export interface FetchInit {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined
  readonly credentials?: 'include'
  readonly cache?: 'no-store'
  readonly signal: AbortSignal
}

/** A request whose answer is read as it comes. */
export interface StreamRequest {
  readonly url: string
  /** Ends the request, and the body of its answer. */
  readonly signal: AbortSignal
  /** Default: the global one, as it is at the time of the call. */
  readonly fetch?: Fetch | undefined
  /** Default: `GET`. */
  readonly method?: string | undefined
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined
  /** What is here goes before `Accept` and `Last-Event-ID`, in whatever case it is written. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default: `text/event-stream`. */
  readonly accept?: string | undefined
  /** Whether cookies go to other origins too. Default: false. */
  readonly withCredentials?: boolean | undefined
  /** Empty, or with control characters: none is sent. */
  readonly lastEventId?: string | undefined
}

/**
 * Sends it, past every cache, following redirects (`fetch` does). Resolves when the head of the answer is there, whatever its status.
 * Rejects as `fetch` does: the network failed, or the signal aborted.
 */
export async function requestStream(request: StreamRequest): Promise<Response> {
  const { url, signal, method, body, accept = 'text/event-stream', lastEventId } = request
  const headers: Record<string, string> = { accept }
  // "The result of encoding the EventSource object's last event ID string as UTF-8": a header holds bytes, a unit for each.
  const id = String.fromCharCode(...new TextEncoder().encode(lastEventId))
  // HTTP has no control characters: Node.js would not send it, many servers refuse it, and each time again.
  if (/^[\t -~\x80-\xff]+$/.test(id)) headers['last-event-id'] = id
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value
  const init: FetchInit = {
    ...{ method, body, headers, signal },
    // Where there are neither cookies nor a cache, as in some workers at the edge, `fetch` refuses the very names.
    ...(request.withCredentials && 'credentials' in Request.prototype && { credentials: 'include' }),
    ...('cache' in Request.prototype && { cache: 'no-store' }),
  }
  return (request.fetch ?? (fetch as Fetch))(url, init)
}

/** A type of media and its parameters, in which a comma may be quoted, up to the end or to the comma before another one. */
const mediaTypes = /(?:^|,)\s*([!#-'*+.^-z|~\w-]+\/[!#-'*+.^-z|~\w-]+)\s*(?:;(?:[^",]|"(?:[^"\\]|\\.)*"?)*)?(?=,|$)/g

/**
 * Whether the answer is a stream of events by its type, whatever the parameters; its bytes are UTF-8 whatever they say. Of several types the
 * last one that is one holds ("extract a MIME type", Fetch).
 */
export function isEventStream(response: Response): boolean {
  const types = [...(response.headers.get('content-type') ?? '').matchAll(mediaTypes)]
  return types.findLast(([, type]) => type !== '*/*')?.[1]?.toLowerCase() === 'text/event-stream'
}
