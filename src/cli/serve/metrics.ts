import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from '../../http/metrics.js'
import type { HttpObserver } from '../../http/observer.js'
import type { HubServer } from '../../http/server.js'
import type { HttpSettings } from '../../http/settings.js'
import type { Hub } from '../../hub/hub.js'
import type { CutOff, HubObserver } from '../../hub/observer.js'
import type { EventLog } from '../../log/log.js'
import { TidingsError } from '../../wire/errors.js'
import { together } from './together.js'

/** What figures are read from when somebody asks. */
export interface Measured {
  readonly hub: Hub
  readonly server: HubServer
  readonly log: EventLog
  readonly settings: Pick<HttpSettings, 'limits'> & { readonly maxHeldBytes: number }
}

/** The figures of a hub process, in the text format of Prometheus. Names and meanings: `docs/reference/metrics.md`. */
export interface HubMetrics {
  /** For `/metrics`; nothing of the hub is in it before `begin`. */
  readonly metrics: Metrics
  readonly hubObserver: HubObserver
  readonly httpObserver: HttpObserver
  begin(measured: Measured): void
  /** The figures of now, to be put together with those of other processes. */
  figures(): Promise<Figures>
}

/** The figures of one process, as `prom-client` hands them on. */
export type Figures = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** The figures of several processes as those of one, in the text format of Prometheus. */
export function joinFigures(figures: readonly Figures[]): Promise<string> {
  return AggregatorRegistry.aggregate([...figures]).metrics()
}

/** What processes that have ended had counted. What only stood at something stands at nothing any more. */
export interface DepartedFigures {
  add(figures: Figures): void
  figures(): Promise<Figures>
}

/**
 * Without them, the sums of a hub would be less when one of its processes has ended, which Prometheus takes for a start from zero: all
 * that the others had counted so far would be new.
 */
export function createDepartedFigures(): DepartedFigures {
  let sum: Promise<Figures> = Promise.resolve([])
  return {
    add(figures) {
      const counted = figures.filter(({ type }) => counting.has(String(type)))
      sum = sum.then(before => AggregatorRegistry.aggregate([before, counted]).getMetricsAsJSON())
    },
    figures: () => sum,
  }
}

const counting: ReadonlySet<string> = new Set(['counter', 'histogram'])

/** A log that answers later than that is told to be down; what was known of it before stands. */
const logTimeoutMs = 1_000

/** Counted by hand in the hub, so that the process is not asked to list its 20,000 sockets by name. */
const leftOut = [
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
]

const transports = ['event-stream', 'ndjson', 'long-poll'] as const

const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export interface HubMetricsOptions {
  readonly version: string
  /** Its kind. */
  readonly log: string
  /** See `Metrics.token`. */
  readonly token?: string | undefined
}

/** Nothing is shared: each call makes figures of its own, and begins to watch the event loop. */
export function createHubMetrics({ version, log, token }: HubMetricsOptions): HubMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 })
  for (const name of leftOut) registry.removeSingleMetric(name)
  const made = instruments(registry)
  made.info.set({ version, node: process.versions.node, log }, 1)
  let measured: Measured | undefined

  async function read(): Promise<string> {
    if (measured) await sample(made, measured)
    return registry.metrics()
  }

  return {
    metrics: {
      type: registry.contentType,
      token,
      read: together(read),
    },
    hubObserver: {
      appended(events, tookMs) {
        made.appendSeconds.observe(tookMs / 1000)
        made.appendEvents.observe(events)
      },
      appendFailed: error => made.appendFailures.inc({ code: error instanceof TidingsError ? error.code : 'internal' }),
      wrote: lagMs => made.liveLag.observe(lagMs / 1000),
      cutOff: why => made.cutOff.inc({ reason: why }),
    },
    httpObserver: {
      publishing: () => made.publishRequests.inc(),
      refused: (operation, code) => made.refused.inc({ operation, code }),
      dropped: () => made.dropped.inc(),
    },
    async figures() {
      if (measured) await sample(made, measured)
      return registry.getMetricsAsJSON()
    },
    begin(parts) {
      measured = parts
    },
  }
}

type Instruments = ReturnType<typeof instruments>

function instruments(registry: Registry) {
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<L>({ name: `tidings_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge<L>({ name: `tidings_${name}`, help, labelNames, registers })
  /** Of what all processes on one log see alike, where others are added up. */
  const shared = <L extends string>(aggregator: 'max' | 'min', name: string, help: string, ...labelNames: L[]) =>
    new Gauge<L>({ name: `tidings_${name}`, help, labelNames, registers, aggregator })
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `tidings_${name}`, help, buckets, registers })

  const made = {
    info: shared(
      'max',
      'info',
      'Always 1. Which version this is, on which Node.js, and with which kind of log.',
      'version',
      'node',
      'log',
    ),
    draining: shared('max', 'draining', '1 while the hub is ending, else 0.'),

    publishRequests: counter(
      'publish_requests_total',
      'Requests to publish over HTTP, those that were refused included.',
    ),
    published: counter('published_events_total', 'Events that were appended through this hub, repeats included.'),
    refused: counter(
      'refused_total',
      'Requests that were refused, by what they were for (publish, read, other) and the code of docs/errors.md.',
      'operation',
      'code',
    ),
    dropped: counter(
      'connections_dropped_total',
      'Connections that were closed unheard, because there were as many as there may be.',
    ),

    appendSeconds: histogram(
      'append_duration_seconds',
      'How long the log took to hold what one append brought.',
      durations,
    ),
    appendEvents: histogram(
      'append_batch_events',
      'How many events one append brought.',
      [1, 2, 5, 10, 50, 100, 500, 1000],
    ),
    appendFailures: counter('append_failures_total', 'Appends that the log refused or failed, by code.', 'code'),

    deliveredEvents: counter(
      'delivered_events_total',
      'Events that readers were given: to those at the head of the log (live), and to those behind it (catch_up).',
      'mode',
    ),
    deliveredBytes: counter('delivered_bytes_total', 'Bytes of those events, as they are on the wire.', 'mode'),
    gaps: counter(
      'gaps_total',
      'How many times a reader was told that it may have missed something, by reason.',
      'reason',
    ),
    cutOff: counter(
      'cut_off_total',
      'Readers that were cut off: stalled (took no byte for stallMs) or evicted (held back the longest when maxHeldBytes was reached).',
      'reason',
    ),

    connections: gauge('connections', 'Connections that are open.'),
    connectionsLimit: gauge('connections_limit', 'How many connections there may be.'),
    streams: gauge('streams', 'Streams that are open; of HTTP/2, several on a connection.'),
    streamsLimit: gauge('streams_limit', 'How many streams there may be.'),
    longPolls: gauge('long_polls', 'Long polls that wait.'),
    longPollsLimit: gauge('long_polls_limit', 'How many long polls may wait.'),
    subscriptions: gauge(
      'subscriptions',
      'Subscriptions by transport (event-stream, ndjson, long-poll) and state (live, catching_up).',
      'transport',
      'state',
    ),
    opened: counter('subscriptions_opened_total', 'Subscriptions that were begun.'),
    closed: counter('subscriptions_closed_total', 'Subscriptions that are over.'),

    liveLag: histogram(
      'live_lag_seconds',
      'From the time of an event to its write to the readers at the head of the log; of events that were written together, the oldest.',
      durations,
    ),
    behindEvents: shared(
      'max',
      'catch_up_behind_events',
      'How many events of the log the reader has before it that is furthest behind, whether they concern it or not.',
    ),
    behindSeconds: shared('max', 'catch_up_behind_seconds', 'The age of the next of these.'),

    held: gauge('held_bytes', 'Bytes that slow readers hold back, each batch counted once.'),
    heldLimit: gauge('held_limit_bytes', 'How many that may be before the slowest are cut off.'),
    recentBytes: gauge('recent_bytes', 'Bytes of the newest events that are kept with their frames.'),
    recentEvents: gauge('recent_events', 'How many events that are.'),
    publishBytes: gauge('publish_in_flight_bytes', 'Bytes of bodies that are being read or appended.'),
    answerBytes: gauge(
      'answers_in_flight_bytes',
      'Bytes of pages and other answers that their readers have not taken yet.',
    ),

    logUp: shared(
      'min',
      'log_up',
      '1 if the log answered just now, else 0; what else is said of it is then what was known before.',
    ),
    logEvents: shared('max', 'log_events', 'Events that the log holds.'),
    logBytes: shared('max', 'log_bytes', 'Bytes of these events, as retention counts them.'),
    logStored: shared(
      'max',
      'log_stored_bytes',
      'Bytes that they take in the store, with all that is kept beside them.',
    ),
    logLimit: shared(
      'max',
      'log_stored_limit_bytes',
      'How many that may be before publishing is refused with log-full.',
    ),
    logOldest: shared(
      'max',
      'log_oldest_event_timestamp_seconds',
      'The time of the oldest event, in seconds since 1970; 0: there is none.',
    ),
    logAhead: shared(
      'max',
      'log_ahead_seconds',
      'By how much the time of the newest event is ahead of the clock: above 0 after the clock was set back.',
    ),
  }

  // Of what did not happen yet there is a 0 to see, so that its first time is an increase.
  for (const mode of ['live', 'catch_up']) {
    made.deliveredEvents.inc({ mode }, 0)
    made.deliveredBytes.inc({ mode }, 0)
  }
  for (const reason of ['stalled', 'evicted'] satisfies CutOff[]) made.cutOff.inc({ reason }, 0)
  for (const reason of ['trimmed', 'unknown', 'rewound']) made.gaps.inc({ reason }, 0)
  for (const transport of transports) made.subscriptions.set({ transport, state: 'live' }, 0)
  for (const operation of ['publish', 'read']) made.refused.inc({ operation, code: 'overloaded' }, 0)
  for (const code of ['log-full', 'log-unavailable']) made.appendFailures.inc({ code }, 0)
  return made
}

async function sample(made: Instruments, measured: Measured): Promise<void> {
  const { hub, server, log, settings } = measured
  sampleHub(made, hub)
  made.heldLimit.set(settings.maxHeldBytes)
  const { limits } = settings
  made.connectionsLimit.set(limits.maxConnections)
  made.streamsLimit.set(limits.maxStreams)
  made.longPollsLimit.set(limits.maxLongPolls)
  const status = await server.status()
  made.connections.set(status.connections)
  made.streams.set(status.streams)
  made.longPolls.set(status.longPolls)
  made.publishBytes.set(status.publishBytes)
  made.answerBytes.set(status.answerBytes)
  made.logUp.set((await within(logTimeoutMs, sampleLog(made, hub, log))) ? 1 : 0)
}

function sampleHub(made: Instruments, hub: Hub): void {
  const { status, counters } = hub
  made.draining.set(status.draining ? 1 : 0)
  setTo(made.published, {}, counters.published)
  for (const [mode, { events, bytes }] of [
    ['live', counters.live],
    ['catch_up', counters.catchUp],
  ] as const) {
    setTo(made.deliveredEvents, { mode }, events)
    setTo(made.deliveredBytes, { mode }, bytes)
  }
  for (const [reason, count] of Object.entries(counters.gaps)) setTo(made.gaps, { reason }, count)
  setTo(made.opened, {}, counters.opened)
  setTo(made.closed, {}, counters.closed)
  for (const transport of transports) {
    for (const state of ['live', 'catching_up']) made.subscriptions.set({ transport, state }, 0)
  }
  for (const [encoding, { live, catchingUp }] of Object.entries(status.encodings)) {
    const transport = transportOf(encoding)
    made.subscriptions.inc({ transport, state: 'live' }, live)
    made.subscriptions.inc({ transport, state: 'catching_up' }, catchingUp)
  }
  made.held.set(status.heldBytes)
  made.recentBytes.set(status.recentBytes)
  made.recentEvents.set(status.recentEvents)
}

async function sampleLog(made: Instruments, hub: Hub, log: EventLog): Promise<void> {
  const [usage, head, behind] = await Promise.all([log.usage(), log.head(), hub.furthestBehind()])
  made.behindEvents.set(behind.events)
  made.behindSeconds.set(behind.ms / 1000)
  made.logEvents.set(usage.events)
  made.logBytes.set(usage.bytes)
  made.logStored.set(usage.storedBytes)
  made.logLimit.set(usage.maxStoredBytes)
  made.logOldest.set(usage.oldestTime / 1000)
  made.logAhead.set(Math.max(0, head.time - Date.now()) / 1000)
}

/** The encodings of one transport differ by what they show (`event-stream+topic`); a page that waits hears but that there is something. */
function transportOf(encoding: string): string {
  return encoding === 'wake' ? 'long-poll' : encoding.replace(/\+.*/s, '')
}

/** The hub counts for itself, in numbers that only grow. */
function setTo<L extends string>(counter: Counter<L>, labels: Partial<Record<L, string>>, value: number): void {
  counter.remove(labels)
  counter.inc(labels, value)
}

/** Whether the promise resolves within that time; not if it rejects because the log does not answer. */
async function within(ms: number, promise: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const done = promise.then(
    () => true,
    (error: unknown) => {
      if (error instanceof TidingsError && error.code === 'log-unavailable') return false
      throw error
    },
  )
  try {
    return await Promise.race([done, late])
  } finally {
    clearTimeout(timer)
  }
}
