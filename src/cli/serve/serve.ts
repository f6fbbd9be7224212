import type { EventLog } from '../../log/log.js'
import { createLog, type Log } from '../logger.js'
import type { SettingsRead } from '../settings/read.js'
import type { Settings } from '../settings/settings.js'
import { countWorkers } from '../settings/workers.js'
import { version } from '../version.js'
import { banner } from './banner.js'
import { tellIfAhead, watchClock } from './clock-watch.js'
import { drain, type Ending, stopSignal } from './drain.js'
import { openLog } from './open-log.js'
import { reloadOnSignal } from './reload.js'
import type { Service } from './service.js'
import { startHub } from './start-hub.js'
import { untilItEnds } from './until-it-ends.js'
import { startWorkers } from './workers/primary.js'

/**
 * Runs the hub until a signal asks it to end. Resolves to the exit code: when it has ended, or when it could not run, after
 * giving back what it had taken, and telling why. `readAgain` is asked at SIGHUP, if the settings came from a file; if not, SIGHUP
 * asks the hub to end.
 */
export async function serve(read: SettingsRead, readAgain: () => Promise<SettingsRead>): Promise<number> {
  const { settings } = read
  const log = createLog({ level: settings.logLevel, format: settings.logFormat })
  return untilItEnds(log, async () => {
    await openAndServe({ read, readAgain, log })
    process.stdout.write('Ended.\n')
  })
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
  const { logger } = log
  const stopWatching = watchClock(logger)
  try {
    tellIfAhead(logger, await events.head())
    const count = countWorkers(settings.workers)
    const service = count > 1 ? await startWorkers(count, settings, log) : await serveHere(events, settings, log)
    try {
      const { url, host, port } = service.listening
      if (read.file !== undefined) {
        reloadOnSignal({
          running: read,
          readAgain,
          logger,
          async apply(next, before) {
            // First what may fail: the log may be away, or full.
            if (JSON.stringify(next.retention) !== JSON.stringify(before.retention))
              await events.setRetention(next.retention)
            service.reconfigure(next)
          },
        })
      }
      const { drainMs } = settings
      const ending: Ending = { ...service, drainMs, log, signals: read.file === undefined ? ['SIGHUP'] : [] }
      // Before anything is said: whoever reads that it listens may stop it at once.
      const stopped = stopSignal(ending)
      process.stdout.write(
        banner({ url, openTo: settings.open ? `${host}, port ${port},` : undefined, log: events.name }),
      )
      tellStart(log, { url, log: events.name, workers: count }, `Listening on ${url}`)
      const stopFeeds = service.feed()
      await stopped
      stopFeeds()
      await drain(ending)
    } finally {
      await service.close()
    }
  } finally {
    stopWatching()
  }
}

async function serveHere(events: EventLog, settings: Settings, { logger }: Log): Promise<Service> {
  const { hub, server, listening, reconfigure, feed, close } = await startHub(events, settings, logger)
  return {
    ...{ listening, reconfigure, feed, close },
    subscriptions: () => hub.status.subscriptions,
    drain: deadlineMs => server.drain(deadlineMs),
  }
}

/** What the banner tells people who look on, it tells others. */
function tellStart({ logger, isWatched }: Log, fields: object, message: string): void {
  if (isWatched) logger.debug(fields, message)
  else logger.info(fields, message)
}
