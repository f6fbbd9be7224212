import type { HttpObserver } from '../../http/observer.js'
import { createHttpServer } from '../../http/server.js'
import { createHub } from '../../hub/create-hub.js'
import type { HubObserver } from '../../hub/observer.js'
import type { EventLog } from '../../log/log.js'
import { exitCodeOf, exitCodes } from '../exit-codes.js'
import { createLog, type Log, toReport } from '../logger.js'
import type { Settings } from '../settings/settings.js'
import { version } from '../version.js'
import { loadAssets } from './assets.js'
import { banner } from './banner.js'
import { tellIfAhead, watchClock } from './clock-watch.js'
import { startFeeds } from './demo/feeds.js'
import { drain, stopSignal } from './drain.js'
import { createHubMetrics, type HubMetrics } from './metrics.js'
import { openLog } from './open-log.js'
import { createWatch, type Watch } from './watch.js'

/**
 * Runs the hub until a signal asks it to end. Resolves to the exit code: when it has ended, or when it could not run, after
 * giving back what it had taken, and telling why.
 */
export async function serve(settings: Settings): Promise<number> {
  const log = createLog({ level: settings.logLevel, format: settings.logFormat })
  const crash = (error: unknown): void => {
    log.logger.fatal({ err: error }, 'The hub met with something that nobody expected, and ends.')
    process.exit(exitCodes.failure)
  }
  // Before the listener of the program, which knows no log.
  process.prependListener('uncaughtException', crash)
  try {
    await openAndServe(settings, log)
    process.stdout.write('Ended.\n')
    return exitCodes.done
  } catch (error) {
    log.logger.fatal({ err: error }, 'The hub cannot run.')
    return exitCodeOf(error)
  } finally {
    process.off('uncaughtException', crash)
  }
}

async function openAndServe(settings: Settings, log: Log): Promise<void> {
  const { host, port } = settings
  const about = { version: version(), node: process.versions.node, pid: process.pid, host, port }
  tellStart(log, about, `Tidings ${version()} starts.`)
  const events = await openLog(settings)
  try {
    await serveLog(events, settings, log)
  } finally {
    await events.close()
  }
}

async function serveLog(events: EventLog, settings: Settings, log: Log): Promise<void> {
  const { heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes, drainMs } = settings
  const readers = { heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes }
  const { logger } = log
  const report = toReport(logger)
  const watch = createWatch(logger, settings)
  const figures = createHubMetrics({ version: version(), log: settings.log.kind, token: settings.metricsToken })
  const hub = await createHub(events, { ...readers, report, observer: hubObserver(figures, watch) })
  const stopWatching = watchClock(logger)
  try {
    const server = createHttpServer({
      hub,
      settings,
      assets: await loadAssets(),
      metrics: figures.metrics,
      observer: httpObserver(figures, watch),
      report,
    })
    figures.begin({ hub, server, log: events, settings })
    tellIfAhead(logger, await events.head())
    const { url, host, port } = await server.listen()
    const ending = { hub, drainMs, log }
    // Before anything is said: whoever reads that it listens may stop it at once.
    const stopped = stopSignal(ending)
    process.stdout.write(
      banner({ url, openTo: settings.open ? `${host}, port ${port},` : undefined, log: events.name }),
    )
    tellStart(log, { url, log: events.name }, `Listening on ${url}`)
    const stopFeeds = settings.demo ? startFeeds({ publish: events => hub.publish(events), report }) : undefined
    await stopped
    stopFeeds?.()
    await drain(server, ending)
  } finally {
    stopWatching()
    watch.close()
    await hub.close()
  }
}

/** What the banner tells people who look on, it tells others. */
function tellStart({ logger, isWatched }: Log, fields: object, message: string): void {
  if (isWatched) logger.debug(fields, message)
  else logger.info(fields, message)
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
