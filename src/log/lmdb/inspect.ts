import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { EpochEntry, RetentionRule } from '../log.js'
import { compileRetention } from '../retention.js'
import { type Agreement, compareBooks } from './agreement.js'
import { readBootId } from './boot.js'
import { isReplaced } from './folder.js'
import { forecast, type Governed } from './forecast.js'
import { isOtherFile, mayHaveLost } from './history.js'
import { readIdentity } from './identity.js'
import { formatVersion, metaKeys } from './layout.js'
import { defaultMapBytes } from './limits.js'
import type { Progress } from './pace.js'
import { lookAt, openReader, type Reader } from './reader.js'
import { recordTime } from './record.js'
import { leftRules, rulesChanged } from './rules.js'
import { parseEpochs } from './session.js'
import { fileNames } from './store.js'

export interface InspectOptions {
  /** The rules of the settings. Default: those that the log was left with. */
  readonly retention?: readonly RetentionRule[] | undefined
  /** As it is set for the hub. Default: 1 TiB. */
  readonly mapBytes?: number | undefined
  /** Whether the books are compared with the events, which takes some 10 µs an event. Default: true. */
  readonly isComplete?: boolean | undefined
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined
  readonly onProgress?: ((phase: InspectPhase, done: number, of: number) => void) | undefined
}

export type InspectPhase = 'retention' | 'indexes'

/** What a hub would do to a log that it opened now, beside appending to it. */
export interface Opening {
  /**
   * Why a new epoch would begin; nothing: none would. `unclean`: what was seen may be lost with the power. `copy`: the file is
   * not the one that was written last.
   */
  readonly beginsEpoch: 'unclean' | 'copy' | undefined
  /** From which version it would be brought up to date; nothing: it is. */
  readonly migratesFrom: number | undefined
  /** The rules of retention are not those that the log was left with: what each governs is counted anew. */
  readonly recountsRules: boolean
}

/** A directory that holds a log which a restored one has replaced. */
export interface Replaced {
  readonly name: string
  readonly bytes: number
}

/** What there is to know of a log in a directory. */
export interface LogReport {
  readonly directory: string
  readonly isInUse: boolean
  readonly version: number
  readonly newestVersion: number
  /** Nothing while a hub has it open. */
  readonly opening: Opening | undefined
  readonly fileBytes: number
  readonly usedBytes: number
  readonly freeBytes: number
  readonly mappedBytes: number
  readonly maxBytes: number
  readonly epochs: readonly EpochEntry[]
  readonly headOffset: number
  readonly events: number
  readonly topics: number
  /** 0: there is no event. */
  readonly oldestTime: number
  readonly newestTime: number
  /** How many keys of repeatable requests are remembered. */
  readonly tokens: number
  readonly rules: readonly Governed[]
  /** Nothing: the books were not compared. */
  readonly agreement: Agreement | undefined
  readonly replaced: readonly Replaced[]
}

/** A log that was being written when the machine stopped: it cannot be read before it is opened for writing. */
export interface UnrecoveredLog {
  readonly directory: string
  readonly needsRecovery: true
  readonly fileBytes: number
}

/**
 * Examines the log in `directory`, also while a hub uses it, and touches nothing there. It reads one state of the log, which
 * costs a hub that writes meanwhile the room of the pages that it could have used again.
 *
 * Rejects as `openReader`: `log-unavailable`, `log-foreign`, `log-newer`, `log-corrupt`, `log-in-use` (a hub has just opened it),
 * `driver-missing`, and with `invalid-setting` for rules that are none.
 */
export async function inspectLog(directory: string, options: InspectOptions = {}): Promise<LogReport | UnrecoveredLog> {
  if (options.retention) compileRetention(options.retention)
  const look = await lookAt(directory)
  const fileBytes = look.header.size
  if (look.header.needsRecovery && !look.isInUse) {
    return { directory: look.folder, needsRecovery: true, fileBytes }
  }
  const reader = await openReader(directory)
  try {
    const { store, pages, head } = reader
    const epochs = store.meta.get(metaKeys.epochs, reader.at)
    const [oldest] = [...store.events.getRange({ limit: 1, ...reader.at })]
    const rules = options.retention ?? leftRules(store)
    const opening = reader.isInUse ? undefined : await readOpening(reader, rules)
    const now = Math.max(head.time, (options.clock ?? Date.now)())
    const progress = (phase: InspectPhase): Progress | undefined =>
      options.onProgress && ((done, of) => options.onProgress?.(phase, done, of))
    const report = {
      directory: reader.folder,
      isInUse: reader.isInUse,
      version: reader.version,
      newestVersion: formatVersion,
      opening,
      fileBytes: (await stat(join(reader.folder, fileNames.data))).size,
      usedBytes: pages.usedBytes,
      freeBytes: pages.freeBytes,
      mappedBytes: pages.mappedBytes,
      maxBytes: options.mapBytes ?? defaultMapBytes,
      epochs: epochs ? parseEpochs(epochs) : [],
      headOffset: head.offset,
      events: pages.entries.events,
      topics: pages.entries.topics,
      oldestTime: oldest ? recordTime(oldest.value) : 0,
      newestTime: head.time,
      tokens: head.tokens,
      rules: await forecast(reader, rules, now, progress('retention')),
      agreement: options.isComplete === false ? undefined : await compareBooks(reader, progress('indexes')),
      replaced: await findReplaced(reader.folder, reader.names),
    }
    await reader.checkUndisturbed()
    return report
  } finally {
    await reader.close()
  }
}

/** As `openLmdbLog` decides it. */
async function readOpening(reader: Reader, rules: readonly RetentionRule[]): Promise<Opening> {
  const { store, folder, version } = reader
  const run = store.meta.get(metaKeys.run, reader.at)?.toString()
  const isChanged = rulesChanged(store, compileRetention(rules))
  const isCopy = store.meta.doesExist(metaKeys.file) && isOtherFile(store, await readIdentity(folder))
  const isUnclean = mayHaveLost(run, await readBootId())
  return {
    beginsEpoch: isUnclean ? 'unclean' : isCopy ? 'copy' : undefined,
    migratesFrom: version < formatVersion ? version : undefined,
    recountsRules: isChanged,
  }
}

async function findReplaced(folder: string, names: readonly string[]): Promise<Replaced[]> {
  const found: Replaced[] = []
  for (const name of names.filter(isReplaced)) {
    let bytes = 0
    for (const file of await readdir(join(folder, name))) bytes += (await stat(join(folder, name, file))).size
    found.push({ name, bytes })
  }
  return found
}
