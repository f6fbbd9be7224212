import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from './layout.js'
import { openRoot, openTables } from './store.js'
import { createTransact } from './transact.js'

const driver = await import('lmdb')
let directory: string
let store: Store

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidings-transact-'))
  store = openTables(openRoot(driver, directory, { overlapping: false }))
})

afterEach(async () => {
  await store.root.close()
  await rm(directory, { recursive: true })
})

const key = Buffer.from('key')

function put(text: string): void {
  store.meta.put(key, Buffer.from(text))
}

test('a job that throws undoes what it has put, and nothing of others', async () => {
  const transact = createTransact(store, { whenVisible: false })
  const results = await Promise.allSettled([
    transact(() => put('first')),
    transact(() => {
      put('second')
      throw new RangeError('on purpose')
    }),
    transact(() => store.meta.get(key)?.toString()),
  ])
  expect(results.map(result => (result.status === 'fulfilled' ? result.value : result.reason))).toEqual([
    undefined,
    new RangeError('on purpose'),
    'first',
  ])
  expect(store.meta.get(key)?.toString()).toBe('first')
})

test('a store that takes nothing says so after a time, and takes what comes when it does again', async () => {
  // Another process that has the lock of the writers, until its input ends.
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { readSync } from 'node:fs'
      import { open } from 'lmdb'
      const root = open({ path: process.argv[1], noSubdir: false, overlappingSync: false })
      root.transactionSync(() => {
        process.stdout.write('held')
        readSync(0, Buffer.alloc(1))
      })
      await root.close()`,
      directory,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'], cwd: import.meta.dirname },
  )
  await once(holder.stdout, 'data')
  const transact = createTransact(store, { whenVisible: false, timeoutMs: 100 })
  const begun = transact(() => put('begun'))
  const waiting = transact(() => put('waiting'))
  await expect(begun).rejects.toMatchObject({ code: 'log-unavailable' })
  await expect(waiting).rejects.toMatchObject({ code: 'log-unavailable' })
  holder.stdin.end('.')
  await once(holder, 'close')
  const patient = createTransact(store, { whenVisible: false })
  await patient(() => undefined)
  await patient(() => put('later'))
  expect(store.meta.get(key)?.toString()).toBe('later')
})
