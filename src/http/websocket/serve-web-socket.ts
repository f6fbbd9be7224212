import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ServerOptions } from 'ws'
import { TidingsError } from '../../wire/errors.js'
import { withHeaders } from '../answer.js'
import { varyingHeaders } from '../cors.js'
import { maxEventTextBytes } from '../event-object.js'
import { toRefusal } from '../refusal.js'
import { type RequestHead, readRequestHead } from '../request-head.js'
import { finish, readStream, refuseAboveLimit } from '../subscribe.js'
import type { Surface } from '../surface.js'
import { WebSocketConnection } from './connection.js'
import { webSocketEncoding } from './frames.js'

/** How long a client may take to answer that it is being closed. */
const closeTimeoutMs = 2_000
/** Of a message, beside the event that it publishes. */
const maxAroundBytes = 1024

/**
 * Answers a request for a WebSocket on the bare socket that it came by: with one, or with why not. Never rejects.
 *
 * @param head What came behind the request.
 */
export async function serveWebSocket(
  surface: Surface,
  incoming: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const { hub, sockets, access, settings } = surface
  sockets.take(socket)
  // What comes is for who reads frames.
  socket.pause()
  let asked: RequestHead | undefined
  try {
    asked = readRequestHead(incoming, access, settings.limits)
    access.requireTrusted(asked.caller)
    checkHandshake(incoming)
    // `Accept` speaks of bodies, which there are none of here.
    const { accept: _, ...headers } = asked.headers
    const request = { ...readStream(surface, { ...asked, headers }), encoding: webSocketEncoding }
    refuseAboveLimit(surface)
    const [{ WebSocketServer }, beginning] = await Promise.all([import('ws'), hub.begin(request)])
    if (socket.destroyed) return
    const caller = surface.access.again(asked.caller)
    surface.access.requireTrusted(caller)
    surface.access.requireReader(caller, request.selectors)
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      maxPayload: maxEventTextBytes(settings.limits.maxEventBytes) + maxAroundBytes,
      closeTimeout: closeTimeoutMs,
    }
    const server = new WebSocketServer(options)
    server.handleUpgrade(incoming, socket, head, webSocket => {
      const connection = new WebSocketConnection(surface, socket, webSocket, caller, request.conflateMs)
      surface.webSockets.add(connection)
      connection.begin(beginning, request)
      socket.resume()
    })
  } catch (error) {
    const answer = toRefusal(surface, error, { operation: 'read' })
    if (!socket.destroyed) finish(surface, socket, withHeaders(answer, varyingHeaders(asked, answer.status, settings)))
    socket.resume()
  }
}

/** RFC 6455, 4.2.1: what `ws` would refuse in words of its own. */
function checkHandshake({ headers, httpVersion }: IncomingMessage): void {
  if (httpVersion !== '1.1' || !/(?:^|,)\s*upgrade\s*(?:,|$)/i.test(headers.connection ?? '')) {
    throw new TidingsError('bad-request', 'A WebSocket is asked for with "Connection: Upgrade" in HTTP/1.1.')
  }
  if (headers['sec-websocket-version'] !== '13' && headers['sec-websocket-version'] !== '8') {
    throw new TidingsError('bad-request', 'Sec-WebSocket-Version 13 is spoken here.')
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) {
    throw new TidingsError('bad-request', 'Sec-WebSocket-Key is 16 bytes in base64.')
  }
}
