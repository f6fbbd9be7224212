import { IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { tryNegotiate } from './negotiate.js'

const eventsPath = /^(?:https?:\/\/[^/?#]*)?\/events(?:[/?]|$)/i

/** The requests that wait for their answers, by connection: more than one, where a client sends ahead. */
export class Pipeline {
  /** No connection is to wait for another request. */
  isClosing = false
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()

  /** How many wait on a connection. */
  under(socket: Socket): number {
    return this.#waiting.get(socket)?.size ?? 0
  }

  enter(socket: Socket, response: ServerResponse): void {
    const waiting = this.#waiting.get(socket) ?? new Set()
    this.#waiting.set(socket, waiting.add(response))
    response.once('close', () => waiting.delete(response))
  }

  /** The last of those that came whole; one whose body is still coming is none. */
  lastWhole(socket: Socket): ServerResponse | undefined {
    return [...(this.#waiting.get(socket) ?? [])].findLast(response => response.req.complete)
  }

  /** Whether bytes of an answer are on their way, into which no other may be put. */
  isAnswering(socket: Socket): boolean {
    return [...(this.#waiting.get(socket) ?? [])].some(response => response.headersSent)
  }
}

/**
 * A request that says of itself whether its connection leaves the HTTP server.
 *
 * Node.js asks `upgrade` once the headers are there; where it is true, it frees its parser, makes no response, and hands the bare
 * socket to the listeners of 'upgrade'. True here for what plainly asks for a stream of events. Measured with 10,000 idle
 * streams: see docs/spec/http.md, "Connections". A request for another protocol is none of this: it may be passed over (RFC 9110, 7.8), but
 * `websocket` is answered that it is not spoken.
 */
export function streamRequestClass(pipeline: Pipeline): typeof IncomingMessage {
  return class StreamRequest extends IncomingMessage {
    // Only declared: the base class sets `upgrade` before a field of this one would exist.
    declare isUpgradeAsked: boolean | null
    declare leavesServer: boolean | undefined

    get upgrade(): boolean {
      if (this.method === 'CONNECT') return this.isUpgradeAsked === true
      this.leavesServer ??= leavesHttp(this) && pipeline.under(this.socket) === 0
      return this.leavesServer
    }

    set upgrade(value: boolean | null) {
      this.isUpgradeAsked = value
    }
  }
}

/** Whether the request has neither body nor a form of answer that ends by itself. */
function leavesHttp({ method, url, headers }: IncomingMessage): boolean {
  if (method !== 'GET' || !eventsPath.test(url ?? '') || hasBody(headers)) return false
  return asksForWebSocket(headers) || isStreamForm(headers.accept)
}

export function asksForWebSocket(headers: IncomingMessage['headers']): boolean {
  return /(?:^|,)\s*websocket(?:\/[^,]*)?\s*(?:,|$)/i.test(headers.upgrade ?? '')
}

/** Whether a GET with such an `Accept` is answered without end. */
export function isStreamForm(accept: string | undefined): boolean {
  const form = tryNegotiate(accept)
  return form !== undefined && form !== 'application/json'
}

export function hasBody(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}
