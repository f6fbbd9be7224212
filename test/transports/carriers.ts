import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:http2'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { constants, createGunzip } from 'node:zlib'
import { Refused } from './transport.js'

/** The beginning of an answer; its body is still to be read. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
}

/** One or more requests, one after the other, as one program makes them; over one connection where that can be. */
export interface Line {
  get(target: string, headers: Readonly<Record<string, string>>): Promise<Answered>
  /** Destroys the connection. */
  cut(): void
}

/** How requests get to a hub: the version of HTTP, and what is below it. */
export type Carrier = (url: string) => Line

/** HTTP/1.1. */
export const http1: Carrier = url => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    get: (target, headers) =>
      new Promise((resolve, reject) => {
        const asking = request(url + target, { agent, headers }, body => {
          resolve({ status: body.statusCode ?? 0, headers: body.headers, body })
        })
        asking.on('error', reject)
        asking.end()
      }),
    cut: () => agent.destroy(),
  }
}

/** HTTP/2: over TLS, or without it, as proxies speak it to a hub. */
export const http2: Carrier = url => {
  const session = connect(url, { rejectUnauthorized: false, settings: { enablePush: false } })
  let failure: unknown
  session.on('error', error => {
    failure = error
  })
  return {
    get: (target, { Host: host, ...headers }) =>
      new Promise((resolve, reject) => {
        const asking = session.request({
          ':path': target,
          ...(host !== undefined && { ':authority': host }),
          ...headers,
        })
        asking.on('response', said => resolve({ status: said[':status'] ?? 0, headers: said, body: asking }))
        // What became of the connection is said after what became of its requests.
        const fail = (error: unknown) => setImmediate(() => reject(failure ?? error))
        asking.on('error', fail)
        asking.on('close', () => fail(new Error('closed before it was answered')))
      }),
    cut: () => session.destroy(),
  }
}

/** What is asked for in gzip, and read as it comes. A stream must be in gzip; a small page need not be. */
export function inGzip(carrier: Carrier): Carrier {
  return url => {
    const line = carrier(url)
    return {
      async get(target, headers) {
        const answered = await line.get(target, { 'Accept-Encoding': 'gzip', ...headers })
        const { status, headers: said, body } = answered
        if (said['content-encoding'] !== 'gzip') {
          // A stream that is not opened has a length, and comes as it is.
          const isStream = status === 200 && said['content-length'] === undefined
          if (isStream) throw new Error('A stream is not in gzip.')
          return answered
        }
        // A stream has no trailer, and may be cut anywhere: what came before that is good.
        const plain = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
        body.on('error', () => plain.end())
        body.on('close', () => plain.end())
        return { status, headers: said, body: body.pipe(plain) }
      },
      cut: () => line.cut(),
    }
  }
}

/** The refusal that an answer is, whose body nobody has begun to read. */
export async function toRefused({ status, headers, body }: Answered): Promise<Refused> {
  const document = await text(body)
  const problem: { readonly code?: string } = document.startsWith('{') ? JSON.parse(document) : {}
  const seconds = headers['retry-after']
  return new Refused(status, problem.code, seconds === undefined ? undefined : Number(seconds) * 1000)
}
