import { TidingsError } from '../wire/errors.js'
import { parseSelector } from '../wire/selector.js'
import { isLoopbackName, parseAuthority } from './authority.js'
import { connectionsWithinDescriptors } from './descriptor-limit.js'
import { nearest } from './nearest.js'

/** Bounds of what callers may ask and hold; each documented with its default. Every one is a whole number. */
export interface HttpLimits {
  /** Bytes of UTF-8 of the data of one event. Default: 262,144 (256 KiB); 1 to 16 MiB. */
  readonly maxEventBytes: number
  /** Bytes of a JSON body of `POST /events`. Default: 16,777,216 (16 MiB); 1 to 256 MiB. */
  readonly maxBodyBytes: number
  /** Events in one JSON array. Default: 1,000, which is also the most. */
  readonly maxEvents: number
  /** Selectors of one subscription. Default: 100, which is also the most. */
  readonly maxSelectors: number
  /**
   * Connections at once; above it a new one is closed unheard. Default: the limit of open descriptors less a reserve of 256
   * (or a quarter, if that is less); 1 to 1,000,000.
   */
  readonly maxConnections: number
  /**
   * Requests at once on one connection of HTTP/2, streams among them; above it they are reset, and clients wait or open another
   * connection. Default: 256, of which Chromium uses no more; 1 to 10,000. Holds for connections from then on.
   */
  readonly maxRequestsPerConnection: number
  /** Streams at once, however many a connection holds; above it they are told to come back. Default: nine tenths of `maxConnections`; 0 to 1,000,000. */
  readonly maxStreams: number
  /** Long polls that wait at once. Default: a quarter of `maxConnections`, at most 5,000; 0 to 1,000,000. */
  readonly maxLongPolls: number
  /** Bytes of bodies that are being read or appended, all together. Default: 67,108,864 (64 MiB); 64 KiB to 16 GiB. */
  readonly maxPublishBytesInFlight: number
  /** Bytes of pages that their readers have not taken yet, all together. Default: 67,108,864 (64 MiB); 64 KiB to 16 GiB. */
  readonly maxPageBytesInFlight: number
  /** Arrays and objects within each other in a JSON body, its own outermost one included. Default: 64; 2 to 512. */
  readonly maxJsonDepth: number
  /** Bytes of the request target. Default: 16,384; 256 to 262,144. */
  readonly maxUrlBytes: number
  /** Bytes of the request's headers. Default: 16,384; 1,024 to 262,144. */
  readonly maxHeaderBytes: number
  /** Header lines of a request. Default: 100; 10 to 1,000. */
  readonly maxHeaders: number
  /** Time for the head of a request to come. Default: 10,000; 100 to 600,000. */
  readonly headersTimeoutMs: number
  /** Time for the whole body of a publish to come; of a body of lines, the time between two of its bytes. Default: 30,000; 100 to 3,600,000. */
  readonly bodyTimeoutMs: number
  /** Time in which the reader of an answer takes no byte of it, before it is cut off. Default: 30,000; 100 to 3,600,000. */
  readonly writeTimeoutMs: number
  /** Time that a connection is kept between two requests. Default: 65,000; 1,000 to 3,600,000. */
  readonly keepAliveTimeoutMs: number
}

/** How events may be compressed. */
export const compressions = ['off', 'gzip'] as const

export type Compression = (typeof compressions)[number]

/** How the hub is reached over HTTP, and by whom. */
export interface HttpSettings {
  /** Address or name to listen on. Default: `127.0.0.1`. */
  readonly host: string
  /** 0 to 65,535; 0: any free one. Default: 8080. */
  readonly port: number
  /** Everybody who reaches the address may publish and hear everything. Needed for any but a loopback `host`. Default: false. */
  readonly open: boolean
  /** Names (`hub.example` or `hub.example:8443`) that `Host` may have beside loopback names. Default: none. */
  readonly allowedHosts: readonly string[]
  /** Origins (`https://app.example`) whose pages may do everything. Default: none. */
  readonly allowedOrigins: readonly string[]
  /** Selectors of the topics that a page of any origin may hear. Default: none. */
  readonly publicTopics: readonly string[]
  /** Selectors of a subscription that names none. Default: everything that the caller may read. */
  readonly defaultTopics: readonly string[] | undefined
  /** What answers with events come in for those whose `Accept-Encoding` asks for it; to all others they come as they are. Default: `off`. */
  readonly compression: Compression
  readonly limits: HttpLimits
}

/** What may be given of the settings; what is left out has its default. */
export type PartialHttpSettings = {
  readonly [Name in keyof Omit<HttpSettings, 'limits'>]?: HttpSettings[Name] | undefined
} & { readonly limits?: { readonly [Name in keyof HttpLimits]?: number | undefined } | undefined }

const KiB = 1024
const MiB = 1024 * KiB

/** The default, the least and the most of a number; without a default, it depends on the machine or on others. */
export type Bounds = readonly [fallback: number | undefined, least: number, most: number]

const mostConnections = 1_000_000

/** The bounds of each limit, and its default. */
export const limitBounds: { readonly [Name in keyof HttpLimits]: Bounds } = {
  maxEventBytes: [256 * KiB, 1, 16 * MiB],
  maxBodyBytes: [16 * MiB, 1, 256 * MiB],
  maxEvents: [1000, 1, 1000],
  maxSelectors: [100, 1, 100],
  maxConnections: [undefined, 1, mostConnections],
  maxRequestsPerConnection: [256, 1, 10_000],
  maxStreams: [undefined, 0, mostConnections],
  maxLongPolls: [undefined, 0, mostConnections],
  maxPublishBytesInFlight: [64 * MiB, 64 * KiB, 16 * 1024 * MiB],
  maxPageBytesInFlight: [64 * MiB, 64 * KiB, 16 * 1024 * MiB],
  maxJsonDepth: [64, 2, 512],
  maxUrlBytes: [16 * KiB, 256, 256 * KiB],
  maxHeaderBytes: [16 * KiB, KiB, 256 * KiB],
  maxHeaders: [100, 10, 1000],
  headersTimeoutMs: [10_000, 100, 600_000],
  bodyTimeoutMs: [30_000, 100, 3_600_000],
  writeTimeoutMs: [30_000, 100, 3_600_000],
  keepAliveTimeoutMs: [65_000, 1000, 3_600_000],
}

/** Limits that a server has for good: Node.js takes the size of a head only when it makes one. */
export const fixedLimits: readonly (keyof HttpLimits)[] = ['maxUrlBytes', 'maxHeaderBytes']

/** The bounds of `port`, and its default. */
export const portBounds: Bounds = [8080, 0, 65_535]

/** How many selectors `defaultTopics` may have. */
export const maxDefaultTopics = 100

const limitNames = Object.keys(limitBounds)
const settingNames = [
  'host',
  'port',
  'open',
  'allowedHosts',
  'allowedOrigins',
  'publicTopics',
  'defaultTopics',
  'compression',
  'limits',
]

/**
 * The settings, complete and frozen. Throws `invalid-setting`, with the path of the setting, on an unknown name, on a value
 * that is out of its bounds, and on an address that others can reach unless `open` says that it is meant.
 */
export function resolveHttpSettings(partial: PartialHttpSettings = {}): HttpSettings {
  refuseUnknown(partial, settingNames, '')
  const host = partial.host ?? '127.0.0.1'
  if (typeof host !== 'string' || host === '') fault('host', 'is an address or a name')
  const open = partial.open ?? false
  if (typeof open !== 'boolean') fault('open', 'is true or false')
  if (!open && !isLoopbackName(host.includes(':') ? `[${host}]` : host)) {
    fault(
      'host',
      `"${host}" can be reached by others, who could publish and hear everything. Listen on 127.0.0.1, or set "open" (--open) if that is meant`,
    )
  }
  return Object.freeze({
    host,
    port: wholeNumber('port', partial.port, portBounds),
    open,
    allowedHosts: texts('allowedHosts', partial.allowedHosts ?? [], checkHost),
    allowedOrigins: texts('allowedOrigins', partial.allowedOrigins ?? [], checkOrigin),
    publicTopics: texts('publicTopics', partial.publicTopics ?? [], checkSelector),
    defaultTopics: partial.defaultTopics && defaultTopics(partial.defaultTopics),
    compression: checkCompression('compression', partial.compression),
    limits: resolveLimits(partial.limits ?? {}),
  })
}

/** The limits, complete and frozen. Throws as `resolveHttpSettings`. */
export function resolveLimits(partial: NonNullable<PartialHttpSettings['limits']>): HttpLimits {
  refuseUnknown(partial, limitNames, 'limits.')
  const bounded = (name: keyof HttpLimits, fallback?: () => number) =>
    wholeNumber(`limits.${name}`, partial[name] ?? fallback?.(), limitBounds[name])
  const maxConnections = bounded('maxConnections', connectionsWithinDescriptors)
  return Object.freeze({
    maxEventBytes: bounded('maxEventBytes'),
    maxBodyBytes: bounded('maxBodyBytes'),
    maxEvents: bounded('maxEvents'),
    maxSelectors: bounded('maxSelectors'),
    maxConnections,
    maxRequestsPerConnection: bounded('maxRequestsPerConnection'),
    maxStreams: bounded('maxStreams', () => Math.floor(maxConnections * 0.9)),
    maxLongPolls: bounded('maxLongPolls', () => Math.min(Math.ceil(maxConnections / 4), 5000)),
    maxPublishBytesInFlight: bounded('maxPublishBytesInFlight'),
    maxPageBytesInFlight: bounded('maxPageBytesInFlight'),
    maxJsonDepth: bounded('maxJsonDepth'),
    maxUrlBytes: bounded('maxUrlBytes'),
    maxHeaderBytes: bounded('maxHeaderBytes'),
    maxHeaders: bounded('maxHeaders'),
    headersTimeoutMs: bounded('headersTimeoutMs'),
    bodyTimeoutMs: bounded('bodyTimeoutMs'),
    writeTimeoutMs: bounded('writeTimeoutMs'),
    keepAliveTimeoutMs: bounded('keepAliveTimeoutMs'),
  })
}

/** `off`, where nothing is said. Throws `invalid-setting` with that path. */
export function checkCompression(path: string, given: Compression | undefined): Compression {
  const compression = given ?? 'off'
  if (!compressions.includes(compression)) fault(path, `is one of ${compressions.join(', ')}`)
  return compression
}

function fault(path: string, why: string): never {
  throw new TidingsError('invalid-setting', `The setting "${path}" ${why}.`)
}

function refuseUnknown(given: object, known: readonly string[], prefix: string): void {
  if (typeof given !== 'object' || given === null) fault(prefix.slice(0, -1) || 'http', 'is an object of settings')
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    fault(
      prefix + name,
      meant ? `is unknown; did you mean "${prefix}${meant}"?` : `is unknown; there are ${known.join(', ')}`,
    )
  }
}

function wholeNumber(path: string, given: number | undefined, [fallback, least, most]: Bounds): number {
  const value = given ?? fallback
  if (value === undefined || !Number.isSafeInteger(value) || value < least || value > most) {
    fault(path, `is a whole number from ${least} to ${most}, not ${String(value)}`)
  }
  return value
}

function texts(path: string, given: readonly string[], check: (text: string) => string | undefined): readonly string[] {
  if (!Array.isArray(given)) fault(path, 'is a list')
  return Object.freeze(
    given.map((text: unknown, i) => {
      if (typeof text !== 'string') fault(`${path}[${i}]`, 'is a text')
      const why = check(text)
      if (why) fault(`${path}[${i}]`, why)
      return text
    }),
  )
}

function defaultTopics(given: readonly string[]): readonly string[] {
  const topics = texts('defaultTopics', given, checkSelector)
  if (topics.length === 0 || topics.length > maxDefaultTopics) {
    fault('defaultTopics', `has 1 to ${maxDefaultTopics} selectors; leave it out for everything`)
  }
  return topics
}

/** What is wrong with a name for `allowedHosts`; nothing if it is good. */
export function checkHost(text: string): string | undefined {
  return parseAuthority(text) ? undefined : `is a name with or without a port, such as "hub.example", not "${text}"`
}

/** What is wrong with an origin for `allowedOrigins`; nothing if it is good. */
export function checkOrigin(text: string): string | undefined {
  const authority = /^https?:\/\/([^/]+)$/.exec(text)?.[1]
  if (authority !== undefined && parseAuthority(authority) && text === text.toLowerCase()) return undefined
  return `is an origin as browsers send it, such as "https://app.example", in lower case and without a path, not "${text}"`
}

/** What is wrong with a selector, of topics; nothing if it is good. */
export function checkSelector(text: string): string | undefined {
  try {
    parseSelector(text)
    return undefined
  } catch (error) {
    if (error instanceof TidingsError) return `is a selector, not "${text}". ${error.message.replace(/\.$/, '')}`
    throw error
  }
}
