import type { IncomingHttpHeaders } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { request } from 'node:https'
import { StringDecoder } from 'node:string_decoder'
import { constants, createGunzip, type Gunzip } from 'node:zlib'
import { expect, vi } from 'vitest'

/** An answer as it comes through a proxy. */
export interface Reading {
  status(): number | undefined
  header(name: string): unknown
  text(): string
  isOver(): boolean
  /** Resolves when what has come matches. */
  until(pattern: RegExp): Promise<void>
  /** Resolves when the answer has ended. */
  over(): Promise<void>
  close(): void
}

export type Versions = 'HTTP/1.1' | 'HTTP/2'

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One who asks a proxy, by one version of HTTP: over HTTP/2 all on one connection, as a browser does. */
export interface Caller {
  ask(path: string, asking?: Asking): Reading
  close(): void
}

/** `said`: what the proxy wrote, to be shown with a failure. */
export function createCaller(version: Versions, url: string, said: () => string): Caller {
  return version === 'HTTP/2' ? callerOf2(url, said) : callerOf1(url, said)
}

function callerOf1(url: string, said: () => string): Caller {
  return {
    ask(path, { method = 'GET', headers = {} } = {}) {
      const answer = new Answer(said, () => asked.destroy())
      const asked = request(`${url}${path}`, {
        method,
        agent: false,
        rejectUnauthorized: false,
        headers: { 'accept-encoding': 'gzip, br', ...headers },
      })
      asked.on('response', response => {
        answer.begin(response.statusCode, response.headers)
        response.on('data', (bytes: Buffer) => answer.take(bytes))
        response.on('error', () => undefined).on('close', () => answer.end())
      })
      asked.on('error', () => answer.end())
      asked.end()
      return answer
    },
    close: () => undefined,
  }
}

function callerOf2(url: string, said: () => string): Caller {
  let session: ClientHttp2Session | undefined
  return {
    ask(path, { method = 'GET', headers = {} } = {}) {
      if (!session || session.closed || session.destroyed) {
        session = connect(url, { rejectUnauthorized: false })
        session.on('error', () => undefined)
      }
      const stream = session.request({ ':method': method, ':path': path, 'accept-encoding': 'gzip, br', ...headers })
      const answer = new Answer(said, () => stream.close())
      stream.on('response', head => answer.begin(head[':status'], head))
      stream.on('data', (bytes: Buffer) => answer.take(bytes))
      stream.on('error', () => undefined).on('close', () => answer.end())
      return answer
    },
    close: () => session?.destroy(),
  }
}

const patience = { timeout: 10_000, interval: 10 }

class Answer implements Reading {
  readonly close: () => void
  readonly #said: () => string
  #status: number | undefined
  #headers: IncomingHttpHeaders = {}
  #text = ''
  readonly #decoder = new StringDecoder()
  #gunzip: Gunzip | undefined
  #isOver = false

  constructor(said: () => string, close: () => void) {
    this.#said = said
    this.close = close
  }

  begin(status: number | undefined, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
    if (headers['content-encoding'] !== 'gzip') return
    this.#gunzip = createGunzip({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH })
    this.#gunzip.on('data', (bytes: Buffer) => this.#read(bytes))
  }

  take(bytes: Buffer): void {
    if (this.#gunzip) this.#gunzip.write(bytes)
    else this.#read(bytes)
  }

  #read(bytes: Buffer): void {
    this.#text += this.#decoder.write(bytes)
  }

  end(): void {
    this.#isOver = true
  }

  status = (): number | undefined => this.#status
  header = (name: string): unknown => this.#headers[name]
  text = (): string => this.#text
  isOver = (): boolean => this.#isOver

  async until(pattern: RegExp): Promise<void> {
    await vi.waitFor(
      () =>
        expect({ status: this.#status, text: this.#text, said: this.#said() }).toMatchObject({
          text: expect.stringMatching(pattern),
        }),
      patience,
    )
  }

  async over(): Promise<void> {
    await vi.waitFor(() => expect({ text: this.#text, isOver: this.#isOver }).toMatchObject({ isOver: true }), patience)
  }
}
