import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2'
import { constants, gunzipSync } from 'node:zlib'

/** A stream of events, as it is heard. */
export interface Http2Listening {
  readonly stream: ClientHttp2Stream
  readonly headers: IncomingHttpHeaders
  /** As it is read, also if it came in gzip. */
  readonly text: string
  /** By which code it was reset; 0: it ended. */
  readonly code: number | undefined
  /** Resolves when `condition` holds of what was heard, or nothing more will come. */
  until(condition: (text: string) => boolean): Promise<string>
  closed(): Promise<string>
}

export interface Http2Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A connection that speaks HTTP/2, by the client of Node.js. */
export class Http2Client {
  readonly session: ClientHttp2Session
  readonly #opened: Promise<void>

  constructor(url: string) {
    this.session = connect(url, { rejectUnauthorized: false, settings: { enablePush: false } })
    this.session.on('error', () => undefined)
    // As browsers have it: one stream that is not read leaves the others room.
    this.session.once('connect', () => this.session.setLocalWindowSize(16 * 1024 * 1024))
    this.#opened = new Promise(resolve => this.session.once('remoteSettings', () => resolve()))
  }

  /** Resolves when the hub has said what it takes. */
  opened(): Promise<void> {
    return this.#opened
  }

  request(headers: Record<string, string | number>): ClientHttp2Stream {
    const isBodiless = headers[':method'] === undefined || headers[':method'] === 'GET' || headers[':method'] === 'HEAD'
    const stream = this.session.request(headers, { endStream: isBodiless })
    stream.on('error', () => undefined)
    return stream
  }

  async ask(headers: Record<string, string | number>, body?: string | Uint8Array): Promise<Http2Answer> {
    const stream = this.request(headers)
    if (body !== undefined) stream.end(body)
    else if (!stream.writableEnded) stream.end()
    const listening = await this.#hear(stream)
    const text = await listening.closed()
    return { status: Number(listening.headers[':status']), headers: listening.headers, body: text }
  }

  publish(topic: string, data: string): Promise<Http2Answer> {
    return this.ask({ ':method': 'POST', ':path': `/events/${topic}`, 'content-type': 'text/plain' }, data)
  }

  /** Opens a stream, and waits until its headers are there. */
  listen(path: string, headers: Record<string, string> = {}): Promise<Http2Listening> {
    return this.#hear(this.request({ ':path': path, accept: 'text/event-stream', ...headers }))
  }

  #hear(stream: ClientHttp2Stream): Promise<Http2Listening> {
    let wake: (() => void)[] = []
    const notify = () => {
      const waiting = wake
      wake = []
      for (const resolve of waiting) resolve()
    }
    const chunks: Buffer[] = []
    const heard = {
      stream,
      headers: {} as IncomingHttpHeaders,
      code: undefined as number | undefined,
      get text() {
        const all = Buffer.concat(chunks.splice(0))
        chunks.push(all)
        if (heard.headers['content-encoding'] !== 'gzip' || all.length === 0) return all.toString()
        return gunzipSync(all, { finishFlush: constants.Z_SYNC_FLUSH }).toString()
      },
      async until(condition: (text: string) => boolean) {
        while (heard.code === undefined && !condition(heard.text)) {
          await new Promise<void>(resolve => wake.push(resolve))
        }
        return heard.text
      },
      closed: () => heard.until(() => false),
    }
    stream.on('data', (bytes: Buffer) => {
      chunks.push(bytes)
      notify()
    })
    return new Promise((resolve, reject) => {
      stream.once('response', headers => {
        heard.headers = headers
        resolve(heard)
      })
      stream.once('close', () => {
        heard.code = stream.rstCode ?? 0
        notify()
        reject(new Error(`The stream was closed before it was answered (${stream.rstCode}).`))
      })
    })
  }

  close(): void {
    this.session.destroy()
  }
}
