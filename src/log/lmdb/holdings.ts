import type { LogUsage } from '../log.js'
import { decodeRule, ruleKey } from './layout.js'
import { recordTime } from './record.js'
import type { Session } from './session.js'

/** See `EventLog.usage`. Every event is on the books of one rule, or of none, which has books of its own. */
export function usageOf(session: Session, maxStoredBytes: number): LogUsage {
  session.checkOpen()
  const storedBytes = session.usedBytes()
  return session.read(() => {
    const { store, retention } = session
    let events = 0
    let bytes = 0
    for (let i = 0; i <= retention.rules.length; i++) {
      const value = store.meta.get(ruleKey(i))
      if (!value) continue
      const rule = decodeRule(value)
      events += rule.events
      bytes += rule.bytes
    }
    const [oldest] = [...store.events.getRange({ limit: 1 })]
    return { events, bytes, oldestTime: oldest ? recordTime(oldest.value) : 0, storedBytes, maxStoredBytes }
  })
}
