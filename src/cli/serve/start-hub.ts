import type { Certificate } from '../../http/certificate.js'
import type { HttpObserver } from '../../http/observer.js'
import { createHttpServer, type HubServer, type Listening } from '../../http/server.js'
import { createHub } from '../../hub/create-hub.js'
import type { Hub } from '../../hub/hub.js'
import type { HubObserver } from '../../hub/observer.js'
import type { HubOptions } from '../../hub/options.js'
import type { EventLog } from '../../log/log.js'
import { type Logger, toReport } from '../logger.js'
import type { Settings } from '../settings/settings.js'
import { version } from '../version.js'
import { loadAssets } from './assets.js'
import { startFeeds } from './demo/feeds.js'
import { createLateMetrics } from './late-metrics.js'
import type { HubMetrics } from './metrics.js'
import { createWatch, type Watch } from './watch.js'
import { boundYoungGeneration } from './young-generation.js'

/** A hub that listens. */
export interface RunningHub {
  readonly hub: Hub
  readonly server: HubServer
  readonly listening: Listening
  readonly figures: HubMetrics
  /** These hold from now on, as far as they can while the hub runs. */
  reconfigure(settings: Settings, certificate: Certificate | undefined): void
  /** Feeds the topics of the demo, if the settings say so, until the function that it returns is called. */
  feed(): () => void
  /** Closes the hub; the log is the caller's. */
  close(): Promise<void>
}

/** What a hub is handed beside its settings. */
export interface Given {
  /** Default: it speaks plain HTTP. */
  readonly certificate?: Certificate | undefined
  /** Where several hubs are one. Default: it is one alone. */
  readonly subscribersElsewhere?: HubOptions['subscribersElsewhere']
  /** The figures of all, in the text format of Prometheus. */
  readonly readFigures?: () => Promise<string>
}

/** Starts a hub on a log, and its surface, and listens. Rejects as they do, after closing what it has opened. */
export async function startHub(
  events: EventLog,
  settings: Settings,
  logger: Logger,
  { certificate, subscribersElsewhere, readFigures }: Given = {},
): Promise<RunningHub> {
  const { heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes } = settings
  const report = toReport(logger)
  /** What holds of them now. */
  let { limits } = settings
  const limited = {
    ...{ stallMs, maxHeldBytes },
    get limits() {
      return limits
    },
  }
  const watch = createWatch(logger, limited)
  const figures = createLateMetrics({ version: version(), log: settings.log.kind, token: settings.metricsToken })
  const hub = await createHub(events, {
    ...{ heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes },
    report,
    observer: hubObserver(figures, watch),
    ...(subscribersElsewhere && { subscribersElsewhere }),
  })
  const stopBounding = boundYoungGeneration()
  async function close(): Promise<void> {
    stopBounding()
    watch.close()
    await hub.close()
  }
  try {
    const server = createHttpServer({
      hub,
      settings,
      certificate,
      assets: await loadAssets(),
      metrics: readFigures ? { ...figures.metrics, read: readFigures } : figures.metrics,
      observer: httpObserver(figures, watch),
      report,
    })
    figures.begin({ hub, server, log: events, settings: limited })
    return {
      ...{ hub, server, figures, close },
      listening: await server.listen(),
      reconfigure(next, renewed) {
        if (renewed) server.renew(renewed)
        server.reconfigure(next)
        limits = next.limits
      },
      feed: () => (settings.demo ? startFeeds({ publish: events => hub.publish(events), report }) : () => undefined),
    }
  } catch (error) {
    await close()
    throw error
  }
}

function hubObserver(figures: HubMetrics, watch: Watch): HubObserver {
  const [first, second] = [figures.hubObserver, watch.hubObserver]
  return {
    appended(events, tookMs) {
      first.appended(events, tookMs)
      second.appended(events, tookMs)
    },
    appendFailed(error) {
      first.appendFailed(error)
      second.appendFailed(error)
    },
    wrote: first.wrote,
    cutOff(why) {
      first.cutOff(why)
      second.cutOff(why)
    },
  }
}

function httpObserver(figures: HubMetrics, watch: Watch): HttpObserver {
  const [first, second] = [figures.httpObserver, watch.httpObserver]
  return {
    publishing: first.publishing,
    refused(operation, code) {
      first.refused(operation, code)
      second.refused(operation, code)
    },
    dropped() {
      first.dropped()
      second.dropped()
    },
  }
}
