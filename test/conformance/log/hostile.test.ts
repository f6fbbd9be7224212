import { createHostileLog } from '../../support/hostile-log.js'
import { runSeed } from '../../support/random.js'
import { describeLog } from './suite.js'

const seed = runSeed()

describeLog(`hostile log, TIDINGS_SEED=${seed}`, {
  open: async ({ directory: _, ...options }) => createHostileLog({ retention: [], seed, ...options }),
  persistent: false,
  endsPagesEarly: true,
})
