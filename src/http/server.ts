import type { IncomingMessage } from 'node:http'
import { Server as TlsServer } from 'node:https'
import { type AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Drained, Hub } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import { Access } from './access.js'
import { withHeaders } from './answer.js'
import type { Assets } from './assets.js'
import { Budget } from './budget.js'
import { type Certificate, readCertificate } from './certificate.js'
import { type ClientError, toClientRefusal } from './client-error.js'
import { Handshakes } from './handshakes.js'
import { HeldStreams } from './http2/held-streams.js'
import { isPreface, takeFromHttp1 } from './http2/prior-knowledge.js'
import { Sessions } from './http2/sessions.js'
import { createListener, giveUp, type Listener, toTlsOptions } from './listener.js'
import type { Metrics } from './metrics.js'
import { type HttpObserver, nobody } from './observer.js'
import { Pipeline } from './pipeline.js'
import { toRefusal } from './refusal.js'
import type { Report } from './report.js'
import { writeAnswer } from './send-answer.js'
import { fixedLimits, type HttpLimits, type HttpSettings } from './settings.js'
import { HeldSockets, type Standing } from './sinks/held-sockets.js'
import { asksForWebSocket } from './stream-request.js'
import { serveStream } from './subscribe.js'
import type { Surface } from './surface.js'
import { serveWebSocket } from './websocket/serve-web-socket.js'
import { WebSockets } from './websocket/web-sockets.js'

export interface HttpServerOptions {
  readonly hub: Hub
  /** From `resolveHttpSettings`. */
  readonly settings: HttpSettings
  /** Speaks HTTPS, and nothing else, with this. Default: speaks plain HTTP. */
  readonly certificate?: Certificate | undefined
  /** Files served as they are. Default: none. */
  readonly assets?: Assets | undefined
  /** What `/metrics` answers. Default: there is none. */
  readonly metrics?: Metrics | undefined
  /** Is told what the surface does. Default: nobody is. */
  readonly observer?: HttpObserver | undefined
  /** Is told of faults of the hub's own that a caller was answered with, without their text. Default: says nothing. */
  readonly report?: Report | undefined
}

/** Where a hub listens. */
export interface Listening {
  /** As a browser calls it, such as `http://127.0.0.1:8080`; with a certificate, `https://`. */
  readonly url: string
  readonly host: string
  readonly port: number
}

/** What callers hold of the surface; each is bounded by a limit of the settings. */
export interface HttpStatus {
  readonly connections: number
  /** Streams, of which a connection of HTTP/2 has several, and refusals of streams on their way out. */
  readonly streams: number
  /** Those that wait. */
  readonly longPolls: number
  /** Of bodies that are being read or appended, and what their requests count for. */
  readonly publishBytes: number
  /** Of answers that their readers have not taken. */
  readonly answerBytes: number
}

/** A hub on a port. */
export interface HubServer {
  /** Begins to listen. Rejects with `cannot-listen` if the address cannot be had. */
  listen(): Promise<Listening>
  /** Where it listens; nothing before and after. */
  readonly address: Listening | undefined
  /**
   * Takes no more connections, then ends the streams (`Hub.drain`), then lets what is being answered finish and closes its
   * connections; what is left after `deadlineMs` is destroyed. Resolves when no connection is left, to how the subscriptions went.
   */
  drain(deadlineMs: number): Promise<Drained>
  /** What holds now. */
  readonly settings: HttpSettings
  /**
   * Goes by other settings from now on, from `resolveHttpSettings`. What is under way may still go by those before, and what it
   * holds stays counted; streams of pages that may not hear their topics any more are ended.
   * `host`, `port`, `open`, `fixedLimits` and the time for a handshake of TLS (`headersTimeoutMs`) stay as they are.
   */
  reconfigure(settings: HttpSettings): void
  /**
   * Shows this certificate to whoever connects from now on; connections that are there stay. Throws `invalid-setting` if it is none, or
   * if the hub speaks plain HTTP.
   */
  renew(certificate: Certificate): void
  /** How it stands now. */
  status(): Promise<HttpStatus>
  /** Ends at once: destroys every connection. Resolves when none is left. Leaves the hub as it is. */
  close(): Promise<void>
}

/** The hub's surface, on `node:http`. Listens only when it is told to. Throws `invalid-setting` if the certificate is none. */
export function createHttpServer(options: HttpServerOptions): HubServer {
  const { hub, settings, certificate, assets, metrics, observer, report } = options
  const { limits } = settings
  if (certificate) readCertificate(certificate)
  const surface: Surface = {
    hub,
    settings,
    access: new Access(settings, certificate ? 'https' : 'http'),
    assets: assets ?? new Map(),
    metrics,
    observer: observer ?? nobody,
    report: report ?? (() => undefined),
    publisher: { hub, limits, inFlight: new Budget(limits.maxPublishBytesInFlight) },
    sockets: new HeldSockets({ writeTimeoutMs: limits.writeTimeoutMs }),
    streams: new HeldStreams(),
    webSockets: new WebSockets(),
    pipeline: new Pipeline(),
    answersInFlight: new Budget(limits.maxPageBytesInFlight),
    longPolls: new Budget(limits.maxLongPolls),
  }
  return new NodeHubServer(surface, createListener(surface, certificate))
}

class NodeHubServer implements HubServer {
  readonly #surface: { -readonly [Name in keyof Surface]: Surface[Name] }
  readonly #server: Listener
  /** Over TLS: what has not come so far that the HTTP server knows of it. */
  readonly #handshakes: Handshakes | undefined
  readonly #sessions: Sessions
  readonly #refused = new WeakSet<Duplex>()
  /** Connections on which nothing was asked yet. Browsers open some ahead of need; a hub that drains does not wait for them. */
  readonly #unheard = new Set<Duplex>()
  #closed: Promise<void> | undefined

  constructor(surface: Surface, server: Listener) {
    this.#surface = surface
    this.#server = server
    this.#sessions = new Sessions(surface)
    this.#divideByProtocol()
    this.#handshakes = server instanceof TlsServer ? new Handshakes(server) : undefined
    this.#followUnheard()
    this.#server.on('upgrade', (incoming, socket, head) => this.#onBareSocket(incoming, socket, head))
    this.#server.on('connect', (_incoming, socket) => {
      if (!(socket instanceof Socket)) return void socket.destroy()
      this.#refuse(socket, new TidingsError('method-not-allowed', 'This is no proxy.'))
    })
    this.#server.on('drop', () => surface.observer.dropped())
    this.#server.on('clientError', (error: ClientError, socket) => this.#onClientError(error, socket))
  }

  get address(): Listening | undefined {
    const address = this.#server.address()
    const scheme = this.#handshakes ? 'https' : 'http'
    return typeof address === 'object' && address
      ? toListening(scheme, this.#surface.settings.host, address)
      : undefined
  }

  async listen(): Promise<Listening> {
    const { host, port } = this.#surface.settings
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', error => {
        reject(new TidingsError('cannot-listen', whyNotListening(error, host, port), { cause: error }))
      })
      this.#server.listen(port, host, resolve)
    })
    const { address } = this
    if (!address) throw new TidingsError('cannot-listen', `There is no address at ${host}:${port}.`)
    this.#server.on('error', error => this.#surface.report('The listener failed.', error))
    return address
  }

  async drain(deadlineMs: number): Promise<Drained> {
    const closed = this.#stopListening()
    this.#sessions.drain()
    // First the hub: at the deadline it counts whom it cuts off, before the connections of others are destroyed too.
    const drained = this.#surface.hub.drain(deadlineMs)
    const deadline = setTimeout(() => this.#destroyAll(), deadlineMs)
    try {
      const result = await drained
      this.#surface.webSockets.drain()
      this.#server.closeIdleConnections()
      this.#handshakes?.destroyAll()
      for (const socket of this.#unheard) if (socket instanceof Socket && socket.bytesRead === 0) socket.destroy()
      await closed
      return result
    } finally {
      clearTimeout(deadline)
    }
  }

  get settings(): HttpSettings {
    return this.#surface.settings
  }

  reconfigure(given: HttpSettings): void {
    const surface = this.#surface
    const { host, port, open, limits: before } = surface.settings
    const limits: HttpLimits = Object.freeze({
      ...given.limits,
      ...Object.fromEntries(fixedLimits.map(name => [name, before[name]])),
    })
    const access = new Access({ ...given, open }, this.#handshakes ? 'https' : 'http')
    surface.settings = Object.freeze({ ...given, host, port, open, limits })
    surface.access = access
    surface.publisher = { ...surface.publisher, limits }
    surface.publisher.inFlight.most = limits.maxPublishBytesInFlight
    surface.answersInFlight.most = limits.maxPageBytesInFlight
    surface.longPolls.most = limits.maxLongPolls
    surface.sockets.writeTimeoutMs = limits.writeTimeoutMs
    this.#server.maxConnections = limits.maxConnections
    this.#server.headersTimeout = limits.headersTimeoutMs
    this.#server.keepAliveTimeout = limits.keepAliveTimeoutMs
    const isGood = ({ caller, selectors }: Standing) => access.isReader(access.again(caller), selectors)
    surface.sockets.endUnless(isGood)
    surface.streams.endUnless(isGood)
  }

  renew(certificate: Certificate): void {
    const server = this.#server
    if (!(server instanceof TlsServer)) {
      throw new TidingsError('invalid-setting', 'A hub that speaks plain HTTP takes no certificate.')
    }
    readCertificate(certificate)
    server.setSecureContext(toTlsOptions(certificate))
  }

  async status(): Promise<HttpStatus> {
    const { sockets, streams, longPolls, publisher, answersInFlight } = this.#surface
    const connections = await new Promise<number>((resolve, reject) => {
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
    return {
      connections,
      streams: sockets.size + streams.size,
      longPolls: longPolls.taken,
      publishBytes: publisher.inFlight.taken,
      answerBytes: answersInFlight.taken,
    }
  }

  async close(): Promise<void> {
    const closed = this.#stopListening()
    this.#destroyAll()
    await closed
  }

  #stopListening(): Promise<void> {
    this.#surface.pipeline.isClosing = true
    this.#closed ??= new Promise(resolve => {
      this.#server.close(() => resolve())
    })
    return this.#closed
  }

  /** Over TLS a client says in its handshake what it speaks. What speaks HTTP/1.1, or says nothing, goes where it always went. */
  #divideByProtocol(): void {
    const server = this.#server
    if (!(server instanceof TlsServer)) return
    const others = server.listeners('secureConnection')
    server.removeAllListeners('secureConnection')
    server.on('secureConnection', socket => {
      if (isHttp2(socket)) this.#sessions.serve(socket)
      else for (const listener of others) listener.call(server, socket)
    })
  }

  /** With one function for all: a closure each would be kept as long as the connection. */
  #followUnheard(): void {
    const unheard = this.#unheard
    function onClose(this: Duplex): void {
      unheard.delete(this)
    }
    const heard = ({ socket }: IncomingMessage): void => {
      if (unheard.delete(socket)) socket.off('close', onClose)
    }
    this.#server.on(this.#handshakes ? 'secureConnection' : 'connection', (socket: Duplex) => {
      if (isHttp2(socket)) return
      unheard.add(socket)
      socket.on('close', onClose)
    })
    for (const event of ['request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect'] as const) {
      this.#server.prependListener(event, heard)
    }
  }

  #destroyAll(): void {
    this.#sessions.destroyAll()
    this.#surface.sockets.destroyAll()
    this.#handshakes?.destroyAll()
    this.#server.closeAllConnections()
  }

  #onBareSocket(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!(socket instanceof Socket)) return void socket.destroy()
    const served = asksForWebSocket(incoming.headers)
      ? serveWebSocket(this.#surface, incoming, socket, head)
      : serveStream(this.#surface, incoming, socket)
    served.catch(giveUp(this.#surface, socket))
  }

  #onClientError(error: ClientError, socket: Duplex): void {
    if (!(socket instanceof Socket) || this.#refused.has(socket)) return
    this.#refused.add(socket)
    const bare = this.#handshakes?.below(socket)
    if (bare) {
      if (error.code === 'ERR_SSL_HTTP_REQUEST') this.#sendToTls(bare)
      socket.destroy()
      return
    }
    if (isPreface(error) && !this.#handshakes && this.#unheard.delete(socket)) {
      takeFromHttp1(socket, error)
      this.#sessions.serve(socket)
      return
    }
    const refusal = toClientRefusal(error, this.#surface.settings.limits)
    // Browsers open connections ahead of need, and may never say anything on them.
    const isUnheard = socket.bytesRead === 0
    if (!refusal || isUnheard) {
      socket.destroy()
      return
    }
    const { pipeline } = this.#surface
    const answer = () => {
      if (!socket.writable || pipeline.isAnswering(socket)) socket.destroy()
      else this.#refuse(socket, refusal)
    }
    // Requests that came whole before those bytes are answered first, in their order.
    const before = pipeline.lastWhole(socket)
    if (before) pipeline.whenOver(socket, before, answer)
    else answer()
  }

  /** To who speaks plain HTTP where TLS is spoken, in plain HTTP. OpenSSL has noticed it, and has answered nothing. */
  #sendToTls(bare: Socket): void {
    const error = new TidingsError('bad-request', 'This port speaks HTTPS: begin the URL with https://.')
    writeAnswer(bare, toRefusal(this.#surface, error, { operation: 'other' }))
  }

  #refuse(socket: Socket, error: TidingsError): void {
    this.#surface.sockets.take(socket)
    writeAnswer(
      socket,
      withHeaders(toRefusal(this.#surface, error, { operation: 'other' }), { Vary: 'Accept, Origin' }),
    )
    this.#surface.sockets.finish(socket)
  }
}

/** Whether its client has said in the handshake of TLS that it speaks HTTP/2. */
function isHttp2(socket: Duplex): boolean {
  return 'alpnProtocol' in socket && socket.alpnProtocol === 'h2'
}

function toListening(scheme: string, host: string, { address, port, family }: AddressInfo): Listening {
  const isAny = address === '0.0.0.0' || address === '::'
  const shown = isAny ? 'localhost' : family === 'IPv6' ? `[${address}]` : host.includes(':') ? address : host
  return { url: `${scheme}://${shown}:${port}`, host: address, port }
}

function whyNotListening(error: NodeJS.ErrnoException, host: string, port: number): string {
  const place = `${host}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return `Cannot listen on ${place}: another program does. Stop it, or choose another port (--port).`
    case 'EACCES':
      return `Cannot listen on ${place}: this user may not. Choose a port above 1023 (--port).`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `Cannot listen on ${place}: this machine has no such address (--host).`
    default:
      return `Cannot listen on ${place} (${error.code ?? 'unknown'}).`
  }
}
