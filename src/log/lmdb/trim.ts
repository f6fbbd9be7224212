import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Retention, Rule } from '../retention.js'
import { offsetTopicKey, readOffset, topicIdOf } from './layout.js'
import type { Ledger } from './ledger.js'
import { recordTime } from './record.js'
import type { Session } from './session.js'

/** What one step does at most, so that it holds up the event loop, and the appends of its commit, for some 5 ms. */
export const maxStepRemovals = 256
const maxStepVisits = 4_096
const visitChunk = 256

export interface TrimOptions {
  readonly intervalMs: number
  readonly idempotencyMs: number
  /** Called when events up to `floor` were removed, a turn of the event loop after they were. */
  readonly removed: (floor: number) => void
}

/** Retention, in the background: steps with turns of the event loop between them, each a small transaction. */
export interface Trimmer {
  /** Resolves when nothing is left to remove. */
  trim(): Promise<void>
  /** No step begins after this. Resolves when the last one is done. */
  close(): Promise<void>
}

export function createTrimmer(session: Session, options: TrimOptions): Trimmer {
  let running: Promise<void> | undefined
  /** Not the same as `running`: a run that finds nothing to do is over before its promise is known. */
  let isRunning = false
  let again = false
  let closing = false

  async function run(): Promise<void> {
    isRunning = true
    try {
      do {
        again = false
        // As the time of events: a clock that was set back makes nothing younger.
        const now = session.read(head => Math.max(head.time, session.clock()))
        let more = isNeeded()
        while (more && !closing) more = await step(now)
      } while (again && !closing)
    } finally {
      isRunning = false
    }
  }

  function isNeeded(): boolean {
    return session.read(head => head.tokens > 0 || session.retention.rules.length > 0)
  }

  async function step(now: number): Promise<boolean> {
    const { more, floor } = await session.write(ledger => trimStep(session, ledger, now, options))
    // What was appended in the same commit reaches the followers of now first.
    await nextTurn()
    if (floor > 0) options.removed(floor)
    return more
  }

  function trim(): Promise<void> {
    // What was appended since the present run looked at the clock has to be looked at too.
    again = true
    // At once, so that what was asked before the log is closed is taken on before.
    if (!isRunning || !running) running = run()
    return running
  }

  const timer = setInterval(() => {
    if (isRunning) return
    // A log that cannot be written says so to those who append; retention tries again at its next turn.
    trim().catch(() => undefined)
  }, options.intervalMs).unref()

  return {
    trim,
    async close() {
      closing = true
      clearInterval(timer)
      await running?.catch(() => undefined)
    },
  }
}

/** What is left of the bounds of one step. */
interface Budget {
  removals: number
  visits: number
}

/** Removes a bounded number of what is due. `floor`: the greatest offset removed; 0: none was. */
function trimStep(
  session: Session,
  ledger: Ledger,
  now: number,
  options: TrimOptions,
): { readonly more: boolean; readonly floor: number } {
  const budget = { removals: maxStepRemovals, visits: maxStepVisits }
  let floor = 0
  const { retention } = session
  for (const [index, rule] of retention.rules.entries()) {
    const before = ledger.rule(index).floor
    trimRule(session, ledger, { index, rule, ruleOf: retention.ruleOf }, now, budget)
    const { floor: after } = ledger.rule(index)
    if (after > before) floor = Math.max(floor, after)
  }
  forgetTokens(ledger, now - options.idempotencyMs, budget)
  return { more: budget.removals <= 0 || budget.visits <= 0, floor }
}

/**
 * Whether the oldest event that a rule has not judged yet is to go. `held`: what the rule governs, that event included;
 * `oldest`: the least time that its age allows.
 */
export function isDue(
  rule: Rule,
  held: { readonly events: number; readonly bytes: number },
  time: number | undefined,
  oldest: number,
): boolean {
  return rule.ephemeral || held.events > rule.count || held.bytes > rule.bytes || (time !== undefined && time < oldest)
}

/** A rule among the others. */
interface OwnRule extends Pick<Retention, 'ruleOf'> {
  readonly index: number
  readonly rule: Rule
}

/**
 * Judges the events of one rule, oldest first, from where the last step ended to the first that is to stay. Every event is
 * looked at once by each rule that has a limit; what is passed over as the newest of its key goes when another takes its place
 * (`Ledger.save`).
 */
function trimRule(session: Session, ledger: Ledger, own: OwnRule, now: number, budget: Budget): void {
  const { index, rule, ruleOf } = own
  const state = ledger.rule(index)
  const oldest = now - rule.ageMs
  const hasAge = rule.ageMs < Infinity
  const end = offsetTopicKey(ledger.head.offset + 1, 0)
  for (;;) {
    if (!rule.ephemeral && !hasAge && state.events <= rule.count && state.bytes <= rule.bytes) return
    const limit = Math.min(visitChunk, budget.visits)
    if (limit <= 0 || state.cursor >= ledger.head.offset) return
    const keys = [...session.store.events.getKeys({ start: offsetTopicKey(state.cursor + 1, 0), end, limit })]
    for (const key of keys) {
      const offset = readOffset(key)
      const topicId = topicIdOf(key)
      budget.visits--
      const governing = ruleOf(session.catalog.name(topicId))
      if (governing === index) {
        if (budget.removals <= 0) return
        const record = session.store.events.get(key)
        if (!isDue(rule, state, record && recordTime(record), oldest)) return
        if (record && !(rule.keepLatest && ledger.isNewest(topicId, offset))) {
          ledger.remove(offset, topicId, record)
          budget.removals--
        }
      }
      state.cursor = offset
    }
    if (keys.length < limit) state.cursor = ledger.head.offset
  }
}

function forgetTokens(ledger: Ledger, before: number, budget: Budget): void {
  for (const { offset, token } of ledger.oldestTokens(Math.max(0, budget.removals))) {
    const remembered = ledger.remembered(token)
    if (remembered && remembered.time >= before) return
    ledger.forget(offset, token)
    budget.removals--
  }
}
