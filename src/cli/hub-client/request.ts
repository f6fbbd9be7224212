import * as http from 'node:http'
import * as https from 'node:https'
import { showUrl } from './hub-url.js'

/** What a hub is asked. */
export interface HubRequest {
  readonly method: 'GET' | 'POST'
  /** Below the hub's URL: `/events?topic=news`. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
  /** Lets connections be used again; whoever made it destroys it. Default: a connection of its own. */
  readonly agent?: http.Agent | undefined
  /** Gives up on the answer. */
  readonly signal: AbortSignal
}

/** What became of a request. */
export type Reply =
  /** The head of an answer is there, and its body can be read. */
  | { readonly kind: 'answered'; readonly response: http.IncomingMessage }
  /** There was no connection: nobody has the request. */
  | { readonly kind: 'unsent'; readonly why: string }
  /** There was one, and no answer: whether the request was heard is unknown. */
  | { readonly kind: 'lost'; readonly why: string }
  /** Whatever answered does not speak HTTP. */
  | { readonly kind: 'foreign'; readonly why: string }

const connectTimeoutMs = 10_000
/** Beyond what the hub gives a body and the log a commit. */
const answerTimeoutMs = 30_000
/** The hub's own are far below. */
const maxAnswerBytes = 1024 * 1024

/** Connections to one hub that are used again. */
export function createAgent(url: URL): http.Agent {
  const options = { keepAlive: true, maxSockets: 2 }
  return url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options)
}

/** Asks once. Never rejects. A connection has 10 seconds, and then the head of the answer 30. */
export function ask(url: URL, { method, target, headers, body, agent, signal }: HubRequest): Promise<Reply> {
  const { request: open } = url.protocol === 'https:' ? https : http
  return new Promise(resolve => {
    let isConnected = false
    let timeout: NodeJS.Timeout | undefined
    let why: string | undefined
    const done = (reply: Reply): void => {
      clearTimeout(timeout)
      resolve(reply)
    }
    const request = open({
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: url.pathname.replace(/\/+$/, '') + target,
      method,
      headers: { 'User-Agent': 'tidings', ...headers, ...(body && { 'Content-Length': String(body.length) }) },
      ...(url.username !== '' && { auth: `${decode(url.username)}:${decode(url.password)}` }),
      agent: agent ?? false,
      signal,
    })
    const expire = (ms: number, what: string): void => {
      clearTimeout(timeout)
      timeout = setTimeout(() => {
        why = `${what} in ${ms / 1000} s`
        request.destroy()
      }, ms)
    }
    const connected = (): void => {
      isConnected = true
      expire(answerTimeoutMs, 'no answer')
    }
    expire(connectTimeoutMs, 'no connection')
    request.on('socket', socket => {
      if (socket.connecting) socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected)
      else connected()
    })
    request.on('response', response => {
      // What goes wrong from here on shows where the body is read.
      response.on('error', () => undefined)
      done({ kind: 'answered', response })
    })
    request.on('error', error => done(toFailure(url, error, isConnected, why)))
    request.on('close', () => done({ kind: isConnected ? 'lost' : 'unsent', why: why ?? 'the connection was cut' }))
    request.end(body)
  })
}

/** The text of an answer; nothing if it was cut off, or has more than 1 MiB. */
export async function readText(response: http.IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  const timeout = setTimeout(() => response.destroy(), answerTimeoutMs)
  try {
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length
      if (bytes > maxAnswerBytes) return undefined
      chunks.push(chunk as Buffer)
    }
    return response.complete ? Buffer.concat(chunks).toString() : undefined
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  } finally {
    clearTimeout(timeout)
  }
}

function toFailure(url: URL, error: NodeJS.ErrnoException, isConnected: boolean, why: string | undefined): Reply {
  const { code = '' } = error
  if (code.startsWith('HPE_')) {
    return { kind: 'foreign', why: `What answers at ${showUrl(url)} does not speak HTTP. Is it https://?` }
  }
  const known = why ?? failures[code]?.(url)
  return { kind: isConnected ? 'lost' : 'unsent', why: known ?? (error.message || code) }
}

const failures: Readonly<Record<string, (url: URL) => string>> = {
  ECONNREFUSED: () => 'nobody listens there',
  ECONNRESET: () => 'the connection was cut',
  EPIPE: () => 'the connection was cut',
  ENOTFOUND: url => `no machine is known by the name ${url.hostname}`,
  EAI_AGAIN: url => `the name ${url.hostname} could not be looked up`,
  EPROTO: () => 'it does not speak TLS; is it http://?',
  ERR_SSL_WRONG_VERSION_NUMBER: () => 'it does not speak TLS; is it http://?',
}

function decode(text: string): string {
  return decodeURIComponent(text)
}
