import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  formatVersion,
  latestKey,
  metaKeys,
  noValue,
  offsetTopicKey,
  packNumbers,
  readOffset,
  type Store,
  topicIdOf,
  topicOffsetKey,
} from './layout.js'
import { recordKey } from './record.js'
import { formatText } from './store.js'
import { createTransact } from './transact.js'

/** How many events one transaction of a migration takes. */
const stepEvents = 1_000

/**
 * Brings a log up to the present version, in steps that are transactions. A migration that was cut off goes on from its last step
 * when the log is opened again; until the last one the log is of the old version.
 *
 * - 1 to 2: version 1 had no `newest`, `newestByTopic` and `latest`. They are made from the events.
 */
export async function migrate(store: Store, version: number): Promise<void> {
  if (version === formatVersion) return
  const transact = createTransact(store, { whenVisible: false })
  while (await transact(() => migrateStep(store))) await nextTurn()
}

/** One step, in a write transaction. Whether there is more to do. */
export function migrateStep(store: Store, limit: number = stepEvents): boolean {
  const progress = store.meta.get(metaKeys.migration)
  const after = progress ? readOffset(progress) : 0
  let last = after
  for (const { key, value } of [...store.events.getRange({ start: offsetTopicKey(after + 1, 0), limit })]) {
    last = readOffset(key)
    const topicId = topicIdOf(key)
    const mark = latestKey(topicId, recordKey(value, last))
    const old = store.latest.get(mark)
    if (old) {
      store.newest.remove(offsetTopicKey(readOffset(old), topicId))
      store.newestByTopic.remove(topicOffsetKey(topicId, readOffset(old)))
    }
    store.latest.put(mark, packNumbers(last))
    store.newest.put(key, noValue)
    store.newestByTopic.put(topicOffsetKey(topicId, last), noValue)
  }
  if (last > after) {
    store.meta.put(metaKeys.migration, packNumbers(last))
    return true
  }
  store.meta.remove(metaKeys.migration)
  store.meta.put(metaKeys.format, formatText())
  return false
}
