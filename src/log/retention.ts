import { TidingsError } from '../wire/errors.js'
import { covers, intersects, matches, parseSelector, type Selector } from '../wire/selector.js'
import type { NewEvent, RetentionRule } from './log.js'

/** How many rules a log takes. */
export const maxRules = 100

/** A rule that was checked. `Infinity` stands for a limit that was not given. */
export interface Rule {
  readonly selector: Selector
  readonly ageMs: number
  readonly count: number
  readonly bytes: number
  readonly keepLatest: boolean
  readonly ephemeral: boolean
}

/**
 * The highest offset that was removed under each rule, in the order of the rules, and one number more: that of the topics
 * that no rule governs, above 0 only if they were governed once (see `inheritFloors`).
 */
export type Floors = readonly number[]

/**
 * Which rule governs which topic, and what may therefore be missing.
 *
 * A rule is named by its index. `rules.length` names no rule, but the topics that none governs.
 */
export interface Retention {
  readonly rules: readonly Rule[]
  /** The first rule whose selector matches; nothing: all of the topic is kept. Costs one match a glob at most. */
  ruleOf(topic: string): number | undefined
  /** The rules that may govern a topic that one of `selectors` (default: any topic) selects, in ascending order. */
  rulesFor(selectors: readonly Selector[] | undefined): readonly number[]
  /**
   * The greatest offset of a matching event that may have been removed; 0: none was.
   * `topicFloor` is what the record of a topic that holds events says of itself; nothing: it holds none, and its rule speaks.
   */
  floorFor(
    selectors: readonly Selector[] | undefined,
    floors: Floors,
    topicFloor: (topic: string) => number | undefined,
  ): number
}

/**
 * Checks the rules and makes them ready to ask. Throws `invalid-setting`, with the path of what is wrong, such as
 * `retention[2].ageMs`.
 */
export function compileRetention(given: readonly RetentionRule[]): Retention {
  if (!Array.isArray(given)) throw invalid('retention', 'is no list of rules like {"selector": "**", "count": 1000}')
  if (given.length > maxRules) throw invalid('retention', `has ${given.length} rules; at most ${maxRules} are taken`)
  const rules = given.map((rule, i) => checkRule(rule, `retention[${i}]`))
  const none = rules.length
  const exact = new Map<string, number>()
  const globs: number[] = []
  rules.forEach(({ selector }, i) => {
    if (selector.glob) globs.push(i)
    else if (!exact.has(selector.text)) exact.set(selector.text, i)
  })

  function ruleOf(topic: string): number | undefined {
    const own = exact.get(topic)
    for (const i of globs) {
      if (own !== undefined && own < i) break
      if (matches((rules[i] as Rule).selector, topic)) return i
    }
    return own
  }

  function addRulesFor(selector: Selector, found: Set<number>): void {
    for (const [i, rule] of rules.entries()) {
      if (!intersects(rule.selector, selector)) continue
      found.add(i)
      if (covers(rule.selector, selector)) return
    }
    found.add(none)
  }

  function rulesFor(selectors: readonly Selector[] | undefined): readonly number[] {
    // No selector covers every topic: wildcards leave out the topics of the hub.
    if (!selectors) return [...rules.keys(), none]
    const found = new Set<number>()
    for (const selector of selectors) addRulesFor(selector, found)
    return [...found].sort((a, b) => a - b)
  }

  function floorFor(
    selectors: readonly Selector[] | undefined,
    floors: Floors,
    topicFloor: (topic: string) => number | undefined,
  ): number {
    if (!selectors) return Math.max(...floors)
    let highest = 0
    for (const selector of selectors) {
      if (!selector.glob) {
        highest = Math.max(highest, topicFloor(selector.text) ?? floors[ruleOf(selector.text) ?? none] ?? 0)
        continue
      }
      const found = new Set<number>()
      addRulesFor(selector, found)
      for (const i of found) highest = Math.max(highest, floors[i] ?? 0)
    }
    return highest
  }

  return { rules, ruleOf, rulesFor, floorFor }
}

/**
 * The floors to begin with when a store is opened: those that it was left with, carried over to the rules of today.
 *
 * `left` has the selectors of the rules of then, in their order, and the floors. A rule takes over the floor of every rule
 * whose topics it may govern now, so a floor may come out higher than need be (a gap too many is said), never lower.
 */
export function inheritFloors(
  left: { readonly selectors: readonly string[]; readonly floors: Floors },
  retention: Retention,
): number[] {
  const none = retention.rules.length
  const same =
    left.selectors.length === none && left.selectors.every((text, i) => text === retention.rules[i]?.selector.text)
  if (same) return Array.from({ length: none + 1 }, (_, i) => left.floors[i] ?? 0)
  const floors = new Array<number>(none + 1).fill(left.floors[left.selectors.length] ?? 0)
  left.selectors.forEach((text, i) => {
    const floor = left.floors[i] ?? 0
    for (const rule of retention.rulesFor([parseSelector(text)])) floors[rule] = Math.max(floors[rule] ?? 0, floor)
  })
  return floors
}

/** What an event counts against the `bytes` of its rule: topic, key, type, event id and data as UTF-8. */
export function eventBytes(event: NewEvent): number {
  // Measured: from about ten characters on the native count is quicker than a loop over them, ten times at a hundred.
  return (
    Buffer.byteLength(event.topic) +
    Buffer.byteLength(event.data) +
    (event.key ? Buffer.byteLength(event.key) : 0) +
    (event.type ? Buffer.byteLength(event.type) : 0) +
    (event.eventId ? Buffer.byteLength(event.eventId) : 0)
  )
}

const limits = ['ageMs', 'count', 'bytes'] as const
const flags = ['keepLatest', 'ephemeral'] as const
const members: ReadonlySet<string> = new Set(['selector', ...limits, ...flags])

function checkRule(rule: RetentionRule, path: string): Rule {
  // Rules come from files and flags too, where no compiler has looked at them.
  const given: unknown = rule
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid(path, 'is no object like {"selector": "**", "count": 1000}')
  }
  for (const member of Object.keys(given)) {
    if (!members.has(member)) throw invalid(`${path}.${member}`, `is unknown; a rule has ${[...members].join(', ')}`)
  }
  for (const limit of limits) {
    const value: unknown = rule[limit]
    if (value !== undefined && !(Number.isSafeInteger(value) && Number(value) >= 0)) {
      throw invalid(`${path}.${limit}`, 'is a whole number of 0 or more')
    }
  }
  for (const flag of flags) {
    const value: unknown = rule[flag]
    if (value !== undefined && typeof value !== 'boolean') throw invalid(`${path}.${flag}`, 'is true or false')
  }
  if (rule.keepLatest && rule.ephemeral) {
    throw invalid(path, 'has keepLatest and ephemeral, of which one keeps what the other drops; choose one')
  }
  return {
    selector: checkSelector(rule.selector, `${path}.selector`),
    ageMs: rule.ageMs ?? Infinity,
    count: rule.count ?? Infinity,
    bytes: rule.bytes ?? Infinity,
    keepLatest: rule.keepLatest ?? false,
    ephemeral: rule.ephemeral ?? false,
  }
}

function checkSelector(given: unknown, path: string): Selector {
  if (typeof given !== 'string') throw invalid(path, 'is the text of a selector, such as "news/**"')
  try {
    return parseSelector(given)
  } catch (cause) {
    throw invalid(path, `is no selector (${cause instanceof Error ? cause.message : String(cause)})`, cause)
  }
}

function invalid(path: string, why: string, cause?: unknown): TidingsError {
  return new TidingsError('invalid-setting', `${path} ${why}.`, cause === undefined ? undefined : { cause })
}
