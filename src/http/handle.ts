import type { IncomingMessage, ServerResponse } from 'node:http'
import { TidingsError } from '../wire/errors.js'
import type { Answer } from './answer.js'
import { answerAsset } from './answer-asset.js'
import { Body } from './body.js'
import { preflightHeaders, varyingHeaders } from './cors.js'
import { answerMetrics } from './metrics.js'
import { tryNegotiate } from './negotiate.js'
import { answerHealth, answerReadiness, answerTopic, answerTopics, problemsPage } from './operations.js'
import { answerPage } from './page.js'
import { Problem } from './problem.js'
import { publishObjects, publishText } from './publish.js'
import { readReadRequest } from './read-request.js'
import { type Asked, toRefusal } from './refusal.js'
import { type RequestHead, readRequestHead } from './request-head.js'
import { methodsOf, type Route, routeOf } from './routes.js'
import { sendAnswer } from './send-answer.js'
import { hasBody } from './stream-request.js'
import { answerStreamHead } from './subscribe.js'
import type { Surface } from './surface.js'

/** How long what is left of a body is still taken after the answer, so that the answer is not lost to a reset. */
const discardMs = 5_000
/** Requests that one connection may have waiting at once; browsers have one. */
const maxPipelined = 16
/** Answers of so few characters are not counted against what is with slow readers: their connections cost more. */
const smallBytes = 1024

/**
 * Answers an ordinary request: everything but a stream. Never rejects.
 *
 * `expectsContinue`: the body comes only when it is asked for, so what is refused before that is never sent.
 */
export async function handle(
  surface: Surface,
  incoming: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const { socket } = incoming
  const { pipeline } = surface
  if (pipeline.under(socket) >= maxPipelined) {
    socket.destroy()
    return
  }
  pipeline.enter(socket, response)
  // What goes wrong with a connection shows as 'close'.
  response.on('error', ignore)
  incoming.on('error', ignore)
  let body: Body | undefined
  const openBody = () => {
    if (expectsContinue) response.writeContinue()
    body = new Body(incoming)
    return body
  }
  let head: RequestHead | undefined
  let answer: Answer
  try {
    head = readRequestHead(incoming, surface.access, surface.settings.limits)
    answer = await dispatch(surface, head, incoming, response, openBody)
  } catch (error) {
    answer = toRefusal(surface, error, whatWasAsked(head, incoming.method))
  }
  if (response.destroyed || !socket.writable) return
  send(surface, response, answer, head)
  if (!incoming.complete) (body ?? new Body(incoming)).discard(discardMs)
}

function ignore(): void {}

/** For what the request is, and in which form it asks for events, if it does. */
function whatWasAsked(head: RequestHead | undefined, method: string | undefined): Asked {
  if (method === 'POST') return { operation: 'publish' }
  const asksForEvents = (method === 'GET' || method === 'HEAD') && /^\/events(?:\/|$)/.test(head?.path ?? '')
  return asksForEvents ? { operation: 'read', form: tryNegotiate(head?.headers.accept) } : { operation: 'other' }
}

function dispatch(
  surface: Surface,
  head: RequestHead,
  incoming: IncomingMessage,
  response: ServerResponse,
  openBody: () => Body,
): Answer | Promise<Answer> {
  const route = routeOf(head.path)
  const { method, caller } = head
  const methods = methodsOf[route.kind]
  const isAbsent = route.kind === 'metrics' && !surface.metrics
  if (isAbsent || (route.kind === 'other' && !surface.assets.has(route.path))) {
    throw new TidingsError('not-found', 'There is nothing here. Events are at /events and /events/{topic}.')
  }
  if (!methods.includes(method)) {
    throw new Problem('method-not-allowed', `There are ${methods.join(', ')} here.`, {
      headers: { Allow: methods.join(', ') },
    })
  }
  if (method === 'OPTIONS') return answerOptions(surface, head, methods)
  if (method === 'POST') {
    surface.observer.publishing()
    surface.access.requireTrusted(caller)
    if (route.kind !== 'events') throw new TidingsError('method-not-allowed', 'Events are published to /events.')
    return route.topic === undefined
      ? publishObjects(surface.publisher, head, openBody)
      : publishText(surface.publisher, head, route.topic, openBody)
  }
  if (hasBody(head.headers)) throw new TidingsError('bad-request', `A ${method} has no body.`)
  return answerRead(surface, head, route, incoming, response)
}

function answerOptions({ access }: Surface, head: RequestHead, methods: readonly string[]): Answer {
  const asked = head.headers['access-control-request-method']
  return {
    status: 204,
    headers: { Allow: methods.join(', '), ...preflightHeaders(head.caller, asked, methods, access) },
    body: '',
  }
}

async function answerRead(
  surface: Surface,
  head: RequestHead,
  route: Route,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<Answer> {
  const { hub, access, assets, metrics } = surface
  switch (route.kind) {
    case 'events': {
      const request = readReadRequest(head, route.topic, access, surface.settings)
      if (request.form === 'application/json') {
        return answerPage(surface, head, request, whenLeft(surface, incoming, response))
      }
      if (head.method === 'HEAD') return answerStreamHead(surface, request)
      // Only a request that waited behind another one on its connection comes here.
      throw new TidingsError('overloaded', 'A stream wants a connection that is not waiting for other answers.')
    }
    case 'topics':
      access.requireTrusted(head.caller)
      return route.topic === undefined ? answerTopics(hub, head.query) : answerTopic(hub, route.topic, head.query)
    case 'healthz':
      return answerHealth()
    case 'readyz':
      return answerReadiness(hub)
    case 'metrics':
      access.requireTrusted(head.caller)
      if (!metrics) throw new TidingsError('not-found', 'There is nothing here.')
      return answerMetrics(metrics, head.headers.authorization)
    case 'problems':
      return answerAsset(problemsPage, head.headers['if-none-match'])
    default: {
      const asset = route.kind === 'other' ? assets.get(route.path) : undefined
      if (!asset) throw new TidingsError('not-found', 'There is nothing here.')
      if (!asset.isPublic) access.requireTrusted(head.caller)
      return answerAsset(asset, head.headers['if-none-match'])
    }
  }
}

/** Aborts when nobody waits for the answer any more. */
function whenLeft({ pipeline }: Surface, incoming: IncomingMessage, response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  pipeline.whenLeft(incoming.socket, response, () => controller.abort())
  return controller.signal
}

function send(surface: Surface, response: ServerResponse, answer: Answer, head: RequestHead | undefined): void {
  const { answersInFlight, pipeline, settings } = surface
  const varying = varyingHeaders(head, answer.status, settings)
  if (pipeline.isClosing) response.shouldKeepAlive = false
  const bytes = answer.body.length
  if (bytes <= smallBytes) {
    sendAnswer(response, answer, varying)
    // With the kernel already, but for a reader that has left many unread.
    if (response.req.socket.writableLength > 0) response.setTimeout(settings.limits.writeTimeoutMs)
    return
  }
  if (answersInFlight.take(bytes)) {
    pipeline.whenOver(response.req.socket, response, () => answersInFlight.give(bytes))
    // The reader may take its time, but not stand still: Node.js then destroys the connection.
    response.setTimeout(settings.limits.writeTimeoutMs)
    sendAnswer(response, answer, varying)
    return
  }
  const error = new TidingsError('overloaded', 'Too many answers are with slow readers; try again soon.')
  sendAnswer(response, toRefusal(surface, error, { operation: 'other' }), varyingHeaders(undefined, 503, settings))
}
