import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compileRetention } from '../retention.js'
import { createCatalog } from './catalog.js'
import { beginLog } from './history.js'
import { Ledger } from './ledger.js'
import { encodeRecord } from './record.js'
import { openRoot, openTables } from './store.js'

test('an event is not shown under the name of a topic whose commit failed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-catalog-'))
  const root = openRoot(await import('lmdb'), directory, { overlapping: false })
  try {
    const store = openTables(root, each => beginLog(each))
    const catalog = createCatalog(store)
    const add = (topic: string): number => {
      const ledger = new Ledger(store, catalog, compileRetention([]))
      ledger.add(topic, '', encodeRecord({ topic, data: 'x' }), false)
      ledger.save()
      return ledger.topic(topic)?.id ?? -1
    }
    // Retention, in the same transaction, may have asked for the name before the disk turned out to be full.
    expect(() =>
      root.transactionSync(() => {
        expect(catalog.name(add('secret'))).toBe('secret')
        throw new Error('The commit failed.')
      }),
    ).toThrow('The commit failed.')
    const id = root.transactionSync(() => add('public'))
    expect(catalog.name(id)).toBe('public')
  } finally {
    await root.close()
    await rm(directory, { recursive: true })
  }
})
