import type { RetentionRule } from '../log.js'
import { inheritFloors, type Retention } from '../retention.js'
import { decodeRule, decodeTopic, encodeRule, metaKeys, type RuleRecord, ruleKey, type Store } from './layout.js'

/** What `meta` keeps of the rules: enough to see a change that matters. */
function rulesText(retention: Retention): string {
  return JSON.stringify(
    retention.rules.map(({ selector, ...limits }) => ({ selector: selector.text, ...limits })),
    // JSON has no `Infinity`, which stands for a limit that was not given.
    (_, value: unknown) => (value === Infinity ? undefined : value),
  )
}

/** The rules that the log was left with. */
export function leftRules(store: Store): readonly RetentionRule[] {
  const left: readonly RetentionRule[] = JSON.parse(
    store.meta.get(metaKeys.rules)?.toString() ?? '[]',
    // Version 1 wrote `null` for a limit that was not given.
    (_, value: unknown) => value ?? undefined,
  )
  return left
}

/** The rules are not those that the log was left with. */
export function rulesChanged(store: Store, retention: Retention): boolean {
  return store.meta.get(metaKeys.rules)?.toString() !== rulesText(retention)
}

/**
 * Carries the floors over to the rules of today, counts anew what each governs, and lets each begin to judge from the first
 * event. To be called in a write transaction. Costs what the listing of all topics costs: some 2 µs a topic.
 */
export function replaceRules(store: Store, retention: Retention): void {
  const left = leftRules(store)
  const floors = inheritFloors(
    {
      selectors: left.map(rule => rule.selector),
      floors: Array.from({ length: left.length + 1 }, (_, i) => {
        const value = store.meta.get(ruleKey(i))
        return value ? decodeRule(value).floor : 0
      }),
    },
    retention,
  )
  const none = retention.rules.length
  const records: RuleRecord[] = floors.map(floor => ({ cursor: 0, floor, events: 0, bytes: 0 }))
  for (const { value } of store.topics.getRange({})) {
    const topic = decodeTopic(value)
    const record = records[retention.ruleOf(topic.topic) ?? none] as RuleRecord
    record.events += topic.events
    record.bytes += topic.bytes
  }
  for (let i = none + 1; i <= left.length; i++) store.meta.remove(ruleKey(i))
  for (const [i, record] of records.entries()) store.meta.put(ruleKey(i), encodeRule(record))
  store.meta.put(metaKeys.rules, Buffer.from(rulesText(retention)))
}
