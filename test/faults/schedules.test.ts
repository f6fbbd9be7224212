import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventStreamEncoding } from '../../src/http/sinks/event-stream.js'
import { gzipped } from '../../src/http/sinks/gzip.js'
import type { Encoding } from '../../src/hub/sink.js'
import { openLmdbLog } from '../../src/log/lmdb/open.js'
import type { EventLog } from '../../src/log/log.js'
import { createMemoryLog } from '../../src/log/memory.js'
import { createHostileLog } from '../support/hostile-log.js'
import { runSeed } from '../support/random.js'
import { runSchedule, type ScheduledLog, scheduleRetention } from '../support/schedule.js'

const steps = Number(process.env['TIDINGS_STEPS'] ?? 10_000)

/** Random publishing, subscribing, cuts at any byte, stalls, restarts, trimming and lost histories; a run prints its seed when it fails. */
describe('whatever happens, a subscriber hears every matching event in order, once, or a $gap', () => {
  it('on the memory log', () => hold(memory))
  it('on a hostile log', () => hold(hostile))
  it('on the LMDB log', () => hold(lmdb), 120_000)
})

async function hold(open: (seed: number) => ScheduledLog | Promise<ScheduledLog>): Promise<void> {
  const seed = runSeed()
  try {
    const outcome = await runSchedule(await open(seed), toEncodings(), { seed, steps })
    // A schedule in which nobody hears or loses anything would prove nothing.
    expect(outcome.heard).toBeGreaterThan(steps / 10)
    expect(outcome.polled).toBeGreaterThan(steps / 10)
    expect(outcome.gaps).toBeGreaterThan(0)
  } catch (error) {
    throw new Error(`Again with TIDINGS_SEED=${seed} TIDINGS_STEPS=${steps}.`, { cause: error })
  }
}

/** Two of three in gzip: those of one view share what they are given. */
function toEncodings(): (selectors: readonly string[]) => Encoding {
  let asked = 0
  return selectors => {
    const plain = eventStreamEncoding({ showsTopic: selectors.length > 1, isEnvelope: false })
    return asked++ % 3 === 0 ? plain : gzipped(plain)
  }
}

function memory(): ScheduledLog {
  const log = createMemoryLog({ retention: scheduleRetention })
  return { log, truth: log, misfortunes: [], settle: () => undefined, close: () => log.close() }
}

function hostile(seed: number): ScheduledLog {
  const log = createHostileLog({ seed, retention: scheduleRetention })
  return {
    log,
    truth: log.truth,
    get isInDoubt() {
      return log.isInDoubt
    },
    misfortunes: [
      { weight: 0.15, happen: random => log.loseTail(random.below(30), { silently: random.chance(0.5) }) },
      { weight: 0.15, happen: () => log.goAway() },
      { weight: 0.3, happen: () => log.comeBack() },
      { weight: 0.5, happen: random => log.failNextAppend({ after: random.chance(0.5) }) },
    ],
    settle: () => log.settle(),
    close: () => log.close(),
  }
}

async function lmdb(): Promise<ScheduledLog> {
  // Nothing here depends on what a disk does, and in memory there is time for more steps.
  const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const directory = await mkdtemp(join(place, 'tidings-schedule-'))
  const open = (): Promise<EventLog> => openLmdbLog(directory, { retention: scheduleRetention, durability: 'async' })
  let log = await open()
  return {
    get log() {
      return log
    },
    get truth() {
      return log
    },
    async reopen() {
      await log.close()
      log = await open()
    },
    misfortunes: [],
    settle: () => undefined,
    async close() {
      await log.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
