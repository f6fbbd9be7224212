import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Sink } from '../../hub/sink.js'
import type { Answer } from '../answer.js'
import { answerRequest } from '../answer-request.js'
import { Body } from '../body.js'
import type { Carrier } from '../carrier.js'
import { varyingHeaders } from '../cors.js'
import { discardMs, smallBytes, tooManyAnswers } from '../handle.js'
import { http2Version, type RawHead } from '../raw-head.js'
import { isBodiless } from '../send-answer.js'
import type { Standing } from '../sinks/held-sockets.js'
import { Http2Sink } from '../sinks/http2-sink.js'
import { asksForStream } from '../stream-request.js'
import { serveStreamBy } from '../subscribe.js'
import type { Surface } from '../surface.js'
import type { HeldStream } from './held-streams.js'

/** Answers a request that came on a connection of HTTP/2, whatever it asks for. Never rejects. */
export async function serveRequest(
  surface: Surface,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
): Promise<void> {
  stream.on('error', ignore)
  stream.on('aborted', onAborted)
  const head = toRawHead(headers, rawHeaders)
  if (asksForStream(head)) {
    // What a client sends after its request is nobody's.
    stream.resume()
    await serveStreamBy(surface, new StreamCarrier(surface, stream, head))
    return
  }
  let body: Body | undefined
  const { answer, head: asked } = await answerRequest(surface, {
    head,
    openBody() {
      if (headers.expect?.toLowerCase() === '100-continue') stream.additionalHeaders({ ':status': 100 })
      body = new Body(stream)
      return body
    },
    whenLeft: call => void stream.once('close', call),
  })
  if (stream.destroyed || stream.closed) return
  const varying = varyingHeaders(asked, answer.status, surface.settings)
  const isHead = head.method === 'HEAD'
  const bytes = answer.body.length
  if (isHead || bytes <= smallBytes) {
    sendAnswer(surface, stream, answer, varying, isHead)
  } else if (surface.answersInFlight.take(bytes)) {
    stream.once('close', () => surface.answersInFlight.give(bytes))
    sendAnswer(surface, stream, answer, varying)
  } else {
    sendAnswer(surface, stream, tooManyAnswers(surface), varyingHeaders(undefined, 503, surface.settings))
  }
  discardRest(stream, body)
}

/** Of one who never ends its request, the stream would be kept. A client that is told to stop before it has sent all may lose the answer over it. */
function discardRest(stream: ServerHttp2Stream, body: Body = new Body(stream)): void {
  body.discard(discardMs, () => stream.close(constants.NGHTTP2_NO_ERROR))
}

function ignore(): void {}

/** Its client has reset it. One that was reset without an error would not close while it has something to send. */
function onAborted(this: ServerHttp2Stream): void {
  if (!this.closed) this.destroy()
}

/** The head in the words of HTTP/1.1. */
function toRawHead(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): RawHead {
  const { ':authority': authority, host } = headers
  // Pseudo-headers come first (RFC 9113, 8.3).
  let first = 0
  while (rawHeaders[first]?.startsWith(':')) first += 2
  return {
    method: headers[':method'],
    url: headers[':path'] ?? '*',
    httpVersion: http2Version,
    // RFC 9113, 8.3.1: `:authority` is what `Host` is elsewhere, and where both are there they say the same.
    headers: authority === undefined ? headers : { ...headers, host: joinHosts(authority, host) },
    rawHeaders: rawHeaders.slice(first),
  }
}

/** Two that differ are no host at all. */
function joinHosts(authority: string, host: string | undefined): string {
  return host === undefined || host === authority ? authority : `${authority}, ${host}`
}

/** The stream of HTTP/2 by which a request for a stream of events came. */
class StreamCarrier implements Carrier {
  readonly request: RawHead
  readonly hearsNoMore = false
  /** As long as there is the stream. This carrier is not, nor the head of the request, which may be large. */
  readonly #held: { -readonly [Name in keyof HeldStream]: HeldStream[Name] } = { standing: undefined }
  readonly #surface: Surface
  readonly #stream: ServerHttp2Stream

  constructor(surface: Surface, stream: ServerHttp2Stream, request: RawHead) {
    this.request = request
    this.#surface = surface
    this.#stream = stream
    const { streams } = surface
    const held = this.#held
    streams.take(held)
    stream.once('close', () => streams.forget(held))
  }

  get isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  open(headers: Readonly<Record<string, string>>, start: Uint8Array): Sink {
    this.#stream.respond({ ':status': 200, ...headers })
    return new Http2Sink(this.#stream, start)
  }

  grant(standing: Standing): void {
    this.#held.standing = standing
  }

  answer(answer: Answer): void {
    sendAnswer(this.#surface, this.#stream, answer, {})
    discardRest(this.#stream)
  }

  destroy(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }
}

/** Sends `answer`, with headers more that it does not have itself; to a HEAD the headers alone. */
function sendAnswer(
  { settings }: Surface,
  stream: ServerHttp2Stream,
  { status, headers, body, isEndless }: Answer,
  more: Readonly<Record<string, string>>,
  isHead = false,
): void {
  const hasLength = !isEndless && !isBodiless(status)
  const length = hasLength ? { 'content-length': String(Buffer.byteLength(body)) } : {}
  const endStream = isHead || body.length === 0
  stream.respond({ ':status': status, ...headers, ...more, ...length }, { endStream })
  if (endStream) return
  const sink = new Http2Sink(stream)
  sink.listen({
    drained: ignore,
    stalled: () => sink.destroy(),
    closed: ignore,
  })
  sink.write(Buffer.from(body))
  sink.end()
  // The reader may take its time, but not stand still.
  sink.watchStall(settings.limits.writeTimeoutMs)
}
