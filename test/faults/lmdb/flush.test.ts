import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { requireProgram } from '../../support/programs.js'
import { startWriter } from './writer.js'

const strace = requireProgram('strace', 'install the package strace of your system, such as: apt-get install strace')

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-flush-'))
})

afterEach(() => rm(directory, { recursive: true }))

/** One system call, at the moment when it was over. */
interface Call {
  readonly name: string
  readonly text: string
}

/**
 * The calls in the order in which they ended. Lines of `strace -f`: `PID call(...) = 0`, or in two parts,
 * `PID call(... <unfinished ...>` and `PID <... call resumed>...) = 0`.
 */
function toCalls(trace: string): Call[] {
  const begun = new Map<string, string>()
  const calls: Call[] = []
  for (const line of trace.split('\n')) {
    const [, pid = '', text = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(text)
    if (text.endsWith('<unfinished ...>')) begun.set(pid, text.slice(0, -'<unfinished ...>'.length))
    else if (resumed) calls.push({ name: resumed[1] as string, text: `${begun.get(pid)}${resumed[2]}` })
    else calls.push({ name: /^(\w+)\(/.exec(text)?.[1] ?? '', text })
  }
  return calls
}

/** The descriptors of the log's file: as opened for data, and as opened so that a write is flushed when it returns. */
function descriptorsOf(calls: readonly Call[]): { readonly data: Set<string>; readonly flushed: Set<string> } {
  const data = new Set<string>()
  const flushed = new Set<string>()
  for (const { name, text } of calls) {
    const descriptor = / = (\d+)/.exec(text)?.[1]
    if (name !== 'openat' || !descriptor || !text.includes('data.mdb')) continue
    if (/O_DSYNC|O_SYNC/.test(text)) flushed.add(descriptor)
    else data.add(descriptor)
  }
  return { data, flushed }
}

/**
 * What happened, in order: `flush` (the pages of a commit are on the disk), `commit` (so is the page that makes it the newest), and
 * what the writer has said. Every flush takes 20 ms longer than it would, so that nothing comes after it by luck.
 */
async function traced(durability: 'commit' | 'async'): Promise<string[]> {
  const file = join(directory, 'trace')
  const writer = startWriter({
    directory: join(directory, 'log'),
    durability,
    count: 6,
    dataBytes: 100,
    follow: true,
    wrap: [
      ...[strace as string, '-f', '-o', file, '-s', '40'],
      ...['-e', 'trace=openat,write,pwrite64,fdatasync,fsync,msync', '-e', 'inject=fdatasync:delay_enter=20000'],
    ],
  })
  await writer.ended
  expect(writer.lines.at(-1)).toBe('closed')
  const calls = toCalls(await readFile(file, 'utf8'))
  const { data, flushed } = descriptorsOf(calls)
  return calls.flatMap(({ name, text }) => {
    const descriptor = /^\w+\((\d+)/.exec(text)?.[1] ?? ''
    if (name === 'fdatasync' && data.has(descriptor)) return ['flush']
    if (name === 'pwrite64' && flushed.has(descriptor)) return ['commit']
    const said = name === 'write' && /^write\(1, "(open|answered \d+|seen \d+|found \d+|closed)/.exec(text)?.[1]
    return said ? [said] : []
  })
}

/** Whether each event was said, by `word`, only after as many flushes and commits as there were events up to it. */
function cameAfterFlush(happened: readonly string[], word: string): boolean[] {
  const begin = happened.indexOf('open')
  return Array.from({ length: 6 }, (_, i) => {
    const before = happened.slice(begin, happened.indexOf(`${word} ${i + 1}`))
    return ['flush', 'commit'].every(each => before.filter(it => it === each).length > i)
  })
}

// A killed process shows nothing of this: what it wrote is in the memory of the system, flushed or not.
describe.skipIf(!strace)('as the system saw it', () => {
  test('commit: no event is answered, or seen by a reader or follower, before it is on the disk', async () => {
    const happened = await traced('commit')
    for (const word of ['answered', 'seen', 'found']) {
      expect(cameAfterFlush(happened, word), happened.join(', ')).toEqual(Array(6).fill(true))
    }
  }, 60_000)

  test('async: an event is answered before, and all are on the disk when the log is closed', async () => {
    const happened = await traced('async')
    expect(cameAfterFlush(happened, 'answered'), happened.join(', ')).toContain(false)
    expect(happened.slice(happened.indexOf('answered 6'))).toContain('flush')
  }, 60_000)
})
