import { describe, expect, it } from 'vitest'
import type { LogReport } from '../../log/lmdb/inspect.js'
import { compileRetention } from '../../log/retention.js'
import { describeLog } from './describe-log.js'
import { logToJson } from './to-json.js'

const now = Date.UTC(2026, 10, 23, 9, 30, 24)
const [hour, rest] = compileRetention([
  { selector: 'host/**', ageMs: 3_600_000, bytes: 128 * 1024 * 1024 },
  { selector: '**', count: 1_000, keepLatest: true },
]).rules

const report: LogReport = {
  directory: '/var/lib/tidings',
  isInUse: false,
  version: 2,
  newestVersion: 2,
  opening: { beginsEpoch: undefined, migratesFrom: undefined, recountsRules: false },
  fileBytes: 20 * 1024 * 1024,
  usedBytes: 15 * 1024 * 1024,
  freeBytes: 5 * 1024 * 1024,
  mappedBytes: 2 ** 30,
  maxBytes: 2 ** 40,
  epochs: [{ epoch: 'k3x9abcd', first: 1 }],
  headOffset: 5_321,
  events: 1_234,
  topics: 1,
  oldestTime: now - 3_600_000,
  newestTime: now - 5_000,
  tokens: 12,
  rules: [
    { rule: hour, events: 34, bytes: 500, oldestTime: now - 3_600_000, dueEvents: 4, dueBytes: 60 },
    { rule: rest, events: 1_200, bytes: 4_096, oldestTime: now - 60_000, dueEvents: 0, dueBytes: 0 },
    { rule: undefined, events: 0, bytes: 0, oldestTime: 0, dueEvents: 0, dueBytes: 0 },
  ],
  agreement: { problems: [], found: 0 },
  replaced: [],
}

const describePlainly = (changed: Partial<LogReport> = {}): string =>
  describeLog({ ...report, ...changed }, 'the rules of the settings', now, (_, text) => text)

describe('what was found of a log', () => {
  it('is told in aligned lines', () => {
    expect(describePlainly()).toBe(`\
Log         /var/lib/tidings
Format      version 2
File        20 MiB: 15 MiB used, 5 MiB free to be written again
Room        0.0014 % of 1 TiB (mapBytes); 1 GiB mapped
Events      1,234 of 1 topic, up to offset 5321
Oldest      2026-11-23 08:30:24 UTC (1 h ago)
Newest      2026-11-23 09:30:19 UTC (5 s ago)
Repeats     12 keys of requests remembered, to know them again
Epochs      k3x9abcd from offset 1

Retention, by the rules of the settings
  rule     keeps                                     events      bytes  oldest                               goes at the next turn
  host/**  1 h, 128 MiB                                  34  500 bytes  2026-11-23 08:30:24 UTC (1 h ago)    4 events, 60 bytes
  **       1,000 events, and the newest of each key   1,200      4 KiB  2026-11-23 09:29:24 UTC (1 min ago)  -

Opening it  changes nothing
Indexes     agree with the events
`)
  })

  it('says what opening would do, and what is wrong', () => {
    const text = describePlainly({
      version: 1,
      opening: { beginsEpoch: 'copy', migratesFrom: 1, recountsRules: true },
      agreement: { problems: ['the event at offset\x1b 7 is damaged'], found: 21 },
      replaced: [{ name: 'replaced-20261123T093024Z', bytes: 1024 }],
    })
    expect(text).toContain('Format      version 1; the present one is 2\n')
    expect(text).toContain('Opening it  brings it up from version 1; older programs refuse it then\n')
    expect(text).toContain('            begins a new epoch: the file is a copy, ')
    expect(text).toContain('            counts anew what each rule governs: ')
    expect(text).toContain(
      'Indexes     21 things that cannot be:\n            the event at offset\u{fffd} 7 is damaged\n',
    )
    expect(text).toContain('            and 20 more\n')
    expect(text).toContain('Kept        replaced-20261123T093024Z, 1 KiB: ')
  })

  it('says the same of a log that is in use, empty, not compared, or has many epochs', () => {
    const epochs = Array.from({ length: 9 }, (_, i) => ({ epoch: `epoch${i}`, first: i + 1 }))
    const text = describePlainly({ isInUse: true, opening: undefined, events: 0, agreement: undefined, epochs })
    expect(text).toContain('Log         /var/lib/tidings, in use by a hub\n')
    expect(text).not.toContain('Oldest  ')
    expect(text).toContain('Epochs      epoch4 from offset 5\n')
    expect(text).toContain('            and 4 before them\n')
    expect(text).toContain('Indexes     not compared with the events (--quick)\n')
  })

  it('is told to programs with the rules as the settings write them', () => {
    expect(JSON.parse(JSON.stringify(logToJson(report)))).toMatchObject({
      events: 1_234,
      retention: [
        { rule: { selector: 'host/**', ageMs: 3_600_000, bytes: 134_217_728 }, events: 34, dueEvents: 4 },
        { rule: { selector: '**', count: 1_000, keepLatest: true }, events: 1_200 },
        { events: 0 },
      ],
      agreement: { found: 0 },
    })
  })
})
