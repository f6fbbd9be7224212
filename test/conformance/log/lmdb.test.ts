import { joinLmdbLog } from '../../../src/log/lmdb/join.js'
import { openLmdbLog } from '../../../src/log/lmdb/open.js'
import { describeLog } from './suite.js'

for (const durability of ['commit', 'async'] as const) {
  describeLog(`lmdb log, ${durability}`, {
    open: ({ directory, ...options }) => openLmdbLog(directory, { ...options, durability }),
    persistent: true,
  })
}

// A process that has joined the log of another promises all that the owner does; retention is the owner's.
describeLog('lmdb log, joined', {
  async open({ directory, retention, trimIntervalMs, ...options }) {
    const owner = await openLmdbLog(directory, { ...options, retention, trimIntervalMs })
    const member = await joinLmdbLog(directory, options)
    return {
      ...member,
      trim: () => owner.trim(),
      setRetention: rules => owner.setRetention(rules),
      async close() {
        await member.close()
        await owner.close()
      },
    }
  },
  persistent: true,
})
