import { TidingsError } from '../../wire/errors.js'
import type { Logger } from '../logger.js'
import { type Changes, changesOf, describeChange } from '../settings/changes.js'
import type { SettingsRead } from '../settings/read.js'
import type { Settings, Values } from '../settings/settings.js'

/** What a hub that runs needs to take other settings. */
export interface Reloading {
  /** The settings that hold. */
  readonly running: SettingsRead
  /** Reads them again, from where they came. */
  readAgain(): Promise<SettingsRead>
  /** Makes them hold: all, or it rejects and none does. Resolves to what else is another one now, in sentences. */
  apply(settings: Settings, before: Settings): Promise<readonly string[]>
  readonly logger: Logger
}

/**
 * At SIGHUP, reads the settings again, and lets those hold that can change while the hub runs. Says of each that is another one
 * that it holds, or that it waits for a restart. What is wrong is refused as a whole: it is said, and all stays as it was.
 */
export function reloadOnSignal(reloading: Reloading): void {
  const reload = createReload(reloading)
  process.on('SIGHUP', () => void reload())
}

/** What a SIGHUP does. Never rejects. One comes after the other; of those that come meanwhile the last counts for all. */
export function createReload({ running, readAgain, apply, logger }: Reloading): () => Promise<void> {
  let { settings, values }: { settings: Settings; values: Values } = running
  let underWay: Promise<void> | undefined
  let isAskedAgain = false

  async function once(): Promise<void> {
    let changes: Changes
    let others: readonly string[]
    try {
      changes = changesOf(values, await readAgain())
      others = await apply(changes.settings, settings)
    } catch (error) {
      const why = error instanceof TidingsError ? ` ${error.message}` : ''
      logger.error({ err: error }, `SIGHUP: refused as a whole; everything stays as it was.${why}`)
      return
    }
    ;({ settings, values } = changes)
    tell(changes, others)
  }

  function tell({ changed, waiting, settings }: Changes, others: readonly string[]): void {
    const lines = [
      ...changed.map(change => [change.path, describeChange(change, false)] as const),
      ...waiting.map(change => [change.path, describeChange(change, true)] as const),
    ]
    const say = (): void => {
      for (const [setting, line] of lines) logger.info({ setting }, `SIGHUP: ${line}`)
      for (const line of others) logger.info(`SIGHUP: ${line}`)
      if (lines.length + others.length === 0) logger.info('SIGHUP: read again; nothing is another one.')
    }
    // By the more talkative of the two levels, so that a change of it is heard itself.
    const isHeard = logger.isLevelEnabled('info')
    if (isHeard) say()
    logger.level = settings.logLevel
    if (!isHeard) say()
  }

  async function run(): Promise<void> {
    do {
      isAskedAgain = false
      await once()
    } while (isAskedAgain)
    underWay = undefined
  }

  return () => {
    if (underWay) isAskedAgain = true
    else underWay = run()
    return underWay ?? Promise.resolve()
  }
}
