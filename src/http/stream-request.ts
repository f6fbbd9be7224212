import { IncomingMessage } from 'node:http'
import { tryNegotiate } from './negotiate.js'
import type { Pipeline } from './pipeline.js'
import type { RawHead } from './raw-head.js'

const eventsPath = /^(?:https?:\/\/[^/?#]*)?\/events(?:[/?]|$)/i

/**
 * A request that says of itself whether its connection leaves the HTTP server.
 *
 * Node.js asks `upgrade` once the headers are there; where it is true, it frees its parser, makes no response, and hands the bare
 * socket to the listeners of 'upgrade'. True here for what plainly asks for a stream of events: idle, that costs 1.5 kB of heap,
 * its subscription included [4,000 of them, Node 20.20; works alike on 22.23 and 24.21].
 *
 * An upgrade to another protocol may be passed over (RFC 9110, 7.8), and is; only `websocket` is answered that it is not spoken.
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
function leavesHttp(request: RawHead): boolean {
  return mayAskForStream(request) && (asksForWebSocket(request.headers) || isStreamForm(request.headers.accept))
}

/** Whether a request is plainly one for a stream of events, which has no end of itself. */
export function asksForStream(request: RawHead): boolean {
  return mayAskForStream(request) && isStreamForm(request.headers.accept)
}

function mayAskForStream({ method, url, headers }: RawHead): boolean {
  return method === 'GET' && eventsPath.test(url ?? '') && !hasBody(headers)
}

export function asksForWebSocket(headers: IncomingMessage['headers']): boolean {
  return /(?:^|,)\s*websocket(?:\/[^,]*)?\s*(?:,|$)/i.test(headers.upgrade ?? '')
}

/** Whether a GET with such an `Accept` is answered without end. */
function isStreamForm(accept: string | undefined): boolean {
  const form = tryNegotiate(accept)
  return form !== undefined && form !== 'application/json'
}

export function hasBody(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}
