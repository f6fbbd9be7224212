import { afterEach, describe, expect, it } from 'vitest'
import { judge, presentEpoch } from '../../src/log/epochs.js'
import type { Page } from '../../src/log/log.js'
import { createHostileLog, type HostileLog } from './hostile-log.js'
import { runSeed } from './random.js'

const seed = runSeed()
const everything = { maxEvents: 1000, maxBytes: 1 << 20 }
const opened: HostileLog[] = []

function open(): HostileLog {
  const log = createHostileLog({ seed, retention: [{ selector: '**', count: 20 }] })
  opened.push(log)
  return log
}

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close()
})

const says = (log: HostileLog, ...texts: string[]) => log.append(texts.map(data => ({ topic: 'a', data })))
const held = async (log: HostileLog) => (await log.truth.read(0, everything)).events.map(event => event.data)

describe(`hostile log, TIDINGS_SEED=${seed}`, () => {
  it('comes back from an older copy in a new history, and tells followers', async () => {
    const log = open()
    const positions = await says(log, '1', '2', '3')
    const pages: Page[] = []
    const abort = new AbortController()
    const following = (async () => {
      for await (const page of log.follow(0, abort.signal)) {
        pages.push(page)
        if (page.events.at(-1)?.data === '5') return
      }
    })()
    await says(log, '4')
    log.loseTail(2)
    expect(await held(log)).toEqual(['1', '2'])
    const { epochs } = await log.head()
    expect(positions.map(position => judge(position, epochs))).toEqual(['good', 'good', 'rewound'])
    const [again] = await says(log, '5')
    expect(again?.epoch).toBe(presentEpoch(epochs))
    await following
    const inNewHistory = pages.filter(page => page.head.epochs.length > 1).flatMap(page => page.events)
    expect(inNewHistory.map(event => event.data).filter(data => data > '2')).toEqual(['5'])
    expect(await held(log)).toEqual(['1', '2', '5'])
  })

  it('falls back silently, and takes no append before a hub has begun a history', async () => {
    const log = open()
    await says(log, '1', '2', '3')
    const before = await log.head()
    log.loseTail(2, { silently: true })
    const after = await log.head()
    expect(after.epochs).toEqual(before.epochs)
    expect(after.offset).toBeLessThan(before.offset)
    expect(log.isInDoubt).toBe(true)
    await expect(says(log, '4')).rejects.toMatchObject({ code: 'log-unavailable' })
    await log.beginEpoch(presentEpoch(after.epochs))
    await says(log, '5')
    expect(await held(log)).toEqual(['1', '5'])
  })

  it('takes no append either when it has lost the history that told of an earlier loss', async () => {
    const log = open()
    await says(log, '1', '2', '3')
    const before = await log.head()
    log.loseTail(1)
    log.loseTail(0, { silently: true })
    const after = await log.head()
    expect(after.epochs).toEqual(before.epochs)
    expect(log.isInDoubt).toBe(true)
    await expect(says(log, '4')).rejects.toMatchObject({ code: 'log-unavailable' })
    await log.beginEpoch(presentEpoch(after.epochs))
    await says(log, '5')
    expect(await held(log)).toEqual(['1', '2', '5'])
  })

  it('takes appends after a silent loss if nobody minds, or nobody saw what was lost', async () => {
    const log = open()
    await says(log, '1')
    log.failNextAppend({ after: true })
    await expect(says(log, '2')).rejects.toMatchObject({ code: 'log-unavailable' })
    log.loseTail(1, { silently: true })
    expect(log.isInDoubt).toBe(false)
    await says(log, '3')
    log.loseTail(1, { silently: true })
    for (let i = 0; i < 8; i++) await log.head()
    await says(log, '4')
    expect(await held(log)).toEqual(['1', '4'])
  })

  it('forgets the histories and tokens that the copy does not have, and keeps the others', async () => {
    const log = open()
    const once = (token: string) => ({ topic: 'a', data: token, once: { token, digest: token } })
    const [kept] = await log.append([once('kept')])
    const { epochs } = await log.beginEpoch(kept?.epoch ?? '')
    const [second] = await log.append([once('second')])
    await log.beginEpoch(presentEpoch(epochs))
    await log.append([once('lost')])
    log.loseTail(1)
    const table = (await log.truth.head()).epochs
    expect(table.slice(0, 2)).toEqual(epochs)
    expect(table).toHaveLength(3)
    expect(await log.append([once('kept'), once('second')])).toEqual([kept, second])
    await log.append([once('lost')])
    expect(await held(log)).toEqual(['kept', 'second', 'lost'])
  })

  it('is away until it comes back', async () => {
    const log = open()
    await says(log, '1')
    const next = log
      .follow((await log.head()).offset, new AbortController().signal)
      [Symbol.asyncIterator]()
      .next()
    const read = log.read(0, everything)
    log.goAway()
    const answers = await Promise.allSettled([next, read, log.head(), says(log, '2'), log.trim()])
    for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'log-unavailable' } })
    expect(await held(log)).toEqual(['1'])
    log.comeBack()
    await says(log, '3')
    expect(await held(log)).toEqual(['1', '3'])
  })

  it('fails an append before or after it was done', async () => {
    const log = open()
    log.failNextAppend()
    await expect(says(log, '1')).rejects.toMatchObject({ code: 'log-unavailable' })
    log.failNextAppend({ after: true })
    await expect(says(log, '2')).rejects.toMatchObject({ code: 'log-unavailable' })
    await says(log, '3')
    expect(await held(log)).toEqual(['2', '3'])
  })

  it('makes holes, which can be turned off', async () => {
    const log = open()
    const positions = await says(log, ...Array.from({ length: 40 }, (_, i) => String(i)))
    expect(positions.at(-1)?.offset).toBeGreaterThan(40)
    log.holes = false
    const [a, b] = await says(log, 'a', 'b')
    expect(b?.offset).toBe((a?.offset ?? 0) + 1)
  })

  it('gives answers that overtake each other', async () => {
    const log = open()
    log.maxLag = 8
    const order: number[] = []
    await Promise.all(Array.from({ length: 30 }, (_, i) => log.head().then(() => order.push(i))))
    expect(order).not.toEqual(order.toSorted((a, b) => a - b))
  })
})
