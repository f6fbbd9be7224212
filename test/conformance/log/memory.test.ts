import { createMemoryLog } from '../../../src/log/memory.js'
import { describeLog } from './suite.js'

describeLog('memory log', {
  // The memory log keeps 64 MiB unless it is told otherwise; the suite means no rules when it gives none.
  open: async ({ directory: _, ...options }) => createMemoryLog({ retention: [], ...options }),
  persistent: false,
})
