import { describe } from 'vitest'
import { appendChapter } from './append.js'
import { closingChapter } from './closing.js'
import { epochsChapter } from './epochs.js'
import { followChapter } from './follow.js'
import { type LogFactory, openerOf } from './harness.js'
import { idempotencyChapter } from './idempotency.js'
import { newestChapter } from './newest.js'
import { properties } from './properties.js'
import { readChapter } from './read.js'
import { retentionChapter } from './retention.js'
import { rulesChapter } from './rules.js'
import { timeChapter } from './time.js'
import { topicsChapter } from './topics.js'
import { usageChapter } from './usage.js'

/**
 * Holds a driver to the port in `src/log/log.ts`, from outside. What stands in quotes is the clause of the port that a case is
 * about. A driver's own test calls it once, and has cases of its own for what only that driver promises.
 */
export function describeLog(name: string, factory: LogFactory): void {
  describe(name, () => {
    const open = openerOf(factory)
    appendChapter(open)
    readChapter(open, factory)
    followChapter(open)
    retentionChapter(open)
    rulesChapter(open, factory)
    newestChapter(open, factory)
    topicsChapter(open)
    idempotencyChapter(open)
    epochsChapter(open)
    timeChapter(open)
    usageChapter(open)
    closingChapter(open, factory)
    properties(open, factory)
  })
}
