import { createHttpServer, type HubServer } from '../../http/server.js'
import { type HttpSettings, resolveHttpSettings } from '../../http/settings.js'
import { createHub } from '../../hub/create-hub.js'
import type { Hub } from '../../hub/hub.js'
import type { EventLog } from '../../log/log.js'
import { exitCodes } from '../exit-codes.js'
import { report } from '../report.js'
import { onStopSignals } from '../stop-signals.js'
import { loadAssets } from './assets.js'
import { banner } from './banner.js'
import { clockTopic, startFeeds } from './demo/feeds.js'
import { openLog, recentBytes } from './open-log.js'
import type { ServeOptions } from './options.js'

/** How long the last events have to get out when the hub is asked to end: supervisors kill after ten seconds or more. */
const drainMs = 8_000
/** What the log may take beyond that to be closed. */
const closeMs = 1_000

/**
 * Runs the hub until a signal asks it to end. Resolves when it has ended. Rejects if it cannot start, after giving back what
 * it had taken.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const settings = resolveHttpSettings({
    host: options.host,
    port: options.port,
    open: options.open,
    ...(options.demo && { publicTopics: [clockTopic], defaultTopics: [clockTopic] }),
  })
  const log = await openLog(options.log)
  try {
    await serveLog(log, settings, options)
  } finally {
    await log.close()
  }
  process.stdout.write('Ended.\n')
}

async function serveLog(log: EventLog, settings: HttpSettings, options: ServeOptions): Promise<void> {
  const hub = await createHub(log, { report, maxRecentBytes: recentBytes[options.log.kind] })
  try {
    const server = createHttpServer({ hub, settings, assets: await loadAssets(), report })
    const { url, host, port } = await server.listen()
    // Before anything is said: whoever reads that it listens may stop it at once.
    const stopped = stopSignal(hub)
    process.stdout.write(banner({ url, openTo: settings.open ? `${host}, port ${port},` : undefined, log: log.name }))
    const stopFeeds = options.demo ? startFeeds({ publish: events => hub.publish(events), report }) : undefined
    await stopped
    stopFeeds?.()
    await drain(server)
  } finally {
    await hub.close()
  }
}

/** Resolves at the first signal that asks the hub to end; ends the process at the second. */
function stopSignal(hub: Hub): Promise<void> {
  return new Promise(resolve => {
    onStopSignals(
      signal => {
        const { subscriptions } = hub.status
        const whom = subscriptions === 1 ? '1 subscription' : `${subscriptions} subscriptions`
        report(`${signal}: ending ${whom}, within ${drainMs / 1000} s. Once more ends at once.`)
        resolve()
      },
      signal => {
        report(`${signal}: ending at once.`)
        process.exit(exitCodes.failure)
      },
    )
  })
}

async function drain(server: HubServer): Promise<void> {
  // A log that does not answer must not keep the process: whoever waits for it would kill it harder.
  setTimeout(() => {
    report('The log does not let go; ending without it.')
    process.exit(exitCodes.failure)
  }, drainMs + closeMs).unref()
  await server.drain(drainMs)
}
