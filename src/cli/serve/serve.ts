import type { HttpObserver } from '../../http/observer.js'
import { createHttpServer } from '../../http/server.js'
import { createHub } from '../../hub/create-hub.js'
import type { HubObserver } from '../../hub/observer.js'
import type { EventLog } from '../../log/log.js'
import { exitCodeOf, exitCodes } from '../exit-codes.js'
import { createLog, type Log, toReport } from '../logger.js'
import type { SettingsRead } from '../settings/read.js'
import { version } from '../version.js'
import { loadAssets } from './assets.js'
import { banner } from './banner.js'
import { tellIfAhead, watchClock } from './clock-watch.js'
import { startFeeds } from './demo/feeds.js'
import { drain, type Ending, stopSignal } from './drain.js'
import { createHubMetrics, type HubMetrics } from './metrics.js'
import { openLog } from './open-log.js'
import { reloadOnSignal } from './reload.js'
import { createWatch, type Watch } from './watch.js'

/**
 * Runs the hub until a signal asks it to end. Resolves to the exit code: when it has ended, or when it could not run, after
 * giving back what it had taken, and telling why. `readAgain` is asked at SIGHUP, if the settings came from a file; if not, SIGHUP
 * asks the hub to end.
 */
export async function serve(read: SettingsRead, readAgain: () => Promise<SettingsRead>): Promise<number> {
  const { settings } = read
  const log = createLog({ level: settings.logLevel, format: settings.logFormat })
  const crash = (error: unknown): void => {
    log.logger.fatal({ err: error }, 'The hub met with something that nobody expected, and ends.')
    process.exit(exitCodes.failure)
  }
  // Before the listener of the program, which knows no log.
  process.prependListener('uncaughtException', crash)
  try {
    await openAndServe({ read, readAgain, log })
    process.stdout.write('Ended.\n')
    return exitCodes.done
  } catch (error) {
    log.logger.fatal({ err: error }, 'The hub cannot run.')
    return exitCodeOf(error)
  } finally {
    process.off('uncaughtException', crash)
  }
}

/** What the hub is run by. */
interface Run {
  readonly read: SettingsRead
  readAgain(): Promise<SettingsRead>
  readonly log: Log
}

async function openAndServe(run: Run): Promise<void> {
  const { log, read } = run
  const { settings } = read
  const { host, port } = settings
  const about = { version: version(), node: process.versions.node, pid: process.pid, host, port }
  tellStart(log, about, `Tidings ${version()} starts.`)
  const events = await openLog(settings)
  try {
    await serveLog(events, run)
  } finally {
    await events.close()
  }
}

async function serveLog(events: EventLog, { read, readAgain, log }: Run): Promise<void> {
  const { settings } = read
  const { heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes, drainMs } = settings
  const readers = { heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes }
  const { logger } = log
  const report = toReport(logger)
  /** What holds of them now. */
  let limits = settings.limits
  const limited = {
    ...{ stallMs, maxHeldBytes },
    get limits() {
      return limits
    },
  }
  const watch = createWatch(logger, limited)
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
    figures.begin({ hub, server, log: events, settings: limited })
    tellIfAhead(logger, await events.head())
    const { url, host, port } = await server.listen()
    const ending: Ending = { hub, drainMs, log, signals: read.file === undefined ? ['SIGHUP'] : [] }
    if (read.file !== undefined) {
      reloadOnSignal({
        running: read,
        readAgain,
        logger,
        async apply(next, before) {
          // First what may fail: the log may be away, or full.
          if (JSON.stringify(next.retention) !== JSON.stringify(before.retention))
            await events.setRetention(next.retention)
          server.reconfigure(next)
          limits = next.limits
        },
      })
    }
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
