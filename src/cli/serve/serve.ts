import { createHttpServer, type HubServer } from '../../http/server.js'
import { createHub } from '../../hub/create-hub.js'
import type { Hub } from '../../hub/hub.js'
import type { EventLog } from '../../log/log.js'
import { exitCodes } from '../exit-codes.js'
import { report } from '../report.js'
import type { Settings } from '../settings/settings.js'
import { onStopSignals } from '../stop-signals.js'
import { loadAssets } from './assets.js'
import { banner } from './banner.js'
import { startFeeds } from './demo/feeds.js'
import { openLog } from './open-log.js'

/** What the log may take to be closed, beyond what readers have to take what they have coming. */
const closeMs = 1_000

/**
 * Runs the hub until a signal asks it to end. Resolves when it has ended. Rejects if it cannot start, after giving back what
 * it had taken.
 */
export async function serve(settings: Settings): Promise<void> {
  const log = await openLog(settings)
  try {
    await serveLog(log, settings)
  } finally {
    await log.close()
  }
  process.stdout.write('Ended.\n')
}

async function serveLog(log: EventLog, settings: Settings): Promise<void> {
  const { heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes, drainMs } = settings
  const readers = { heartbeatMs, stallMs, retryMs, maxRecentBytes, maxRecentEvents, maxHeldBytes }
  const hub = await createHub(log, { ...readers, report })
  try {
    const server = createHttpServer({ hub, settings, assets: await loadAssets(), report })
    const { url, host, port } = await server.listen()
    // Before anything is said: whoever reads that it listens may stop it at once.
    const stopped = stopSignal(hub, drainMs)
    process.stdout.write(banner({ url, openTo: settings.open ? `${host}, port ${port},` : undefined, log: log.name }))
    const stopFeeds = settings.demo ? startFeeds({ publish: events => hub.publish(events), report }) : undefined
    await stopped
    stopFeeds?.()
    await drain(server, drainMs)
  } finally {
    await hub.close()
  }
}

/** Resolves at the first signal that asks the hub to end; ends the process at the second. */
function stopSignal(hub: Hub, drainMs: number): Promise<void> {
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

async function drain(server: HubServer, drainMs: number): Promise<void> {
  // A log that does not answer must not keep the process: whoever waits for it would kill it harder.
  setTimeout(() => {
    report('The log does not let go; ending without it.')
    process.exit(exitCodes.failure)
  }, drainMs + closeMs).unref()
  await server.drain(drainMs)
}
