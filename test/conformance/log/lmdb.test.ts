import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import { describeLog } from './suite.js'

for (const durability of ['commit', 'async'] as const) {
  describeLog(`lmdb log, ${durability}`, {
    open: ({ directory, ...options }) => openLmdbLog(directory, { ...options, durability }),
    persistent: true,
  })
}
