import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { createHttpServer, type HttpServerOptions, type HubServer } from '../../src/http/server.js'
import { type PartialHttpSettings, resolveHttpSettings } from '../../src/http/settings.js'
import { createHub } from '../../src/hub/create-hub.js'
import type { Hub } from '../../src/hub/hub.js'
import type { HubOptions } from '../../src/hub/options.js'
import type { EventLog } from '../../src/log/log.js'
import { createMemoryLog } from '../../src/log/memory.js'

/** A whole hub in this process, over real sockets. */
export interface HubOnHttp {
  readonly log: EventLog
  readonly hub: Hub
  readonly server: HubServer
  readonly url: string
  readonly port: number
  /** What the surface and the hub told their operator. */
  readonly reports: readonly string[]
  close(): Promise<void>
}

export async function startHub(
  options: {
    readonly settings?: PartialHttpSettings
    readonly hub?: HubOptions
    readonly log?: EventLog
    readonly assets?: HttpServerOptions['assets']
    readonly metrics?: HttpServerOptions['metrics']
    readonly observer?: HttpServerOptions['observer']
    readonly certificate?: HttpServerOptions['certificate']
  } = {},
): Promise<HubOnHttp> {
  const log = options.log ?? createMemoryLog()
  const reports: string[] = []
  const report = (message: string, error?: unknown) => void reports.push(`${message} ${String(error)}`)
  const hub = await createHub(log, { report, ...options.hub })
  const server = createHttpServer({
    hub,
    settings: resolveHttpSettings({ port: 0, ...options.settings }),
    assets: options.assets,
    metrics: options.metrics,
    observer: options.observer,
    certificate: options.certificate,
    report,
  })
  const { url, port } = await server.listen()
  return {
    log,
    hub,
    server,
    url,
    port,
    reports,
    async close() {
      await server.close()
      await hub.close()
      await log.close()
    },
  }
}

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** What follows the answer on the connection. */
  readonly rest: string
  /** The `code` of a problem document; checked to be a whole one. */
  readonly code: string | undefined
}

/** A connection on which bytes are written as they are, and heard as they come. */
export class RawConnection {
  readonly socket: Socket
  received = ''
  isClosed = false
  error: string | undefined
  #wake: (() => void)[] = []

  constructor(port: number, options: { readonly allowHalfOpen?: boolean; readonly isEncrypted?: boolean } = {}) {
    const where = { port, host: '127.0.0.1', allowHalfOpen: options.allowHalfOpen ?? false }
    this.socket = options.isEncrypted ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where)
    this.socket.on('data', bytes => {
      this.received += bytes.toString('latin1')
      this.#notify()
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message
    })
    this.socket.on('close', () => {
      this.isClosed = true
      this.#notify()
    })
  }

  /** What was received, as UTF-8. */
  get text(): string {
    return Buffer.from(this.received, 'latin1').toString()
  }

  write(bytes: string | Uint8Array): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** Resolves when `condition` holds or the connection is closed. */
  async until(condition: (received: string) => boolean): Promise<string> {
    while (!this.isClosed && !condition(this.text)) await new Promise<void>(resolve => this.#wake.push(resolve))
    return this.text
  }

  async closed(): Promise<string> {
    return this.until(() => false)
  }

  /** The first answer of what was received; waits until it is whole. */
  async answer(): Promise<RawAnswer> {
    await this.until(() => parseAnswer(this.received, false) !== undefined)
    const answer = parseAnswer(this.received, true)
    if (!answer)
      throw new Error(`No answer in ${JSON.stringify(this.received.slice(0, 300))} (${this.error ?? 'ended'})`)
    return answer
  }

  destroy(): void {
    this.socket.destroy()
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = []
    for (const resolve of wake) resolve()
  }
}

function parseAnswer(received: string, isOver: boolean): RawAnswer | undefined {
  const end = received.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = received.slice(0, Math.max(end, 0)).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
  if (end < 0 || !status) return undefined
  if (status === 100) return parseAnswer(received.slice(end + 4), isOver)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const isBodiless = status === 204 || status === 304
  const length = isBodiless
    ? 0
    : headers['content-length'] === undefined
      ? undefined
      : Number(headers['content-length'])
  const after = received.slice(end + 4)
  if (!isOver && (length === undefined || after.length < length)) return undefined
  const body = Buffer.from(length === undefined ? after : after.slice(0, length), 'latin1').toString()
  return {
    status,
    headers,
    body,
    rest: length === undefined ? '' : after.slice(length),
    code: codeOf(status, headers, body),
  }
}

function codeOf(status: number, headers: Readonly<Record<string, string>>, body: string): string | undefined {
  if (headers['content-type'] !== 'application/problem+json' || body === '') return undefined
  const problem: unknown = JSON.parse(body)
  if (typeof problem !== 'object' || problem === null) throw new Error(`No problem document: ${body}`)
  const { type, title, status: said, detail, code }: Record<string, unknown> = { ...problem }
  const isWhole = typeof title === 'string' && typeof detail === 'string' && typeof code === 'string' && said === status
  if (!isWhole || type !== `/problems#${code}`) throw new Error(`No whole problem document: ${body}`)
  if (/\bat .*:\d+|Error:|node:|\/src\/|HPE_/.test(detail)) throw new Error(`It tells of the inside: ${body}`)
  return code
}

/** Writes `request` on a connection of its own, and resolves to the answer. */
export async function exchange(port: number, request: string | Uint8Array): Promise<RawAnswer> {
  const connection = new RawConnection(port).write(request)
  const answer = await connection.answer()
  connection.destroy()
  return answer
}

/** The bytes of a request. `body` sets the length. */
export function request(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string | Uint8Array,
): Buffer {
  const bytes = Buffer.from(body ?? '')
  const all = { Host: 'localhost', ...(body !== undefined && { 'Content-Length': String(bytes.length) }), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes])
}

/** The hub, but for what is given. */
export function hubLike(real: Hub, instead: Partial<Hub>): Hub {
  return {
    publish: events => real.publish(events),
    openStream: (topic, options) => real.openStream(topic, options),
    stopStream: topic => real.stopStream(topic),
    begin: given => real.begin(given),
    attach: (beginning, sink) => real.attach(beginning, sink),
    page: (given, options) => real.page(given, options),
    retryMs: () => real.retryMs(),
    topics: options => real.topics(options),
    topic: topic => real.topic(topic),
    subscribers: topic => real.subscribers(topic),
    get status() {
      return real.status
    },
    get counters() {
      return real.counters
    },
    furthestBehind: () => real.furthestBehind(),
    ready: () => real.ready(),
    drain: deadlineMs => real.drain(deadlineMs),
    close: () => real.close(),
    ...instead,
  }
}
