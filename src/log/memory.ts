import type { EventLog, LogOptions, RetentionRule } from './log.js'
import { logOver } from './memory/log-over.js'
import { MemoryStore } from './memory/store.js'
import { checkOptions, logOptionNames, resolveLogOptions, wholeNumber } from './settings.js'

/** What the memory log keeps unless it is given rules: of all topics together the newest 64 MiB, in at most 500,000 events. */
export const defaultMemoryRetention: readonly RetentionRule[] = [
  { selector: '**', bytes: 64 * 1024 * 1024, count: 500_000 },
]

export interface MemoryLogOptions extends LogOptions {
  /** Default: `defaultMemoryRetention`. */
  readonly retention?: readonly RetentionRule[] | undefined
  /**
   * The most that the log holds: bytes as `RetentionRule.bytes` counts them, and 256 for each event, which is what a small one
   * costs beside its text. At this bound the oldest events go whose rules have any limit and no `keepLatest`; if there are not
   * enough of them, the append is refused with `log-full`. Default: 512 MiB.
   */
  readonly maxBytes?: number | undefined
}

/**
 * A log in the memory of this process, which ends with it. Its histories end with it too: a cursor of another process is
 * `unknown` to it.
 *
 * An append answers when its events are in place, in the same turn. Limits of number and size are applied with the append
 * that goes over them (a rule exceeds them by no more than that append, unless more than 4,096 events have to go, which are
 * then removed in the next turns), those of age every `trimIntervalMs`.
 *
 * Throws `invalid-setting`, with the path of what is wrong.
 */
export function createMemoryLog(options: MemoryLogOptions = {}): EventLog {
  checkOptions(options, 'a log in memory', [...logOptionNames, 'maxBytes'])
  const settings = resolveLogOptions(options, defaultMemoryRetention)
  const maxBytes = wholeNumber('maxBytes', options.maxBytes ?? 512 * 1024 * 1024, 1)
  return logOver(new MemoryStore(settings, maxBytes), 'memory:', settings.trimIntervalMs)
}
