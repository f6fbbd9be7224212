import { percentDecode } from './target.js'

/** What a path leads to. */
export type Route =
  | { readonly kind: 'events'; readonly topic: string | undefined }
  | { readonly kind: 'topics'; readonly topic: string | undefined }
  | { readonly kind: 'healthz' | 'readyz' | 'metrics' | 'problems' | 'server' }
  /** An asset, or nothing. */
  | { readonly kind: 'other'; readonly path: string }

const reads = ['GET', 'HEAD', 'OPTIONS'] as const

export const methodsOf: { readonly [Kind in Route['kind']]: readonly string[] } = {
  events: ['GET', 'HEAD', 'POST', 'OPTIONS'],
  topics: reads,
  healthz: reads,
  readyz: reads,
  metrics: reads,
  problems: reads,
  server: ['OPTIONS'],
  other: reads,
}

/**
 * The route of a path. A topic is all that follows the slash, its own slashes included; `%2F` is one too, since a topic is
 * one name however it was written. Throws `bad-request` and `invalid-utf8`.
 */
export function routeOf(path: string): Route {
  switch (path) {
    case '/events':
      return { kind: 'events', topic: undefined }
    case '/topics':
      return { kind: 'topics', topic: undefined }
    case '/healthz':
      return { kind: 'healthz' }
    case '/readyz':
      return { kind: 'readyz' }
    case '/metrics':
      return { kind: 'metrics' }
    case '/problems':
      return { kind: 'problems' }
    case '*':
      return { kind: 'server' }
  }
  if (path.startsWith('/events/')) return { kind: 'events', topic: topicAfter('/events/', path) }
  if (path.startsWith('/topics/')) return { kind: 'topics', topic: topicAfter('/topics/', path) }
  return { kind: 'other', path }
}

function topicAfter(prefix: string, path: string): string {
  return percentDecode(path.slice(prefix.length), 'the path')
}
