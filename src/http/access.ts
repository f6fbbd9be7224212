import { TidingsError } from '../wire/errors.js'
import { covers, parseSelector, type Selector } from '../wire/selector.js'
import { type Authority, isLoopbackName, parseAuthority } from './authority.js'
import type { HttpSettings } from './settings.js'

/**
 * Who asks, as far as a browser says it: `direct` names no origin (curl, servers, a page's own GET), `own` is a page that the
 * hub served, `listed` one of `allowedOrigins`, `foreign` any other.
 */
export interface Caller {
  readonly kind: 'direct' | 'own' | 'listed' | 'foreign'
  /** As it came; nothing for `direct`. */
  readonly origin: string | undefined
}

/** What the rules are decided by, of the head of a request. */
export interface Credentials {
  /** Nothing: no header. */
  readonly host: string | undefined
  /** That of an absolute target, for which `Host` is not looked at (RFC 9112, 3.2.2). */
  readonly authority: Authority | undefined
  readonly origin: string | undefined
  /** HTTP/1.0 has no `Host`; no browser speaks it, so none can be rebound with it. */
  readonly mayLackHost: boolean
}

/** Who may do what while no tokens are configured. */
export class Access {
  readonly #settings: HttpSettings
  readonly #scheme: 'http' | 'https'
  readonly #hosts: readonly Authority[]
  readonly #publicTopics: readonly Selector[]
  readonly #defaultTopics: readonly Selector[] | undefined

  /** @param scheme What the hub itself speaks; the `https` origin of a proxy before it is one to list. */
  constructor(settings: HttpSettings, scheme: 'http' | 'https' = 'http') {
    this.#settings = settings
    this.#scheme = scheme
    this.#hosts = settings.allowedHosts.flatMap(text => parseAuthority(text) ?? [])
    this.#publicTopics = settings.publicTopics.map(parseSelector)
    this.#defaultTopics = settings.defaultTopics?.map(parseSelector)
  }

  /** Throws `bad-request` without a readable host, `host-not-allowed` with one by which the hub is not called. */
  identify(credentials: Credentials): Caller {
    const host = this.#checkHost(credentials)
    const { origin } = credentials
    if (origin === undefined) return { kind: 'direct', origin }
    if (host && isOriginOf(origin, this.#scheme, host)) return { kind: 'own', origin }
    return this.#ofOrigin(origin)
  }

  /** The same caller as these rules see it, of whom others have let in. */
  again(caller: Caller): Caller {
    const { kind, origin } = caller
    return origin === undefined || kind === 'own' ? caller : this.#ofOrigin(origin)
  }

  #ofOrigin(origin: string): Caller {
    return { kind: this.#settings.allowedOrigins.includes(origin) ? 'listed' : 'foreign', origin }
  }

  #checkHost({ host: text, authority, mayLackHost }: Credentials): Authority | undefined {
    if (text === undefined && !authority) {
      if (mayLackHost) return undefined
      throw new TidingsError('bad-request', 'An HTTP/1.1 request has a Host header.')
    }
    const host = authority ?? parseAuthority(text ?? '')
    if (text && !host) throw new TidingsError('bad-request', 'The Host header is no name with or without a port.')
    // Without this, a page whose name is made to resolve to 127.0.0.1 (DNS rebinding) would be the hub's own.
    const { open, allowedHosts } = this.#settings
    const isKnown = host && (isLoopbackName(host.host) || this.#hosts.some(listed => isSameHost(listed, host)))
    if (isKnown || (open && allowedHosts.length === 0)) return host
    throw new TidingsError(
      'host-not-allowed',
      'The hub is not called by this Host. Use localhost or 127.0.0.1, or list the name in "allowedHosts".',
    )
  }

  /** Throws `origin-not-allowed` unless `caller` may publish, administer and use the console. */
  requireTrusted(caller: Caller): void {
    if (caller.kind !== 'foreign') return
    throw new TidingsError(
      'origin-not-allowed',
      'A page of another origin may only hear public topics. List its origin in "allowedOrigins" to let it do more.',
    )
  }

  /** What a subscription without a topic hears. Throws `origin-not-allowed` if that is nothing. */
  defaultSelectors(caller: Caller): readonly Selector[] {
    if (caller.kind !== 'foreign') return this.#defaultTopics ?? [parseSelector('**')]
    const readable = this.#defaultTopics?.filter(selector => this.#isPublic(selector)) ?? this.#publicTopics
    if (readable.length === 0) throw notPublic()
    return readable
  }

  /** Throws `origin-not-allowed` unless `caller` may hear every topic of `selectors`. */
  requireReader(caller: Caller, selectors: readonly Selector[]): void {
    if (!this.isReader(caller, selectors)) throw notPublic()
  }

  /** Whether `caller` may hear every topic of `selectors`. */
  isReader(caller: Caller, selectors: readonly Selector[]): boolean {
    return caller.kind !== 'foreign' || selectors.every(selector => this.#isPublic(selector))
  }

  #isPublic(selector: Selector): boolean {
    return this.#publicTopics.some(listed => covers(listed, selector))
  }
}

function notPublic(): TidingsError {
  return new TidingsError(
    'origin-not-allowed',
    'A page of another origin may hear public topics only. List the topic in "publicTopics", or the origin in "allowedOrigins".',
  )
}

function isSameHost(listed: Authority, host: Authority): boolean {
  return listed.host === host.host && (listed.port === undefined || listed.port === host.port)
}

const schemePorts = { http: 80, https: 443 } as const

function isOriginOf(origin: string, scheme: 'http' | 'https', host: Authority): boolean {
  const prefix = `${scheme}://`
  const authority = origin.startsWith(prefix) ? parseAuthority(origin.slice(prefix.length)) : undefined
  const port = schemePorts[scheme]
  return authority?.host === host.host && (authority.port ?? port) === (host.port ?? port)
}
