import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Sink } from '../hub/sink.js'
import { TidingsError } from '../wire/errors.js'
import { type Answer, withHeaders } from './answer.js'
import type { Carrier } from './carrier.js'
import { varyingHeaders } from './cors.js'
import { tryNegotiate } from './negotiate.js'
import { type ReadRequest, readReadRequest } from './read-request.js'
import { streamHeaders, toRefusal } from './refusal.js'
import { type RequestHead, readRequestHead } from './request-head.js'
import { routeOf } from './routes.js'
import { toHead, writeAnswer } from './send-answer.js'
import { grantTo, type Standing } from './sinks/held-sockets.js'
import { SocketSink } from './sinks/socket-sink.js'
import { startOfBody } from './start-of-body.js'
import type { Surface } from './surface.js'

/**
 * Answers a request for a stream on the bare socket that it came by: with the stream, or with why not. Never rejects.
 */
export async function serveStream(surface: Surface, incoming: IncomingMessage, socket: Socket): Promise<void> {
  surface.sockets.take(socket)
  await serveStreamBy(surface, new SocketCarrier(surface, incoming, socket))
}

/**
 * Answers a request for a stream: with the stream, or with why not. Never rejects.
 *
 * Its client may leave at any time, also while the log is asked where to begin: after that it is looked for again.
 */
export async function serveStreamBy(surface: Surface, carrier: Carrier): Promise<void> {
  const { hub } = surface
  let head: RequestHead | undefined
  let hasSink = false
  try {
    head = readRequestHead(carrier.request, surface.access, surface.settings.limits)
    const request = readStream(surface, head)
    refuseAboveLimit(surface)
    const beginning = await hub.begin(request)
    if (carrier.isGone) return
    // The rules may have changed while the log was asked.
    const caller = surface.access.again(head.caller)
    surface.access.requireReader(caller, request.selectors)
    if (beginning.kind === 'ended') {
      carrier.answer(withHeaders(ended, varyingHeaders(head, ended.status, surface.settings)))
      return
    }
    const { form, coding, selectors } = request
    const headers = { ...streamHeaders(form, coding), ...varyingHeaders(head, 200, surface.settings) }
    const sink = carrier.open(headers, startOfBody(request, hub.retryMs()))
    hasSink = true
    const subscription = hub.attach(beginning, sink)
    if (caller.kind === 'listed' || caller.kind === 'foreign') {
      carrier.grant({ caller, selectors, stream: subscription })
    }
    // Who has closed its side before it was answered hears where the stream begins, and no more.
    if (carrier.hearsNoMore) sink.end()
  } catch (error) {
    const { accept } = carrier.request.headers
    const answer = toRefusal(surface, error, { operation: 'read', form: tryNegotiate(accept) })
    // Into a stream that has begun, no answer can be put.
    if (hasSink) carrier.destroy()
    else if (!carrier.isGone) carrier.answer(withHeaders(answer, varyingHeaders(head, answer.status, surface.settings)))
  }
}

/** The connection of HTTP/1.1 by which one request for a stream came, and on which nothing comes after it. */
class SocketCarrier implements Carrier {
  readonly request: IncomingMessage
  readonly #surface: Surface
  readonly #socket: Socket

  constructor(surface: Surface, incoming: IncomingMessage, socket: Socket) {
    this.#surface = surface
    this.request = incoming
    this.#socket = socket
  }

  get isGone(): boolean {
    return this.#socket.destroyed
  }

  get hearsNoMore(): boolean {
    return this.#socket.readableEnded
  }

  open(headers: Readonly<Record<string, string>>, start: Uint8Array): Sink {
    return new SocketSink(this.#socket, Buffer.concat([Buffer.from(toHead(200, headers), 'latin1'), start]))
  }

  grant(standing: Standing): void {
    grantTo(this.#socket, standing)
  }

  answer(answer: Answer): void {
    finish(this.#surface, this.#socket, answer)
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/** The status and headers that a GET of a stream would have now. */
export async function answerStreamHead({ hub }: Surface, request: ReadRequest): Promise<Answer> {
  const beginning = await hub.begin(request)
  if (beginning.kind === 'ended') return ended
  return { status: 200, headers: streamHeaders(request.form, request.coding), body: '', isEndless: true }
}

export function readStream(surface: Surface, head: RequestHead): ReadRequest {
  const route = routeOf(head.path)
  if (route.kind !== 'events') throw new TidingsError('not-found', 'There is nothing here.')
  return readReadRequest(head, route.topic, surface.access, surface.settings)
}

/** Throws `overloaded` if there are more streams than there may be, the one that asks among them. */
export function refuseAboveLimit({ sockets, streams, settings }: Surface): void {
  if (sockets.size + streams.size <= settings.limits.maxStreams) return
  throw new TidingsError('overloaded', 'The hub holds as many streams as it may; try again later.')
}

/** EventSource stops for good at 204: there is nothing to hear any more. */
const ended: Answer = { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' }

export function finish({ sockets }: Surface, socket: Socket, answer: Answer): void {
  writeAnswer(socket, answer)
  sockets.finish(socket)
}
