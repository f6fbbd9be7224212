import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Certificate } from './certificate.js'
import { handle } from './handle.js'
import { streamRequestClass } from './stream-request.js'
import type { Surface } from './surface.js'

/** What takes connections, with TLS or without: both are told and asked alike. */
export type Listener = Server | TlsServer

/** A listener that answers requests; those for streams it gives away by 'upgrade' (`streamRequestClass`). */
export function createListener(surface: Surface, certificate: Certificate | undefined): Listener {
  const { limits } = surface.settings
  const options = {
    IncomingMessage: streamRequestClass(surface.pipeline),
    maxHeaderSize: limits.maxUrlBytes + limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // Bodies have times of their own: one of lines may take as long as it comes at all.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
    // Refused here, so that it is refused with a problem document.
    requireHostHeader: false,
  }
  const server: Listener = certificate
    ? createTlsServer({
        ...options,
        ...toTlsOptions(certificate),
        handshakeTimeout: limits.headersTimeoutMs,
        // For a client that speaks both, the first.
        ALPNProtocols: ['h2', 'http/1.1'],
        // As `node:http` has it: whoever has sent its request may close its side.
        allowHalfOpen: true,
      })
    : createServer(options)
  server.maxConnections = limits.maxConnections
  // All are looked at: beyond this number Node.js would drop headers without a word. Their bytes are bounded.
  server.maxHeadersCount = 0
  // Whoever sends its request and closes its side (`nc -N`, a script) still gets its answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  const answer = (expectsContinue: boolean) => (incoming: IncomingMessage, response: ServerResponse) =>
    void handle(surface, incoming, response, expectsContinue).catch(giveUp(surface, incoming.socket))
  server.on('request', answer(false))
  server.on('checkContinue', answer(true))
  // RFC 9110, 10.1.1: an expectation that is not known may be passed over.
  server.on('checkExpectation', answer(false))
  return server
}

/** What Node.js takes of a certificate, at the start and when it is renewed. */
export function toTlsOptions({ cert, key, ticketKeys }: Certificate): {
  readonly cert: string
  readonly key: string
  readonly ticketKeys?: Buffer
} {
  return { cert, key, ...(ticketKeys && { ticketKeys: Buffer.from(ticketKeys) }) }
}

/** The last net: whatever one connection brings about stays with it. */
export function giveUp({ report }: Surface, socket: Duplex): (error: unknown) => void {
  return error => {
    report('A connection was given up.', error)
    socket.destroy()
  }
}
