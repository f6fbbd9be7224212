import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compareBooks } from './agreement.js'
import { readHead } from './catalog.js'
import {
  decodeTopic,
  encodeHead,
  encodeRule,
  encodeTopic,
  latestKey,
  metaKeys,
  noValue,
  offsetTopicKey,
  packNumbers,
  ruleKey,
  type Store,
  topicIdKey,
  topicKey,
  topicOffsetKey,
} from './layout.js'
import { openLmdbLog } from './open.js'
import { openReader } from './reader.js'
import { openRoot, openTables } from './store.js'

const driver = await import('lmdb')
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-agreement-'))
})

afterEach(() => rm(directory, { recursive: true }))

/** A log with everything in it: topic `a` has the id 1, `b` 2, and so on; some of their events were trimmed. */
async function fill(): Promise<void> {
  let now = 1_700_000_000_000
  const log = await openLmdbLog(directory, {
    clock: () => now++,
    trimIntervalMs: 3_600_000,
    retention: [
      { selector: 'a', count: 5 },
      { selector: 'b', count: 3, keepLatest: true },
    ],
  })
  for (let i = 0; i < 40; i++) {
    await log.append([
      { topic: 'a', key: `${i % 3}`, data: `a ${i}` },
      { topic: 'b', key: `${i % 7}`, data: `b ${i}`, once: { token: `t${i}`, digest: 'd' } },
      { topic: `c/${i % 4}`, data: `c ${i}` },
    ])
  }
  await log.append([{ topic: 'c/1', data: 'over', end: true }])
  await log.trim()
  await log.close()
}

async function tamper(change: (store: Store) => void): Promise<void> {
  const root = openRoot(driver, directory, { overlapping: false })
  openTables(root, change)
  await root.close()
}

async function problems(): Promise<readonly string[]> {
  const reader = await openReader(directory)
  try {
    const { problems, found } = await compareBooks(reader)
    expect(problems).toHaveLength(Math.min(found, 20))
    return problems
  } finally {
    await reader.close()
  }
}

test('a log that was written by this agrees, whatever was done to it', async () => {
  await fill()
  expect(await problems()).toEqual([])
})

test('an empty log agrees', async () => {
  await (await openLmdbLog(directory)).close()
  expect(await problems()).toEqual([])
})

describe('what does not agree is said', () => {
  const newest = 118
  const record = (store: Store, offset: number, topicId: number) => store.events.get(offsetTopicKey(offset, topicId))
  const topic = (store: Store, name: string) => decodeTopic(store.topics.get(topicKey(name)) as Buffer)

  test.each<[string, (store: Store) => void, RegExp]>([
    [
      'an event that is gone',
      store => store.events.removeSync(offsetTopicKey(newest, 1)),
      /events of all topics: 53, but it should be 52/,
    ],
    [
      'an event that is missing in the index by topic',
      store => store.byTopic.removeSync(topicOffsetKey(1, newest)),
      /offset 118 is missing in the index by topic/,
    ],
    [
      'an entry of the index by topic that has no event',
      store => store.byTopic.putSync(topicOffsetKey(1, 7), noValue),
      /entries of the index by topic/,
    ],
    [
      'a newest event that is not among the newest',
      store => store.newest.removeSync(offsetTopicKey(newest, 1)),
      /offset 118 is not among the newest/,
    ],
    [
      'an older event that is',
      store => store.newestByTopic.putSync(topicOffsetKey(1, 106), noValue),
      /offset 106 is among the newest, but it should not/,
    ],
    [
      'a newest event that is noted as none',
      store => store.latest.putSync(latestKey(1, Buffer.from('0')), packNumbers(109)),
      /offset 118 is newer than what is noted/,
    ],
    [
      'a damaged record',
      store => store.events.putSync(offsetTopicKey(newest, 1), Buffer.from('short')),
      /offset 118 is damaged/,
    ],
    [
      'two events at one offset',
      store => store.events.putSync(offsetTopicKey(newest, 99), record(store, newest, 1) as Buffer),
      /two events stand at offset 118/,
    ],
    [
      'an event above the head',
      store => store.meta.putSync(metaKeys.head, encodeHead({ ...readHead(store), offset: 100 })),
      /above the head, 100/,
    ],
    [
      'an event of the future',
      store => store.meta.putSync(metaKeys.head, encodeHead({ ...readHead(store), time: 1 })),
      /after that of the head, 1/,
    ],
    [
      'an event older than the one before',
      store => {
        const later = Buffer.from(record(store, newest, 1) as Buffer)
        later.writeUIntBE(5, 1, 6)
        store.events.putSync(offsetTopicKey(newest, 1), later)
      },
      /offset 118 is older than the one before/,
    ],
    [
      'a topic that miscounts its events',
      store => store.topics.putSync(topicKey('a'), encodeTopic({ ...topic(store, 'a'), events: 9 })),
      /the events of the topic a in the index by topic: 5, but it should be 9/,
    ],
    [
      'a topic that miscounts its bytes',
      store => store.topics.putSync(topicKey('a'), encodeTopic({ ...topic(store, 'a'), bytes: 9 })),
      /the bytes of all topics/,
    ],
    [
      'a topic that ends where it has no event',
      store => store.topics.putSync(topicKey('a'), encodeTopic({ ...topic(store, 'a'), end: 3 })),
      /the topic a ends at offset 3/,
    ],
    ['a topic without a name', store => store.names.removeSync(topicIdKey(1)), /topic 1, which has no name/],
    [
      'a number that was not given yet',
      store => store.meta.putSync(metaKeys.head, encodeHead({ ...readHead(store), nextTopicId: 2 })),
      /the topic b has a number that was not given/,
    ],
    [
      'a rule that miscounts',
      store => store.meta.putSync(ruleKey(0), encodeRule({ cursor: 500, floor: 0, events: 77, bytes: 0 })),
      /the events of retention rule 0: 77, but it should be 5/,
    ],
    [
      'a rule that has judged what is not there yet',
      store => store.meta.putSync(ruleKey(0), encodeRule({ cursor: 500, floor: 0, events: 5, bytes: 0 })),
      /marks of retention rule 0 stand above the head/,
    ],
    [
      'a token that is remembered elsewhere',
      store => store.onceOrder.putSync(packNumbers(1), Buffer.alloc(32)),
      /published once at offset 1 is not remembered/,
    ],
    [
      'tokens that are miscounted',
      store => store.meta.putSync(metaKeys.head, encodeHead({ ...readHead(store), tokens: 1 })),
      /the count of what was published once: 1, but it should be 40/,
    ],
    [
      'an epoch above the head',
      store =>
        store.meta.putSync(metaKeys.epochs, Buffer.from('[{"epoch":"e0","first":9},{"epoch":"e1","first":900}]')),
      /the epoch e1 begins above the head/,
    ],
  ])('%s', async (_, change, message) => {
    await fill()
    await tamper(change)
    expect((await problems()).join('\n')).toMatch(message)
  })
})
