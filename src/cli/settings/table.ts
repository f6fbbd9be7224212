import type { HttpLimits } from '../../http/settings.js'
import {
  checkHost,
  checkOrigin,
  checkSelector,
  compressions,
  fixedLimits,
  limitBounds,
  maxDefaultTopics,
  portBounds,
} from '../../http/settings.js'
import { hubBounds } from '../../hub/options.js'
import { logBounds } from '../../log/settings.js'
import { clockTopic } from '../serve/demo/feeds.js'
import { defaultRecentBytes, defaultRetention } from './kept.js'
import { choice, type Kind, list, retentionRules, secret, text, wholeNumber, yesOrNo } from './kinds.js'
import { type LogPlace, logPlace } from './log-place.js'
import { durabilities, logFormats, logLevels, type SettingPath, type Values } from './settings.js'
import { workers } from './workers.js'

/** What defaults may go by. */
export interface Known {
  readonly log: LogPlace
  readonly demo: boolean
  readonly limits: HttpLimits
}

/** All there is to know of a setting. */
export interface Setting<T> {
  readonly section: Section
  readonly kind: Kind<Exclude<T, undefined>>
  fallback(known: Known): T
  /** The default in words, where it is not the same everywhere, or says nothing by itself. */
  readonly shown?: string
  /** In a sentence or two. */
  readonly help: string
  /** Can change while the hub runs. */
  readonly isReloadable?: boolean
  /** Is never shown. `PATHFile` names a file that has it. */
  readonly isSecret?: boolean
}

/** Settings that belong together, in the order of help and reference. */
export const sections = ['Where it listens, and for whom', 'The log', 'Readers', 'Operation', 'Limits'] as const
export type Section = (typeof sections)[number]

const mib = 1024 * 1024
const most = Number.MAX_SAFE_INTEGER

function selectors(help: string, least: number): Pick<Setting<readonly string[]>, 'section' | 'kind' | 'help'> {
  return {
    section: 'Where it listens, and for whom',
    kind: list({
      value: 'SELECTOR',
      rule: 'selectors of topics',
      least,
      most: least > 0 ? maxDefaultTopics : 1000,
      check: checkSelector,
    }),
    help,
  }
}

function number(
  section: Section,
  [fallback, least, upTo]: readonly [fallback: number, least: number, most: number],
  value: string,
  help: string,
): Setting<number> {
  return { section, kind: wholeNumber(value, [fallback, least, upTo]), fallback: () => fallback, help }
}

function limit<Name extends keyof HttpLimits>(
  name: Name,
  help: string,
  more: Pick<Setting<number>, 'shown'> = {},
): Setting<number> {
  const value = name.endsWith('Ms') ? 'MS' : name.endsWith('Bytes') || name.endsWith('InFlight') ? 'BYTES' : 'COUNT'
  return {
    section: 'Limits',
    kind: wholeNumber(value, limitBounds[name]),
    fallback: known => known.limits[name],
    help,
    isReloadable: !fixedLimits.some(fixed => fixed === name),
    ...more,
    ...(more.shown === undefined && { shown: String(limitBounds[name][0]) }),
  }
}

/**
 * Every setting there is. Flags, variables, the file, their checks and errors, help, `--print-config` and the reference page
 * all come from here; bounds come from the part that a setting is for.
 */
export const table: { readonly [Path in SettingPath]: Setting<Values[Path]> } = {
  host: {
    section: 'Where it listens, and for whom',
    kind: text({
      value: 'ADDRESS',
      rule: 'a host name or an IP address',
      parse(given, where) {
        if (/^[0-9A-Za-z.:%_-]+$/.test(given)) return given
        throw where.fault(
          `"${given}" is not an address. Give a host name or an IP address, such as ${where.write('127.0.0.1')}.`,
        )
      },
    }),
    fallback: () => '127.0.0.1',
    help: 'Address to listen on. Any that is not loopback needs `open`.',
  },
  port: {
    section: 'Where it listens, and for whom',
    kind: wholeNumber('PORT', portBounds, 'a port'),
    fallback: () => Number(portBounds[0]),
    help: 'Port to listen on; 0 takes any that is free.',
  },
  open: {
    section: 'Where it listens, and for whom',
    kind: yesOrNo,
    fallback: () => false,
    help: 'Yes, everybody who reaches the address may publish and subscribe.',
  },
  tlsCert: {
    section: 'Where it listens, and for whom',
    kind: text({ value: 'FILE', rule: 'a path', parse: given => given }),
    fallback: () => undefined,
    shown: 'none: plain HTTP',
    help: 'File of a certificate (PEM; behind it those of its chain): the hub speaks HTTPS, and nothing else. It is read again every ten seconds.',
  },
  tlsKey: {
    section: 'Where it listens, and for whom',
    kind: text({ value: 'FILE', rule: 'a path', parse: given => given }),
    fallback: () => undefined,
    shown: 'none',
    help: 'File of its private key (PEM, without a passphrase).',
  },
  tlsDev: {
    section: 'Where it listens, and for whom',
    kind: yesOrNo,
    fallback: () => false,
    help: 'Speak HTTPS with a certificate for `localhost` that is made, and kept, on this machine: to try things out.',
  },
  allowedHosts: {
    section: 'Where it listens, and for whom',
    kind: list({ value: 'NAME', rule: 'names as `hub.example` or `hub.example:8443`', check: checkHost }),
    fallback: () => [],
    shown: 'none',
    help: 'Names by which the hub may be called (`Host`), beside those of loopback; with `open`, none means any.',
    isReloadable: true,
  },
  allowedOrigins: {
    section: 'Where it listens, and for whom',
    kind: list({ value: 'ORIGIN', rule: 'origins as `https://app.example`', check: checkOrigin }),
    fallback: () => [],
    shown: 'none',
    help: 'Origins whose pages may do everything.',
    isReloadable: true,
  },
  publicTopics: {
    ...selectors('Topics that pages of any origin may hear.', 0),
    fallback: ({ demo }) => (demo ? [clockTopic] : []),
    shown: 'none; with `demo`, clock',
    isReloadable: true,
  },
  defaultTopics: {
    ...selectors('What a subscription hears that names no topic.', 1),
    fallback: ({ demo }) => (demo ? [clockTopic] : undefined),
    shown: 'everything that the caller may hear; with `demo`, clock',
    isReloadable: true,
  },
  log: {
    section: 'The log',
    kind: logPlace,
    fallback: () => ({ kind: 'lmdb', directory: '.tidings' }),
    shown: 'lmdb:.tidings',
    help: 'Where events are kept: `lmdb:DIRECTORY`, or `memory:` (gone when the hub ends).',
  },
  retention: {
    section: 'The log',
    kind: retentionRules,
    fallback: ({ log }) => defaultRetention(log),
    shown:
      '`host/**` for an hour and up to 128 MiB, all else for seven days and up to 1 GiB (in memory 8 MiB, 64 MiB and 500,000 events)',
    help: 'What is kept, by the first rule whose selector matches: [{"selector": "**", "ageMs", "count", "bytes", "keepLatest", "ephemeral"}].',
    isReloadable: true,
  },
  durability: {
    section: 'The log',
    kind: choice('WHEN', durabilities),
    fallback: () => 'commit',
    help: 'Of a log in a directory: answer a publisher when the event is flushed to the disk (`commit`), or when it is written (`async`: a machine that stops may lose the last ones).',
  },
  mapBytes: number(
    'The log',
    [2 ** 40, mib, most],
    'BYTES',
    'Bytes that a log in a directory may take; beyond, publishing is refused.',
  ),
  maxBytes: number(
    'The log',
    [512 * mib, 1, most],
    'BYTES',
    'Bytes that a log in memory may hold, 256 for each event included; beyond, the oldest go, or publishing is refused.',
  ),
  idempotencyMs: number('The log', logBounds.idempotencyMs, 'MS', 'How long an `Idempotency-Key` is remembered.'),
  maxOnce: number(
    'The log',
    logBounds.maxOnce,
    'COUNT',
    'How many of those are remembered, by event; the oldest go first.',
  ),
  trimIntervalMs: number('The log', logBounds.trimIntervalMs, 'MS', 'Time between two turns of retention.'),
  compression: {
    section: 'Readers',
    kind: choice('CODING', compressions),
    fallback: () => 'off',
    help: 'What streams and pages of events come in for those who ask for it (`Accept-Encoding`), as all browsers do: `gzip`, made once for all readers of the same topics, or `off`.',
    isReloadable: true,
  },
  heartbeatMs: number(
    'Readers',
    hubBounds.heartbeatMs,
    'MS',
    'Silence after which a stream is sent its cursor, at most.',
  ),
  stallMs: number(
    'Readers',
    hubBounds.stallMs,
    'MS',
    'A reader whose connection takes no byte for so long is cut off, and resumes; 0: never.',
  ),
  retryMs: number(
    'Readers',
    hubBounds.retryMs,
    'MS',
    'What browsers are told to wait before they come again; jittered by 20 %.',
  ),
  maxRecentBytes: {
    ...number(
      'Readers',
      hubBounds.maxRecentBytes,
      'BYTES',
      'Bound on the newest events that are kept ready to be sent.',
    ),
    fallback: ({ log }) => defaultRecentBytes(log),
    shown: '25165824 (24 MiB); of a log in memory 67108864 (64 MiB)',
  },
  maxRecentEvents: number('Readers', hubBounds.maxRecentEvents, 'COUNT', 'How many of them are kept.'),
  maxHeldBytes: number(
    'Readers',
    hubBounds.maxHeldBytes,
    'BYTES',
    'Bound on what slow readers have not taken yet, all together; beyond, those that are slow for longest are cut off, and resume.',
  ),
  workers: {
    section: 'Operation',
    kind: workers,
    fallback: () => 1,
    help: 'How many processes hold connections, on one port and one log in a directory with the durability `commit`; `auto`: one for each core. Each has the limits, and the bounds on bytes, by itself.',
  },
  drainMs: number(
    'Operation',
    [8000, 0, 600_000],
    'MS',
    'How long readers have to take what they have coming when the hub is asked to end.',
  ),
  demo: {
    section: 'Operation',
    kind: yesOrNo,
    fallback: () => false,
    help: 'Feed the topics `clock` and `host/...` with the time and the figures of this machine.',
  },
  logLevel: {
    section: 'Operation',
    kind: choice('LEVEL', logLevels),
    fallback: () => 'info',
    help: 'How much is told on the error stream.',
    isReloadable: true,
  },
  logFormat: {
    section: 'Operation',
    kind: choice('FORMAT', logFormats),
    fallback: () => 'auto',
    help: 'How it is told: `json`, `text`, or `auto`, which is text on a terminal.',
  },
  metricsToken: {
    section: 'Operation',
    kind: secret({ rule: '8 to 512 letters, digits or characters of "-._~+/="', form: /^[A-Za-z0-9._~+/=-]{8,512}$/ }),
    fallback: () => undefined,
    shown: 'none is asked for',
    help: 'Bearer token without which `GET /metrics` is refused. As a flag, others on the machine can see it; better in a variable or a file.',
    isSecret: true,
  },
  metricsTokenFile: {
    section: 'Operation',
    kind: text({ value: 'FILE', rule: 'a path', parse: given => given }),
    fallback: () => undefined,
    shown: 'none',
    help: 'File that has the token, instead of `metricsToken`.',
  },
  'limits.maxEventBytes': limit('maxEventBytes', 'Bytes of the data of one event.'),
  'limits.maxBodyBytes': limit('maxBodyBytes', 'Bytes of a JSON body of events.'),
  'limits.maxEvents': limit('maxEvents', 'Events in one JSON array.'),
  'limits.maxSelectors': limit('maxSelectors', 'Selectors of one subscription.'),
  'limits.maxConnections': limit('maxConnections', 'Connections at once; above it a new one is closed unheard.', {
    shown: 'what the limit of open files allows, less 256 (or a quarter)',
  }),
  'limits.maxRequestsPerConnection': limit(
    'maxRequestsPerConnection',
    'Requests at once on one connection of HTTP/2, streams among them.',
  ),
  'limits.maxStreams': limit('maxStreams', 'Streams at once; above it a new one is told to come back.', {
    shown: 'nine tenths of `limits.maxConnections`',
  }),
  'limits.maxLongPolls': limit('maxLongPolls', 'Long polls that wait at once.', {
    shown: 'a quarter of `limits.maxConnections`, at most 5000',
  }),
  'limits.maxPublishBytesInFlight': limit(
    'maxPublishBytesInFlight',
    'Bytes of bodies that are being read or appended, all together.',
  ),
  'limits.maxPageBytesInFlight': limit(
    'maxPageBytesInFlight',
    'Bytes of answers that their readers have not taken yet, all together.',
  ),
  'limits.maxJsonDepth': limit('maxJsonDepth', 'Arrays and objects within each other in a JSON body.'),
  'limits.maxUrlBytes': limit('maxUrlBytes', 'Bytes of the request target.'),
  'limits.maxHeaderBytes': limit('maxHeaderBytes', 'Bytes of the headers of a request.'),
  'limits.maxHeaders': limit('maxHeaders', 'Header lines of a request.'),
  'limits.headersTimeoutMs': limit(
    'headersTimeoutMs',
    'Time for the head of a request to come; looked at once a second.',
  ),
  'limits.bodyTimeoutMs': limit(
    'bodyTimeoutMs',
    'Time for a body to come; of a body of lines, between two of its bytes.',
  ),
  'limits.writeTimeoutMs': limit(
    'writeTimeoutMs',
    'Time in which the reader of an answer takes no byte of it, before it is cut off.',
  ),
  'limits.keepAliveTimeoutMs': limit('keepAliveTimeoutMs', 'Time that a connection is kept between two requests.'),
}

/** The paths of all settings, in the order of the table. */
export const settingPaths: readonly SettingPath[] = Object.keys(table) as SettingPath[]
