import type { StopSignal } from '../hub/hub.js'
import { TidingsError } from '../wire/errors.js'
import type { Answer } from './answer.js'
import { answerAsset } from './answer-asset.js'
import type { Body } from './body.js'
import { preflightHeaders } from './cors.js'
import { answerMetrics } from './metrics.js'
import { tryNegotiate } from './negotiate.js'
import { answerHealth, answerReadiness, answerTopic, answerTopics, problemsPage } from './operations.js'
import { answerPage } from './page.js'
import { Problem } from './problem.js'
import { publishObjects, publishText } from './publish.js'
import type { RawHead } from './raw-head.js'
import { readReadRequest } from './read-request.js'
import { type Asked, toRefusal } from './refusal.js'
import { type RequestHead, readRequestHead } from './request-head.js'
import { methodsOf, type Route, routeOf } from './routes.js'
import { hasBody } from './stream-request.js'
import { answerStreamHead } from './subscribe.js'
import type { Surface } from './surface.js'

/** A request as its transport has it. */
export interface Request {
  readonly head: RawHead
  /** Its body, asked for if its client waits for that. Called at most once. */
  openBody(): Body
  /** Calls back once when nobody waits for the answer any more. */
  whenLeft(call: () => void): void
}

/** An answer, and to what; of that nothing, if it could not be read. */
export interface Answered {
  readonly answer: Answer
  readonly head: RequestHead | undefined
}

/** Answers an ordinary request: everything but a stream. Never rejects. */
export async function answerRequest(surface: Surface, request: Request): Promise<Answered> {
  let head: RequestHead | undefined
  try {
    head = readRequestHead(request.head, surface.access, surface.settings.limits)
    return { head, answer: await dispatch(surface, head, request) }
  } catch (error) {
    return { head, answer: toRefusal(surface, error, whatWasAsked(head, request.head.method)) }
  }
}

/** For what the request is, and in which form it asks for events, if it does. */
function whatWasAsked(head: RequestHead | undefined, method: string | undefined): Asked {
  if (method === 'POST') return { operation: 'publish' }
  const asksForEvents = (method === 'GET' || method === 'HEAD') && /^\/events(?:\/|$)/.test(head?.path ?? '')
  return asksForEvents ? { operation: 'read', form: tryNegotiate(head?.headers.accept) } : { operation: 'other' }
}

function dispatch(surface: Surface, head: RequestHead, request: Request): Answer | Promise<Answer> {
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
    const openBody = () => request.openBody()
    return route.topic === undefined
      ? publishObjects(surface.publisher, head, openBody)
      : publishText(surface.publisher, head, route.topic, openBody)
  }
  if (hasBody(head.headers)) throw new TidingsError('bad-request', `A ${method} has no body.`)
  return answerRead(surface, head, route, request)
}

function answerOptions({ access }: Surface, head: RequestHead, methods: readonly string[]): Answer {
  const asked = head.headers['access-control-request-method']
  return {
    status: 204,
    headers: { Allow: methods.join(', '), ...preflightHeaders(head.caller, asked, methods, access) },
    body: '',
  }
}

/** Without a promise of its own, which each of those that wait would keep. */
function answerRead(surface: Surface, head: RequestHead, route: Route, request: Request): Answer | Promise<Answer> {
  const { hub, access, assets, metrics } = surface
  switch (route.kind) {
    case 'events': {
      const asked = readReadRequest(head, route.topic, access, surface.settings)
      if (asked.form === 'application/json') return answerPage(surface, head, asked, new Left(request))
      if (head.method === 'HEAD') return answerStreamHead(surface, asked)
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
class Left implements StopSignal {
  aborted = false
  #call: (() => void) | undefined

  constructor(request: Request) {
    request.whenLeft(() => {
      this.aborted = true
      this.#call?.()
    })
  }

  addEventListener(_: 'abort', call: () => void): void {
    this.#call = call
  }

  removeEventListener(): void {
    this.#call = undefined
  }
}
