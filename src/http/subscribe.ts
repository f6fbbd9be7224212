import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TidingsError } from '../wire/errors.js'
import { type Answer, withHeaders } from './answer.js'
import { varyingHeaders } from './cors.js'
import { tryNegotiate } from './negotiate.js'
import { type ReadRequest, readReadRequest } from './read-request.js'
import { streamHeaders, toRefusal } from './refusal.js'
import { type RequestHead, readRequestHead } from './request-head.js'
import { routeOf } from './routes.js'
import { toHead, writeAnswer } from './send-answer.js'
import { grantTo } from './sinks/held-sockets.js'
import { SocketSink } from './sinks/socket-sink.js'
import { startOfBody } from './start-of-body.js'
import type { Surface } from './surface.js'

/**
 * Answers a request for a stream on the bare socket that it came by: with the stream, or with why not. Never rejects.
 *
 * The socket may be reset at any time, also while the log is asked where to begin: after that it is looked at again.
 */
export async function serveStream(surface: Surface, incoming: IncomingMessage, socket: Socket): Promise<void> {
  const { hub, sockets } = surface
  sockets.take(socket)
  let head: RequestHead | undefined
  let hasSink = false
  try {
    head = readRequestHead(incoming, surface.access, surface.settings.limits)
    const request = readStream(surface, head)
    refuseAboveLimit(surface)
    const beginning = await hub.begin(request)
    if (socket.destroyed) return
    // The rules may have changed while the log was asked.
    const caller = surface.access.again(head.caller)
    surface.access.requireReader(caller, request.selectors)
    if (beginning.kind === 'ended') {
      finish(surface, socket, withHeaders(ended, varyingHeaders(head, ended.status, surface.settings)))
      return
    }
    const sink = new SocketSink(socket, toStart(surface, head, request))
    hasSink = true
    const subscription = hub.attach(beginning, sink)
    if (caller.kind === 'listed' || caller.kind === 'foreign') {
      grantTo(socket, { caller, selectors: request.selectors, stream: subscription })
    }
    // Who has closed its side before it was answered hears where the stream begins, and no more.
    if (socket.readableEnded) sink.end()
  } catch (error) {
    const answer = toRefusal(surface, error, { operation: 'read', form: tryNegotiate(incoming.headers.accept) })
    // Into a stream that has begun, no answer can be put.
    if (hasSink) socket.destroy()
    else if (!socket.destroyed) {
      finish(surface, socket, withHeaders(answer, varyingHeaders(head, answer.status, surface.settings)))
    }
  }
}

/** The status and headers that a GET of a stream would have now. */
export async function answerStreamHead({ hub }: Surface, request: ReadRequest): Promise<Answer> {
  const beginning = await hub.begin(request)
  if (beginning.kind === 'ended') return ended
  return { status: 200, headers: { ...streamHeaders(request.form, request.coding), Connection: 'close' }, body: '' }
}

export function readStream(surface: Surface, head: RequestHead): ReadRequest {
  const route = routeOf(head.path)
  if (route.kind !== 'events') throw new TidingsError('not-found', 'There is nothing here.')
  return readReadRequest(head, route.topic, surface.access, surface.settings)
}

export function refuseAboveLimit({ sockets, settings }: Surface): void {
  if (sockets.size <= settings.limits.maxStreams) return
  throw new TidingsError('overloaded', 'The hub holds as many streams as it may; try again later.')
}

/** EventSource stops for good at 204: there is nothing to hear any more. */
const ended: Answer = { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' }

/** What precedes the first block of a stream. */
function toStart({ hub, settings }: Surface, asked: RequestHead, request: ReadRequest): Buffer {
  const { form, coding } = request
  const head = toHead(200, { ...streamHeaders(form, coding), ...varyingHeaders(asked, 200, settings) })
  return Buffer.concat([Buffer.from(head, 'latin1'), startOfBody(request, hub.retryMs())])
}

export function finish({ sockets }: Surface, socket: Socket, answer: Answer): void {
  writeAnswer(socket, answer)
  sockets.finish(socket)
}
