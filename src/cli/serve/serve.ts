import type { CertificateFacts } from '../../http/certificate.js'
import type { EventLog } from '../../log/log.js'
import { createLog, type Log } from '../logger.js'
import type { SettingsRead } from '../settings/read.js'
import { countWorkers } from '../settings/workers.js'
import { goOnWithoutOutput } from '../standard-output.js'
import { version } from '../version.js'
import { banner } from './banner.js'
import { type FiledCertificate, loadCertificate, warnUnlessItHolds } from './certificate.js'
import { tellIfAhead, watchClock } from './clock-watch.js'
import { drain, type Ending, stopSignal } from './drain.js'
import { openLog } from './open-log.js'
import { reloadOnSignal } from './reload.js'
import { Renewal } from './renewal.js'
import type { Service } from './service.js'
import { startHub } from './start-hub.js'
import { untilItEnds } from './until-it-ends.js'
import type { Terms } from './workers/messages.js'
import { startWorkers } from './workers/primary.js'

/**
 * Runs the hub until a signal asks it to end. Resolves to the exit code: when it has ended, or when it could not run, after
 * giving back what it had taken, and telling why. `readAgain` is asked at SIGHUP, if the settings came from a file or name one; if not,
 * SIGHUP asks the hub to end.
 */
export async function serve(read: SettingsRead, readAgain: () => Promise<SettingsRead>): Promise<number> {
  const { settings } = read
  const log = createLog({ level: settings.logLevel, format: settings.logFormat })
  goOnWithoutOutput()
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
  // Before the log: what is wrong with it is said at once.
  const filed = await loadCertificate(settings)
  if (filed) warnUnlessItHolds(log.logger, filed.facts)
  const about = { version: version(), node: process.versions.node, pid: process.pid, host, port }
  tellStart(log, about, `Tidings ${version()} starts.`)
  const events = await openLog(settings)
  try {
    await serveLog(events, run, filed)
  } finally {
    await events.close()
  }
}

async function serveLog(events: EventLog, { read, readAgain, log }: Run, filed?: FiledCertificate): Promise<void> {
  const { settings } = read
  const { logger } = log
  const certificate = filed?.certificate
  let held = settings
  let renewal: Renewal | undefined
  const stopWatching = watchClock(logger)
  try {
    tellIfAhead(logger, await events.head())
    const count = countWorkers(settings.workers)
    const terms = { settings, certificate }
    const service = count > 1 ? await startWorkers(count, terms, log) : await serveHere(events, terms, log)
    try {
      const { url, host, port } = service.listening
      if (filed) {
        renewal = new Renewal(filed, {
          load: before => loadCertificate(held, before),
          show: renewed => service.reconfigure(held, renewed),
          logger,
        })
      }
      const hasFiles = read.file !== undefined || filed !== undefined
      if (hasFiles) {
        reloadOnSignal({
          running: read,
          readAgain,
          logger,
          async apply(next, before) {
            // First what may fail: files may be wrong, the log may be away, or full.
            const renewed = await loadCertificate(next, renewal?.filed)
            if (JSON.stringify(next.retention) !== JSON.stringify(before.retention))
              await events.setRetention(next.retention)
            held = next
            service.reconfigure(next, renewed?.certificate)
            if (!renewal || !renewed || renewed === renewal.filed) return []
            renewal.take(renewed)
            return [`the certificate is another one now, good until ${new Date(renewed.facts.validTo).toISOString()}.`]
          },
        })
      }
      const { drainMs } = settings
      const ending: Ending = { ...service, drainMs, log, signals: hasFiles ? [] : ['SIGHUP'] }
      // Before anything is said: whoever reads that it listens may stop it at once.
      const stopped = stopSignal(ending)
      process.stdout.write(
        banner({
          url,
          openTo: settings.open ? `${host}, port ${port},` : undefined,
          log: events.name,
          trusted: filed?.trust ?? (!filed || isTrustedAt(url, filed.facts)),
        }),
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
    renewal?.close()
    stopWatching()
  }
}

/** Whether clients may take the certificate without being told to. */
function isTrustedAt(url: string, { isSelfSigned, covers }: CertificateFacts): boolean {
  return !isSelfSigned && covers(new URL(url).hostname.replace(/^\[|\]$/g, ''))
}

async function serveHere(events: EventLog, { settings, certificate }: Terms, { logger }: Log): Promise<Service> {
  const { hub, server, listening, reconfigure, feed, close } = await startHub(events, settings, logger, { certificate })
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
